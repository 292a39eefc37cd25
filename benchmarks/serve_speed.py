"""How fast language servers start and hover over MLX code: Tenny, with facts only, against its peers.

    python -m benchmarks.serve_speed --install

Every server is driven by the same client over the same documents and names. The servers take turns; before
that, each has one session that does not count, so that disk caches are warm for all.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.machine import machine, today
from benchmarks.places import Place, choose, copy_documents
from benchmarks.session import Session, SessionError

RESULTS = Path(__file__).parent / "results" / "serve_speed.json"
INDEXES = {
    "griffe": "griffe loads mlx",
    "read": "Tenny reads mlx (griffe's load included)",
    "first": "Tenny sees that the shipped index was read from these files, and caches it",
    "cached": "Tenny reads its cache",
}

_Runs = dict[str, list[dict[str, float]]]


def main() -> None:
    """Run all servers in turn, prints Markdown tables and writes the results."""
    options = _arguments()
    if options.index is not None:
        print(_index_s(*options.index))
        return
    if options.install:
        peers.install()
    runs: _Runs = {}
    indexes: dict[str, list[float]] = {kind: [] for kind in INDEXES}
    with tempfile.TemporaryDirectory() as folder:
        workplace = Path(folder).resolve()
        documents = copy_documents(workplace / "workspace")
        places = choose(documents, options.hovers)
        taking_part = _taking_part(options, workplace, places)
        for repeat in range(options.repeats):
            for server in taking_part[repeat % len(taking_part) :] + taking_part[: repeat % len(taking_part)]:
                runs.setdefault(server.name, []).append(_session(server, workplace, places))
                print(f"{repeat + 1}/{options.repeats} {server.name}: {runs[server.name][-1]}", file=sys.stderr)
            for kind, seconds in indexes.items():
                seconds.append(_index_run(kind, workplace / f"index-{repeat}"))
    _report(options, runs, indexes, [path.relative_to(workplace / "workspace") for path in documents])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--install", action="store_true", help="install the newest peers into .work/peers first")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--hovers", type=int, default=240, help="names hovered over in a session, twice (240)")
    parser.add_argument("--servers", nargs="*", help="only these of the servers, beside tenny-lsp")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--index", nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


def _taking_part(options: argparse.Namespace, workplace: Path, places: list[Place]) -> list[peers.Server]:
    """Return the servers that a session can be held with, after that session."""
    able = []
    for server in peers.servers():
        if options.servers is not None and server.name not in ("tenny-lsp", *options.servers):
            continue
        try:
            _session(server, workplace, places)
            able.append(server)
        except (OSError, SessionError) as error:
            if server.name == "tenny-lsp":
                raise
            print(f"{server.name} is left out (--install installs it): {error}", file=sys.stderr)
    return able


def _session(server: peers.Server, workplace: Path, places: list[Place]) -> dict[str, float]:
    """Return what one session with a server took: its start, hovers at rest, hovers each after an edit."""
    environment = peers.environment(workplace / server.name)
    log = workplace / f"{server.name}.log"
    with Session(server.command, environment, server.settings, log) as session:
        initialized_s = session.initialize(workplace / "workspace", server.options)
        first_s = 0.0
        for document, place in {place.document: place for place in places}.items():
            item = {"uri": document.as_uri(), "languageId": "python", "version": 0, "text": document.read_text("utf-8")}
            session.notify("textDocument/didOpen", {"textDocument": item})
            _hover(session, place, 0)
            first_s = first_s or time.perf_counter() - session.started
        session.settle()
        at_rest = [_hover(session, place, 0) for place in places]
        edits = dict.fromkeys((place.document for place in places), 0)
        edited = []
        for place in places:
            edits[place.document] += 1
            _insert_line(session, place, edits[place.document])
            edited.append(_hover(session, place, edits[place.document]))
        session.close()
    start = {"initialize_s": initialized_s, "first_hover_s": first_s}
    return start | _summary("rest", at_rest) | _summary("edited", edited)


def _hover(session: Session, place: Place, lines_above: int) -> tuple[bool, float]:
    """Return whether a hover had something to say, and its seconds."""
    position = {"line": place.line + lines_above, "character": place.column}
    params = {"textDocument": {"uri": place.document.as_uri()}, "position": position}
    result, seconds = session.request("textDocument/hover", params)
    return bool(result and result["contents"]["value"]), seconds


def _insert_line(session: Session, place: Place, number: int) -> None:
    """Type a line above the module-level statement a place stands in, as the document's edit of that number.

    Places are visited from the top down, so every earlier edit has moved this one's line down by one.
    """
    start = {"line": place.block_line + number - 1, "character": 0}
    change = {"range": {"start": start, "end": start}, "text": f"edit_{number} = {number}\n"}
    document = {"uri": place.document.as_uri(), "version": number}
    session.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})


def _summary(when: str, hovers: list[tuple[bool, float]]) -> dict[str, float]:
    milliseconds = [seconds * 1000 for _, seconds in hovers]
    return {
        f"{when}_p50_ms": statistics.median(milliseconds),
        f"{when}_p95_ms": statistics.quantiles(milliseconds, n=20)[-1],
        f"{when}_answered": sum(answered for answered, _ in hovers),
    }


def _index_s(kind: str, cache: str) -> float:
    """Return the seconds one way to MLX's API takes, imports not counted."""
    import griffe

    import tenny_lsp.mlx_api.extraction  # noqa: F401
    from tenny_lsp.mlx_api.environment import find_installed, search_paths
    from tenny_lsp.mlx_api.index import extract, load_index

    started = time.perf_counter()
    if kind == "griffe":
        loader = griffe.GriffeLoader(search_paths=search_paths(), allow_inspection=False)
        loader.load("mlx", try_relative_path=False)
    elif kind == "read":
        extract(find_installed("mlx"))
    else:
        load_index("mlx", cache=Path(cache))
    return time.perf_counter() - started


