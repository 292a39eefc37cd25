"""How long it takes from a keystroke to the diagnostics in real files of about 2,000 lines.

    python -m benchmarks.keystrokes

The files are those of ``pitfall_hits``, which unpacks them. A line of code is typed into a function in the middle of
each, and the client asks for diagnostics after every character.
"""

import argparse
import json
import re
import statistics
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.machine import machine, today
from benchmarks.session import Session

RESULTS = Path(__file__).parent / "results" / "keystrokes.json"
_LONG = range(1800, 2300)
_STATEMENT = re.compile(r"\n( {4,})(?:return|if|for|with|self\.\w+ =)\b")
_TYPED = "y = mx.concatenate([x, x], axis=1).astype(mx.float16)"


def main() -> None:
    """Type into the files, print a table and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path(".work/pitfall_hits"), help="where the packages are")
    options = parser.parse_args()
    files = [(path, path.read_text("utf-8")) for path in sorted(options.folder.rglob("*.py"))]
    long = {path: text for path, text in files if text.count("\n") in _LONG}
    if not long:
        raise SystemExit(
            f"{options.folder} holds no file of so many lines: run python -m benchmarks.pitfall_hits first"
        )
    (server,) = (server for server in peers.servers() if server.name == "tenny-lsp")
    rows: dict[str, dict[str, float]] = {}
    print("| file | lines | median, ms | worst, ms |\n|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as home:
        environment, log = peers.environment(Path(home)), Path(home) / "log"
        with Session(server.command, environment, server.settings, log) as session:
            session.initialize(options.folder.resolve(), server.options)
            for path, text in long.items():
                taken = _typed(session, path.resolve().as_uri(), text)
                row = {"lines": text.count("\n"), "median": statistics.median(taken), "worst": max(taken)}
                rows[str(path.relative_to(options.folder))] = row
                print(f"| {path.name} | {row['lines']} | {row['median']:.0f} | {row['worst']:.0f} |")
            session.close()
    medians = [row["median"] for row in rows.values()]
    print(f"median of the files' medians: {statistics.median(medians):.0f} ms")
    result = {"date": today(), "machine": machine(), "typed": _TYPED, "milliseconds": rows}
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def _typed(session: Session, uri: str, text: str) -> list[float]:
    """Return the milliseconds from each keystroke to the diagnostics."""
    document: dict[str, Any] = {"uri": uri, "languageId": "python", "version": 0, "text": text}
    session.notify("textDocument/didOpen", {"textDocument": document})
    session.request("textDocument/diagnostic", {"textDocument": {"uri": uri}})
    statement = _STATEMENT.search(text, len(text) // 2)
    if statement is None:
        raise SystemExit(f"there is no function in the second half of {uri}")
    line, indentation = text.count("\n", 0, statement.start() + 1), statement[1]
    taken = []
    for number, typed in enumerate((f"{indentation}\n", *_TYPED)):
        place = {"line": line, "character": len(indentation) + number - 1 if number else 0}
        change = {"range": {"start": place, "end": place}, "text": typed}
        identifier = {"uri": uri, "version": number + 1}
        session.notify("textDocument/didChange", {"textDocument": identifier, "contentChanges": [change]})
        _, seconds = session.request("textDocument/diagnostic", {"textDocument": {"uri": uri}})
        taken.append(seconds * 1000)
    session.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    return taken


if __name__ == "__main__":
    main()
