"""Who finds what people get wrong in MLX code: Tenny, and type checkers beside it, on the same places.

    python -m benchmarks.reported_places --peers .work/peers

``places.tsv`` names the places in the files beside it; a finding on another line is a false one.
"""

import argparse
import ast
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import machine, today
from tenny_lsp import __version__
from tenny_lsp.mlx_api.index import load_mlx_index

FOLDER = Path(__file__).parent / "reported"
#: The parts, apart in the tables: the second was held out until rules were written with its misses in view, too.
FOLDERS = {"seen": FOLDER, "held out": FOLDER / "held_out"}
RESULT = Path(__file__).parent / "results" / "reported_places.json"
#: What each checker calls an import that it does not find: that says nothing of the code.
_IMPORT_RULES = {"missing-import", "unresolved-import", "reportMissingImports", "reportMissingModuleSource"}


@dataclass(frozen=True, slots=True)
class Place:
    """A place that is wrong.

    Args:
        file (str): The name of the file.
        line (int): The line that has to be changed.
        also (tuple[int, ...]): Lines where the same fault may be reported too: where it raises, or what it is in.
        kind (str): What kind of mistake it is.
        severity (str): raises, wrong result or slow.
        what (str): What happens, in a sentence.
    """

    file: str
    line: int
    also: tuple[int, ...]
    kind: str
    severity: str
    what: str


@dataclass(frozen=True, slots=True)
class Finding:
    """An error or a warning of a checker."""

    file: str
    line: int
    rule: str
    message: str


#: Places, whether each checker finds each of them, and the false findings of each.
Measure = tuple[list[Place], dict[str, list[bool]], dict[str, list[Finding]]]


@dataclass(frozen=True, slots=True)
class Checker:
    """A checker.

    Args:
        name (str): Its name.
        command (tuple[str, ...]): Prints findings as JSON for the files that are appended; for ``Tenny``, the folder.
        read (Callable[[Any], list[Finding]]): Makes findings of that JSON.
        version (str): Its version.
    """

    name: str
    command: tuple[str, ...]
    read: Callable[[Any], list[Finding]]
    version: str


def read_places(path: Path = FOLDER / "places.tsv") -> list[Place]:
    """Return the places: file, line, further lines, kind, severity, what happens."""
    places = []
    for row in path.read_text("utf-8").splitlines()[1:]:
        file, line, also, kind, severity, what = row.split("\t")
        places.append(Place(file, int(line), tuple(map(int, also.split(","))) if also else (), kind, severity, what))
    return places


def lines_of(place: Place, tree: ast.Module) -> set[int]:
    """Return the lines where a finding is one of the place: those of its statements, of blocks the head only."""
    return {line for start in (place.line, *place.also) for line in _statement(tree, start)}


