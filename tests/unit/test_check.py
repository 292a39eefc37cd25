"""Checking files on the command line: what is listed, what is put right, and what is left as it was."""

import json
import shutil
import stat
from pathlib import Path

import pytest

from tests.unit.test_cli import home as home
from tests.unit.test_cli import in_process

WRONG = "import mlx.core as mx\r\nx = mx.zeros((2, 3))\r\ny = mx.cat([x], dim=0)  # é\r\nz = x[x > 0]\r\n"
RIGHT = WRONG.replace("mx.cat([x], dim=0)", "mx.concatenate([x], axis=0)")


def test_pitfalls_are_listed_by_place(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "a.py").write_bytes(WRONG.encode())
    (home / "b.py").write_text("import torch\n", "utf-8")

    assert in_process("check", "a.py", "b.py") == 1

    said, summary = capsys.readouterr()
    first, second = said.splitlines()
    assert first.startswith("a.py:3:5: foreign-function: `mx` has no `cat`. MLX has `mx.concatenate`.")
    assert second.startswith("a.py:4:5: boolean-index: ")
    assert summary == "2 pitfalls in 2 files; --fix puts 1 right\n"


def test_safe_fixes_are_made_and_nothing_else_of_the_file_changes(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = home / "a.py"
    path.write_bytes(b"\xef\xbb\xbf" + WRONG.encode())
    path.chmod(0o750)

    assert in_process("check", "--fix", str(home)) == 1

    assert path.read_bytes() == b"\xef\xbb\xbf" + RIGHT.encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o750
    assert capsys.readouterr().err == "Fixed 1 pitfall in 1 file, 1 left\n"
    assert not list(home.glob("*.tenny"))


def test_what_is_right_is_not_touched(home: Path) -> None:
    (home / "a.py").write_text("import mlx.core as mx\n", "utf-8")
    before = (home / "a.py").stat().st_mtime_ns

    assert in_process("check", "--fix", ".") == 0
    assert (home / "a.py").stat().st_mtime_ns == before


def test_json_and_selected_codes(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "a.py").write_bytes(WRONG.encode())

    assert in_process("check", "--json", "--select", "boolean-index", "a.py") == 1
    (found,) = json.loads(capsys.readouterr().out)["pitfalls"]
    assert (found["code"], found["line"], found["is_safe_to_fix"]) == ("boolean-index", 4, False)
    assert in_process("check", "--ignore", "boolean-index", "--ignore", "foreign-function", "a.py") == 0


def test_folders_of_others_and_files_that_cannot_be_read_are_left_out(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in (".venv", "node_modules", "src"):
        (home / folder).mkdir()
        (home / folder / "a.py").write_bytes(WRONG.encode())
    (home / "src" / "b.py").write_bytes(b"# coding: nonsense\nimport mlx\n")

    assert in_process("check", ".") == 2

    said, summary = capsys.readouterr()
    assert {line.partition(":")[0] for line in said.splitlines()} == {str(Path("src") / "a.py")}
    assert "b.py is not Python: unknown encoding: nonsense" in summary


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["no.py"], 2, "no.py could not be read: No such file or directory\n"),
        (["--select", "nope", "."], 2, "no pitfall called nope"),
    ],
)
def test_bad_input_is_said(
    arguments: list[str], status: int, said: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert in_process("check", *arguments) == status
    assert said in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_whole_and_the_others_go_on(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.py", "b.py"):
        (home / name).write_bytes(WRONG.encode())
    copy, failed = shutil.copymode, list[str]()

    def copymode(source: Path, target: Path) -> None:
        if source.name == "a.py":
            failed.append(source.name)
            raise OSError(28, "No space left on device")
        copy(source, target)

    monkeypatch.setattr(shutil, "copymode", copymode)

    assert in_process("check", "--fix", ".") == 2

    assert failed and (home / "a.py").read_bytes() == WRONG.encode()
    assert (home / "b.py").read_bytes() == RIGHT.encode()
    assert "a.py was left as it is: No space left on device" in capsys.readouterr().err
    assert {path.name for path in home.iterdir() if "py" in path.name} == {"a.py", "b.py"}


def test_links_are_followed_where_they_are_named_and_not_out_of_a_folder(home: Path) -> None:
    (home / "src").mkdir()
    (home / "other.py").write_bytes(WRONG.encode())
    (home / "other.py.tenny").write_text("mine", "utf-8")
    (home / "src" / "link.py").symlink_to(home / "other.py")

    assert in_process("check", "--fix", "src") == 0
    assert (home / "other.py").read_bytes() == WRONG.encode()
    assert in_process("check", "--fix", "src/link.py") == 1
    assert (home / "other.py").read_bytes() == RIGHT.encode()
    assert (home / "src" / "link.py").is_symlink() and (home / "other.py.tenny").read_text("utf-8") == "mine"


def test_arrays_of_other_files_are_put_right_too(home: Path) -> None:
    (home / "weights.py").write_text("import mlx.core as mx\nw = mx.zeros((2, 3))\n", "utf-8")
    (home / "use.py").write_text("import mlx.core as mx\nfrom weights import w\ny = w.permute(1, 0)\n", "utf-8")

    assert in_process("check", "--fix", ".") == 0
    assert "w.transpose(1, 0)" in (home / "use.py").read_text("utf-8")
