"""What attrs compiles is kept between starts, and nothing goes wrong where it cannot be."""

import builtins
from pathlib import Path

import attrs
import pytest
from attr import _make as attrs_classes

from tenny_lsp.lsp.generated_code import generated_code_kept


def point() -> type:
    return attrs.make_class("Point", ["x", "y"])


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is compiled from now on."""
    sources: list[str] = []

    def compile_(source: str, *arguments: object) -> object:
        sources.append(source)
        return original(source, *arguments)  # type: ignore[call-overload]

    original = builtins.compile
    monkeypatch.setattr(builtins, "compile", compile_)
    return sources


def test_the_second_start_compiles_nothing(tmp_path: Path, compiled: list[str]) -> None:
    file = tmp_path / "folder" / "code.bin"
    with generated_code_kept(file):
        point()
    before = len(compiled)
    with generated_code_kept(file):
        second = point()

    assert before > 0 and len(compiled) == before
    assert second(1, 2) == second(1, 2) and repr(second(1, 2)) == "Point(x=1, y=2)"
    assert [path.name for path in file.parent.iterdir()] == ["code.bin"]


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-9], lambda data: b"", lambda data: data[:40] + b"\0" + data[41:]]
)
def test_a_damaged_file_is_written_again(tmp_path: Path, compiled: list[str], damage: object) -> None:
    file = tmp_path / "code.bin"
    with generated_code_kept(file):
        point()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))  # type: ignore[operator]
    before = len(compiled)

    with generated_code_kept(file):
        assert point()(1, 2).y == 2

    assert len(compiled) > before and len(file.read_bytes()) == len(whole)


def test_other_classes_replace_what_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "code.bin"
    with generated_code_kept(file):
        point()
    size = file.stat().st_size
    with generated_code_kept(file):
        attrs.make_class("Larger", [f"field_{n}" for n in range(40)])

    assert file.stat().st_size > size


def test_where_nothing_can_be_written_all_is_compiled(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with generated_code_kept(tmp_path / "file" / "code.bin"):
        assert point()(1, 2).x == 1

    assert "compile" not in vars(attrs_classes)
