"""How long a hover takes in a file of 2,300 lines while it is typed in: Tenny, with facts only, against its peers.

    python -m benchmarks.long_file

The file is made of MLX-LM's models. Right before each hover a comment is typed behind the name's line, so no answer can
come from before. The names are uses of ``mx.…`` and ``nn.…``, evenly spread.
"""

import argparse
import json
import platform
import statistics
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from benchmarks import peers
from benchmarks.machine import machine, today
from benchmarks.places import Place, choose
from benchmarks.session import Session, SessionError
from tenny_lsp.mlx_api.environment import find_installed

RESULTS = Path(__file__).parent / "results" / "long_file.json"
_LINES = 2000


def main() -> None:
    """Measure all servers, prints a Markdown table and writes the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--hovers", type=int, default=300)
    parser.add_argument("--servers", nargs="*", help="only these of the servers, beside tenny-lsp")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    milliseconds: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder).resolve() / "workspace"
        workspace.mkdir()
        document = workspace / "models.py"
        document.write_text(_long_text(), "utf-8")
        places = choose([document], options.hovers)
        for server in peers.servers():
            if options.servers is not None and server.name not in ("tenny-lsp", *options.servers):
                continue
            try:
                milliseconds[server.name] = _measured(server, workspace, places)
            except (OSError, SessionError) as error:
                print(f"{server.name} is left out: {error}", file=sys.stderr)
    names = ("tenny-lsp", "mlx-lm", "pygls")
    versions = {"python": platform.python_version()} | {name: version(name) for name in names} | peers.versions()
    about = {"date": today(), "machine": machine(), "versions": versions, "lines": _LINES, "hovers": options.hovers}
    options.output.write_text(json.dumps(about | {"milliseconds": milliseconds}, indent=2) + "\n", "utf-8")
    print("| hover after a keystroke, ms | p50 | p95 | answered |\n|---|---:|---:|---:|")
    for name, part in milliseconds.items():
        cells = f"{part['p50']:.1f} | {part['p95']:.1f} | {part['answered']:.0f} of {options.hovers}"
        print(f"| {name} {versions[name]} | {cells} |")


def _long_text() -> str:
    """Return the first models of MLX-LM, in one text of about 2,300 lines."""
    text = ""
    for path in sorted((find_installed("mlx_lm").folder / "models").glob("*.py")):
        text += path.read_text("utf-8")
        if text.count("\n") >= _LINES:
            break
    return text


def _measured(server: peers.Server, workspace: Path, places: list[Place]) -> dict[str, float]:
    log = workspace.parent / f"{server.name}.log"
    with Session(server.command, peers.environment(workspace.parent / server.name), server.settings, log) as session:
        session.initialize(workspace, server.options)
        uri = places[0].document.as_uri()
        text = places[0].document.read_text("utf-8")
        item = {"uri": uri, "languageId": "python", "version": 0, "text": text}
        session.notify("textDocument/didOpen", {"textDocument": item})
        _hover(session, places[0])
        session.settle()
        hovers = []
        for number, place in enumerate(places):
            _type(session, place, number)
            hovers.append(_hover(session, place))
        session.close()
    taken = [seconds * 1000 for _, seconds in hovers]
    answered = sum(answered for answered, _ in hovers)
    return {"p50": statistics.median(taken), "p95": statistics.quantiles(taken, n=20)[-1], "answered": answered}


def _hover(session: Session, place: Place) -> tuple[bool, float]:
    """Return whether a hover had something to say, and its seconds."""
    position = {"line": place.line, "character": place.column}
    params = {"textDocument": {"uri": place.document.as_uri()}, "position": position}
    result, seconds = session.request("textDocument/hover", params)
    return bool(result and result["contents"]), seconds


def _type(session: Session, place: Place, number: int) -> None:
    """Type a comment in front of the end of the place's line."""
    lines = place.document.read_text("utf-8").split("\n")
    end = {"line": place.line, "character": len(lines[place.line])}
    typed = {"range": {"start": end, "end": end}, "text": f"  # {number}"}
    document = {"uri": place.document.as_uri(), "version": number + 1}
    session.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [typed]})


if __name__ == "__main__":
    main()