def _index_run(kind: str, cache: Path) -> float:
    command = [sys.executable, "-m", "benchmarks.serve_speed", "--index", kind, str(cache)]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def _report(options: argparse.Namespace, runs: _Runs, indexes: dict[str, list[float]], documents: list[Path]) -> None:
    names = ("tenny-lsp", "mlx", "mlx-lm", "pygls", "griffelib")
    results: dict[str, Any] = {
        "date": today(),
        "machine": machine(),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in names} | peers.versions(),
        "settings": {"hovers": options.hovers, "repeats": options.repeats, "documents": [str(d) for d in documents]},
        "median": {name: _medians(part) for name, part in runs.items()},
        "index_median_s": {kind: statistics.median(part) for kind, part in indexes.items()},
        "runs": runs,
        "index_runs_s": indexes,
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(results, indent=2) + "\n")
    about = results["machine"]
    print(f"{about['cpu']}, {about['cores']} cores, {about['system']}\n")
    _print_start(runs, results["versions"])
    _print_hovers(runs, options.hovers)
    print("| index of MLX's API | s | ratio to griffe |\n|---|---:|---:|")
    base = results["index_median_s"]["griffe"]
    for kind, title in INDEXES.items():
        print(f"| {title} | {_cell(indexes[kind], base, 3)} |")


def _print_start(runs: _Runs, versions: dict[str, str]) -> None:
    print(
        "| start | `initialize` answered, s | ÷ Tenny | first hover answered, s | ÷ Tenny |\n|---|---:|---:|---:|---:|"
    )
    for name in runs:
        cells = [_metric(runs, name, metric, 2) for metric in ("initialize_s", "first_hover_s")]
        print(f"| {name} {versions[name]} | {' | '.join(cells)} |")
    print()


def _print_hovers(runs: _Runs, hovers: int) -> None:
    print("| hover | | p50, ms | ÷ Tenny | p95, ms | ÷ Tenny | answered |\n|---|---|---:|---:|---:|---:|---:|")
    for when, title in (("rest", "at rest"), ("edited", "each after an edit")):
        for name, part in runs.items():
            cells = [_metric(runs, name, f"{when}_{metric}_ms", 2) for metric in ("p50", "p95")]
            answered = statistics.median(run[f"{when}_answered"] for run in part)
            print(f"| {name} | {title} | {' | '.join(cells)} | {answered:.0f} of {hovers} |")
    print()


def _metric(runs: _Runs, name: str, metric: str, digits: int) -> str:
    base = statistics.median(run[metric] for run in runs["tenny-lsp"])
    return _cell([run[metric] for run in runs[name]], base, digits)


def _cell(values: list[float], base: float, digits: int) -> str:
    """Return two cells: median (lowest – highest), and the median's ratio to a base."""
    middle, lowest, highest = (f"{value:.{digits}f}" for value in (statistics.median(values), min(values), max(values)))
    return f"{middle} ({lowest} – {highest}) | {statistics.median(values) / base:.2f}×"


def _medians(runs: list[dict[str, float]]) -> dict[str, float]:
    return {metric: statistics.median(run[metric] for run in runs) for metric in runs[0]}


if __name__ == "__main__":
    main()