def checkers(peers: Path | None) -> list[Checker]:
    """Return Tenny and those of its peers that are installed in an environment, each set up for this interpreter."""
    tenny = (sys.executable, "-m", "tenny_lsp", "check", "--json", "--exit-zero")
    found = [Checker("Tenny", tenny, _of_tenny, __version__)]
    if peers is None:
        return found
    programs = peers.resolve() / ("Scripts" if sys.platform == "win32" else "bin")
    interpreter = sys.executable
    commands: dict[str, tuple[tuple[str, ...], Callable[[Any], list[Finding]]]] = {
        "pyrefly": (("check", "--output-format", "json", "--python-interpreter-path", interpreter), _of_pyrefly),
        "ty": (("check", "--output-format", "gitlab", "--python", interpreter), _of_ty),
        "basedpyright": (("--outputjson", "--pythonpath", interpreter), _of_basedpyright),
    }
    for name, (options, read) in commands.items():
        program = shutil.which(name, path=str(programs))
        if program is None:
            print(f"{name} is left out: it is not in {programs}", file=sys.stderr)
            continue
        told = subprocess.run([program, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
        found.append(Checker(name, (program, *options), read, told.split()[1]))
    return found


def check(checker: Checker, folder: Path) -> list[Finding]:
    """Return the errors and warnings of a checker on the files of a folder, one for each line and rule."""
    files = [path.name for path in sorted(folder.glob("*.py"))]
    ran = subprocess.run([*checker.command, *files], cwd=folder, capture_output=True, text=True, check=False)
    try:
        answer = json.loads(ran.stdout)
    except ValueError:
        raise SystemExit(f"{checker.name} said no JSON: {ran.stderr or ran.stdout}") from None
    found = {(one.file, one.line, one.rule): one for one in checker.read(answer) if one.rule not in _IMPORT_RULES}
    return sorted(found.values(), key=lambda one: (one.file, one.line, one.rule))


def prepare(source: Path, folder: Path) -> None:
    """Copy the files into a folder, where each peer is configured as its own documentation recommends to begin."""
    for path in source.glob("*.py"):
        shutil.copy(path, folder)
    # Without one, pyrefly reports a tenth of what it knows, basedpyright warns of each missing annotation.
    (folder / "pyrefly.toml").write_text('preset = "default"\n', encoding="utf-8")
    (folder / "pyrightconfig.json").write_text('{"typeCheckingMode": "standard"}\n', encoding="utf-8")


def main() -> None:
    """Run the checkers, print the tables and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, help="an environment with pyrefly, ty and basedpyright")
    parser.add_argument("--show", action="store_true", help="print what Tenny misses and its false findings")
    parser.add_argument("--no-result", action="store_true", help="print only")
    options = parser.parse_args()
    sides = checkers(options.peers)
    parts = {part: measured(folder, sides) for part, folder in FOLDERS.items()}
    for part, (places, found, false) in parts.items():
        print(f"\n{part}\n")
        _print_tables(places, found, false)
        if options.show:
            _show(places, found["Tenny"], false["Tenny"])
    if not options.no_result:
        result = {
            "date": today(),
            "machine": machine(),
            "mlx": load_mlx_index().version,
            "versions": {side.name: side.version for side in sides},
            **{part: _as_json(FOLDERS[part], *measure) for part, measure in parts.items()},
        }
        RESULT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def measured(folder: Path, sides: list[Checker]) -> Measure:
    """Return the places of a folder, which of them each checker finds, and its false findings."""
    places = read_places(folder / "places.tsv")
    trees = {path.name: ast.parse(path.read_text("utf-8")) for path in sorted(folder.glob("*.py"))}
    spans = [lines_of(place, trees[place.file]) for place in places]
    marked = {(place.file, line) for place, span in zip(places, spans, strict=True) for line in span}
    found, false = dict[str, list[bool]](), dict[str, list[Finding]]()
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name).resolve()
        prepare(folder, copy)
        for side in sides:
            findings = check(side, copy)
            hit = {(one.file, one.line) for one in findings}
            pairs = zip(places, spans, strict=True)
            found[side.name] = [any((place.file, line) in hit for line in span) for place, span in pairs]
            false[side.name] = [one for one in findings if (one.file, one.line) not in marked]
    return places, found, false


def _as_json(
    folder: Path, places: list[Place], found: dict[str, list[bool]], false: dict[str, list[Finding]]
) -> dict[str, object]:
    return {
        "files": len(list(folder.glob("*.py"))),
        "places": len(places),
        "found": {name: sum(flags) for name, flags in found.items()},
        "false": {name: len(findings) for name, findings in false.items()},
        "by_kind": _counts(places, found, "kind"),
        "by_severity": _counts(places, found, "severity"),
        "each_place": [
            {**asdict(place), "found_by": [name for name, flags in found.items() if flags[number]]}
            for number, place in enumerate(places)
        ],
        "each_false": {name: [asdict(one) for one in findings] for name, findings in false.items()},
    }


def _show(places: list[Place], found: list[bool], false: list[Finding]) -> None:
    for place, is_found in zip(places, found, strict=True):
        if not is_found:
            print(f"missed {place.file}:{place.line} [{place.kind}, {place.severity}] {place.what}")
    for one in false:
        print(f"false  {one.file}:{one.line} {one.rule} {one.message}")


def _counts(places: list[Place], found: dict[str, list[bool]], field: str) -> dict[str, dict[str, int]]:
    """Return for each value of a field, the most frequent first, how many places it has and how many each found."""
    values = [str(getattr(place, field)) for place in places]
    return {
        value: {
            "places": count,
            **{name: sum(flags[i] for i in range(len(places)) if values[i] == value) for name, flags in found.items()},
        }
        for value, count in Counter(values).most_common()
    }


def _print_tables(places: list[Place], found: dict[str, list[bool]], false: dict[str, list[Finding]]) -> None:
    names = list(found)
    print(f"| places | all | {' | '.join(names)} |\n|---|---|{'---|' * len(names)}")
    for field in ("kind", "severity"):
        for value, counts in _counts(places, found, field).items():
            print(f"| {value} | {' | '.join(str(count) for count in counts.values())} |")
    print(f"| **together** | {len(places)} | {' | '.join(str(sum(found[name])) for name in names)} |")
    print(f"| false findings | | {' | '.join(str(len(false[name])) for name in names)} |")


def _statement(tree: ast.Module, line: int) -> range:
    """Return the lines of the innermost statement on a line; of a block, such as a function, those of its head."""
    best = range(line, line + 1)
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and node.end_lineno is not None and node.lineno <= line <= node.end_lineno:
            body = getattr(node, "body", None)
            last = max(node.lineno, body[0].lineno - 1) if isinstance(body, list) else node.end_lineno
            if line <= last:
                best = range(node.lineno, last + 1)
    return best


def _of_tenny(answer: Any) -> list[Finding]:
    return [
        Finding(Path(one["path"]).name, one["line"], one["code"], one["message"])
        for one in answer["pitfalls"]
        if one["severity"] in ("error", "warning")
    ]


def _of_pyrefly(answer: Any) -> list[Finding]:
    return [
        Finding(Path(one["path"]).name, one["line"], one["name"], one["concise_description"])
        for one in answer["errors"]
        if one["severity"] in ("error", "warn")
    ]


def _of_ty(answer: Any) -> list[Finding]:
    found = []
    for one in answer:
        if one["severity"] != "info":
            where = one["location"]
            line = where["positions"]["begin"]["line"]
            found.append(Finding(Path(where["path"]).name, line, one["check_name"], one["description"]))
    return found


def _of_basedpyright(answer: Any) -> list[Finding]:
    return [
        Finding(Path(one["file"]).name, one["range"]["start"]["line"] + 1, one.get("rule", ""), one["message"])
        for one in answer["generalDiagnostics"]
        if one["severity"] in ("error", "warning")
    ]


if __name__ == "__main__":
    main()
