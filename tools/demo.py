"""``make demo``: build a dataset from the installed MLX, train an adapter on it, hover and ask in an LSP session."""

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
#: Enough to answer a question, in about a minute on two free cores; by default all rows are read once.
TRAINING = ("--iters", "60", "--batch-size", "8", "--val-batches", "4")
CODE = "import mlx.core as mx\nimport mlx.nn as nn\n\nactivation = nn.ReLU()\ny = mx.softmax(x, axis=-1)\n"
POSITIONS = {"nn.ReLU": lsp.Position(3, 17), "mx.softmax": lsp.Position(4, 10)}
QUESTION = "What does mx.softmax do?"

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
    """Open a file as an editor does, print its hovers and ask a question."""
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
    for name, position in POSITIONS.items():
        await hover(client, name, position)
    is_generated = await ask(client)
    await client.shutdown_async(None)
    client.exit(None)
    await client.stop()
    if not is_generated:
        sys.exit("The documentation answered alone; train longer: tenny-lsp train")


async def hover(client: LanguageClient, name: str, position: lsp.Position) -> None:
    """Print a hover and how long it took."""
    params = lsp.HoverParams(lsp.TextDocumentIdentifier("file:///demo.py"), position)
    start = time.perf_counter()
    result = await client.text_document_hover_async(params)
    assert result is not None and isinstance(result.contents, lsp.MarkupContent)
    console.print(f"{name}: facts after {(time.perf_counter() - start) * 1000:.0f} ms", highlight=False)
    console.print(Panel(Markdown(result.contents.value), title=f"hover on {name}", width=100))


async def ask(client: LanguageClient) -> bool:
    """Print what the trained model says to a question; return whether it said it rather than the documentation."""
    params = lsp.ExecuteCommandParams(command="tenny.ask", arguments=[QUESTION, False])
    answer = await client.workspace_execute_command_async(params)
    console.print(Panel(answer["answer"], title=QUESTION, width=100))
    return bool(answer["generated"])


if __name__ == "__main__":
    main()
