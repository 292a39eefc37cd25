"""The files of benchmarks/reported on the installed MLX: right ones run, the others raise at a place."""

import os
import shutil
import traceback
from collections.abc import Iterator
from pathlib import Path

import mlx.core as mx
import pytest

from benchmarks.reported_places import FOLDERS, read_places
from tests.mlx.held_out_uses import USES

#: Only seen in several processes.
COLLECTIVE = "50_collective_on_one_rank.py"
FILES = {path.name: path for folder in FOLDERS.values() for path in sorted(folder.glob("*.py"))}
PLACES = [place for folder in FOLDERS.values() for place in read_places(folder / "places.tsv")]
RAISING = {place.file for place in PLACES if place.severity == "raises"} - {COLLECTIVE}


@pytest.fixture(autouse=True)
def compiling() -> Iterator[None]:
    """Switch MLX's compiler on: off, nothing in a compiled function is traced."""
    mx.enable_compile()
    yield
    if os.environ.get("MLX_DISABLE_COMPILE"):
        mx.disable_compile()


def raised_at(path: Path) -> set[int]:
    """Return the lines of a file that are being executed when it raises; none if it runs to its end."""
    text = path.read_text("utf-8")
    if "mx.compile" in text and shutil.which("g++") is None:
        pytest.skip("MLX compiles with g++ on this kind of machine")
    names = {"__name__": "__main__"}
    try:
        exec(compile(text, str(path), "exec"), names)
        exec(USES.get(path.name, ""), names)
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        return {frame.lineno or 0 for frame in frames if frame.filename == str(path)}
    return set()


@pytest.mark.parametrize("name", [name for name in FILES if name not in RAISING])
def test_a_file_without_a_place_that_raises_runs(name: str) -> None:
    assert raised_at(FILES[name]) == set()


@pytest.mark.parametrize("name", sorted(RAISING))
def test_a_file_raises_at_a_place(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    raising = [place for place in PLACES if place.file == name and place.severity == "raises"]
    marked = {line for place in raising for line in (place.line, *place.also)}

    assert raised_at(FILES[name]) & marked
