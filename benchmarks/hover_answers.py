"""What language servers say when hovering over MLX code: Tenny against its peers, on the same places.

    python -m benchmarks.hover_answers --install

Each server has one session. It is asked about each place; where it was wrong, once more after it has been quiet.
"""

import argparse
import json
import platform
import sys
import tempfile
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.hover_cases import Case, cases, constructors, is_right
from benchmarks.machine import machine, today
from benchmarks.session import Session, SessionError
from tenny_lsp.mlx_api.index import load_mlx_index

RESULTS = Path(__file__).parent / "results" / "hover_answers.json"


def main() -> None:
    """Ask all servers, prints a Markdown table and writes the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--install", action="store_true", help="install the newest peers into .work/peers first")
    parser.add_argument("--servers", nargs="*", help="only these of the servers, beside tenny-lsp")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    if options.install:
        peers.install()
    index = load_mlx_index()
    asked = [*cases(index), *constructors(index)]
    wrong: dict[str, list[Case]] = {}
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder).resolve() / "workspace"
        for server in peers.servers():
            if options.servers is not None and server.name not in ("tenny-lsp", *options.servers):
                continue
            try:
                wrong[server.name] = _wrong(server, workspace, asked)
            except (OSError, SessionError) as error:
                print(f"{server.name} is left out (--install installs it): {error}", file=sys.stderr)
                continue
            print(f"{server.name}: {len(asked) - len(wrong[server.name])} of {len(asked)}", file=sys.stderr)
    _report(options.output, asked, wrong)


def _wrong(server: peers.Server, workspace: Path, asked: list[Case]) -> list[Case]:
    """Return the cases that a server answers wrongly or not at all."""
    workspace.mkdir(exist_ok=True)
    environment = peers.environment(workspace.parent / server.name)
    with Session(server.command, environment, server.settings, workspace.parent / f"{server.name}.log") as session:
        session.initialize(workspace, server.options)
        paths = [workspace / f"case_{number}.py" for number in range(len(asked))]
        for path, case in zip(paths, asked, strict=True):
            path.write_text(case.code.replace("‸", ""), "utf-8")
            _open(session, path)
        session.settle()
        again = [(path, case) for path, case in zip(paths, asked, strict=True) if not _is_right(session, path, case)]
        session.settle()
        wrong = [case for path, case in again if not _is_right(session, path, case)]
        session.close()
    return wrong


def _open(session: Session, path: Path) -> None:
    item = {"uri": path.as_uri(), "languageId": "python", "version": 0, "text": path.read_text("utf-8")}
    session.notify("textDocument/didOpen", {"textDocument": item})


def _is_right(session: Session, path: Path, case: Case) -> bool:
    before = case.code.partition("‸")[0]
    position = {"line": before.count("\n"), "character": len(before) - before.rfind("\n") - 1}
    params = {"textDocument": {"uri": path.as_uri()}, "position": position}
    try:
        result, _ = session.request("textDocument/hover", params)
    except SessionError as error:
        if "no answer" in str(error) or "ended" in str(error):
            raise
        return False
    return result is not None and is_right(case, _text(result["contents"]))


def _text(contents: Any) -> str:
    if isinstance(contents, list):
        return "\n".join(_text(part) for part in contents)
    return str(contents["value"] if isinstance(contents, dict) else contents)


def _report(output: Path, asked: list[Case], wrong: dict[str, list[Case]]) -> None:
    names = ("tenny-lsp", "mlx", "pygls", "griffelib")
    versions = {"python": platform.python_version()} | {name: version(name) for name in names} | peers.versions()
    total = Counter(case.kind for case in asked)
    right = {
        name: {kind: count - sum(case.kind == kind for case in missed) for kind, count in total.items()}
        for name, missed in wrong.items()
    }
    results = {
        "date": today(),
        "machine": machine(),
        "versions": versions,
        "cases": dict(total),
        "right": right,
        "wrong": {name: [case.code for case in missed] for name, missed in wrong.items()},
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", "utf-8")
    print(f"| hovers that are right | of | {' | '.join(f'{name} {versions[name]}' for name in right)} |")
    print(f"|---|---:|{'---:|' * len(right)}")
    for kind, count in total.items():
        print(f"| {kind} | {count} | {' | '.join(str(part[kind]) for part in right.values())} |")
    print(f"| all | {len(asked)} | {' | '.join(str(sum(part.values())) for part in right.values())} |")


if __name__ == "__main__":
    main()
