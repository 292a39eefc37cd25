"""``make demo``: build a dataset from the installed MLX, train an adapter on it, and hover in an LSP session."""

import asyncio
import shutil
import subprocess
import sys
import time
from pathlib import Path

from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient
from rich.console import Console
from rich.markdown import Markdown
from rich.panel import Panel
from rich.rule import Rule

WORK = Path(__file__).parent.parent / ".work" / "demo"
DATASET, ADAPTER = WORK / "dataset", WORK / "adapter"
#: Enough to answer what a hover asks, in about a minute on two free cores; by default all rows are read once.
TRAINING = ("--iters", "60", "--batch-size", "8", "--val-batches", "4")
CODE = "import mlx.core as mx\nimport mlx.nn as nn\n\nactivation = nn.ReLU()\ny = mx.softmax(x, axis=-1)\n"
POSITIONS = {"nn.ReLU": lsp.Position(3, 17), "mx.softmax": lsp.Position(4, 10)}
TIMEOUT_S = 60

console = Console()


def main() -> None:
    """Run build-dataset, train, and an editor's session with serve."""
    shutil.rmtree(WORK, ignore_errors=True)
    tenny("1/3  Read MLX's docstrings into questions and answers", "build-dataset", "--output", str(DATASET))
    tenny(
        "2/3  Fine-tune the embedded base with LoRA",
        *("train", "--data", str(DATASET), "--adapter-path", str(ADAPTER), *TRAINING),
    )
    console.print(Rule("3/3  A real LSP session: tenny-lsp serve"))
    asyncio.run(session())


def tenny(title: str, *arguments: str) -> None:
    """Run a tenny-lsp command in the terminal, under a title."""
    console.print(Rule(title))
    console.print(f"$ tenny-lsp {' '.join(arguments)}", style="dim", highlight=False, soft_wrap=True)
    subprocess.run([sys.executable, "-m", "tenny_lsp", *arguments], check=True)


async def session() -> None:
    """Open a file as an editor does and print its hovers."""
    client = LanguageClient("tenny-demo", "1")
    client.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(lambda _: None)  # else pygls logs each one as unknown
    await client.start_io(sys.executable, "-m", "tenny_lsp", "serve", "--stdio")
    start = time.perf_counter()
    await client.initialize_async(
        lsp.InitializeParams(
            capabilities=lsp.ClientCapabilities(),
            initialization_options={"model": {"adapterPath": str(ADAPTER)}},
        )
    )
    console.print(f"initialize answered in {time.perf_counter() - start:.2f} s")
    client.initialized(lsp.InitializedParams())
    document = lsp.TextDocumentItem(uri="file:///demo.py", language_id="python", version=1, text=CODE)
    client.text_document_did_open(lsp.DidOpenTextDocumentParams(text_document=document))
    cards = [await hover(client, name, position) for name, position in POSITIONS.items()]
    await client.shutdown_async(None)
    client.exit(None)
    await client.stop()
    if not any("**Tenny:**" in card for card in cards):
        sys.exit("No hover had the model's answer; train longer: tenny-lsp train")


async def hover(client: LanguageClient, name: str, position: lsp.Position) -> str:
    """Print and return a hover that has the model's answer; the first ones may show facts alone."""
    params = lsp.HoverParams(lsp.TextDocumentIdentifier("file:///demo.py"), position)
    first = start = time.perf_counter()
    card, requests = "", 0
    while "**Tenny:**" not in card and time.perf_counter() - first < TIMEOUT_S:
        start = time.perf_counter()
        result = await client.text_document_hover_async(params)
        assert result is not None and isinstance(result.contents, lsp.MarkupContent)
        card = result.contents.value
        if requests == 0:
            console.print(f"{name}: facts after {(time.perf_counter() - start) * 1000:.0f} ms", highlight=False)
        requests += 1
        await asyncio.sleep(0.2)
    console.print(Panel(Markdown(card), title=f"hover on {name}", width=100))
    return card


if __name__ == "__main__":
    main()
