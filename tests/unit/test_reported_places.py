"""The places of benchmarks/reported: the table and the files agree."""

import ast
from collections import Counter

import pytest

from benchmarks.reported_places import FOLDER, FOLDERS, Place, lines_of, read_places

SEVERITIES = {"raises", "wrong result", "slow"}
FILES = {path.name: path for folder in FOLDERS.values() for path in sorted(folder.glob("*.py"))}
TREES = {name: ast.parse(path.read_text("utf-8")) for name, path in FILES.items()}
PLACES = {part: read_places(folder / "places.tsv") for part, folder in FOLDERS.items()}


def code_lines(name: str) -> set[int]:
    """Return the lines of a file on which a statement, or a decorator, begins."""
    nodes = [node for node in ast.walk(TREES[name]) if isinstance(node, ast.stmt)]
    decorators = [one for node in nodes for one in getattr(node, "decorator_list", [])]
    return {node.lineno for node in (*nodes, *decorators)}


def test_there_are_130_files_of_which_eleven_are_right_and_22_held_out() -> None:
    assert [len(list(folder.glob("*.py"))) for folder in FOLDERS.values()] == [130, 22]
    assert len(FILES) == 152
    assert len(set(FILES) - {place.file for places in PLACES.values() for place in places}) == 11


@pytest.mark.parametrize("name", TREES)
def test_a_file_is_short_and_mentions_mlx(name: str) -> None:
    text = FILES[name].read_text("utf-8")

    assert 10 <= len(text.splitlines()) <= 60
    assert "import mlx" in text or "from mlx" in text


@pytest.mark.parametrize("part", PLACES)
def test_every_place_is_code_and_says_what_happens(part: str) -> None:
    places = PLACES[part]

    assert 50 <= len(places) <= 400
    assert len({(place.file, place.line) for place in places}) == len(places)
    for place in places:
        assert {place.line, *place.also} <= code_lines(place.file), place
        assert place.severity in SEVERITIES, place
        assert place.kind and place.what.endswith((".", ")")), place


@pytest.mark.parametrize("part", PLACES)
def test_the_readme_counts_them(part: str) -> None:
    counts = Counter(place.severity for place in PLACES[part])
    readme = " ".join((FOLDER.parent / "README.md").read_text("utf-8").split())

    assert f"marks {counts.total()} places" in readme
    assert f"{counts['raises']} raise, {counts['wrong result']} give a wrong result, {counts['slow']} " in readme


@pytest.mark.parametrize("part", PLACES)
def test_the_table_is_sorted(part: str) -> None:
    places = [(place.file, place.line) for place in PLACES[part]]

    assert places == sorted(places)


def test_a_finding_within_a_statement_is_one_of_the_place() -> None:
    tree = ast.parse("x = f(\n    1,\n    2,\n)\nfor i in x:\n    y = i\n    z = y\n")

    def lines(line: int, *also: int) -> set[int]:
        return lines_of(Place("a.py", line, also, "", "", ""), tree)

    assert lines(1) == lines(3) == {1, 2, 3, 4}
    assert lines(5) == {5}
    assert lines(6, 5) == {5, 6}
