"""What ``check --fix`` changes, counts and leaves as it was, and what is no Python at all."""

import os
from pathlib import Path

import pytest

from tests.unit.test_cli import home as home
from tests.unit.test_cli import in_process

HEAD = "import mlx.core as mx\nx = mx.zeros((2, 3))\n"


def test_only_what_is_listed_is_put_right(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "a.py").write_text(f"{HEAD}w = mx.cat([x])\nv = w.permute(1, 0)\n", "utf-8")

    assert in_process("check", "a.py") == 1
    assert capsys.readouterr().err == "1 pitfall in 1 file; --fix puts 1 right\n"
    assert in_process("check", "--fix", "a.py") == 1

    assert (home / "a.py").read_text("utf-8") == f"{HEAD}w = mx.concatenate([x], axis=0)\nv = w.permute(1, 0)\n"
    said, summary = capsys.readouterr()
    assert said.startswith("a.py:4:5: foreign-method: ")
    assert summary == "Fixed 1 pitfall in 1 file, 1 left; --fix again puts 1 right\n"
    assert in_process("check", "--fix", "a.py") == 0
    assert capsys.readouterr().err == "Fixed 1 pitfall in 1 file, 0 left\n"


def test_what_another_files_fix_brings_to_light_is_left(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "a.py").write_text(f"{HEAD}w = mx.cat([x])\n", "utf-8")
    (home / "b.py").write_text("import mlx.core as mx\nfrom a import w\nv = w.permute(1, 0)\n", "utf-8")

    assert in_process("check", "--fix", ".") == 1

    assert "w.permute(1, 0)" in (home / "b.py").read_text("utf-8")
    assert capsys.readouterr().err == "Fixed 1 pitfall in 1 file, 1 left; --fix again puts 1 right\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("mx.cat([mx.cat([x, x], dim=0), x], dim=0)", "mx.concatenate([mx.concatenate([x, x], axis=0), x], axis=0)"),
        ("mx.tensor([mx.tensor([1.0]), mx.tensor([2.0])])", "mx.array([mx.array([1.0]), mx.array([2.0])])"),
    ],
)
def test_a_pitfall_inside_another_is_put_right_too(
    before: str, after: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "a.py").write_text(f"{HEAD}y = {before}\n", "utf-8")

    assert in_process("check", "--fix", "a.py") == 0

    assert (home / "a.py").read_text("utf-8") == f"{HEAD}y = {after}\n"
    count = before.count("mx.cat") + before.count("mx.tensor")
    assert capsys.readouterr().err == f"Fixed {count} pitfalls in 1 file, 0 left\n"


def test_what_is_ignored_is_not_put_right(home: Path) -> None:
    text = f"{HEAD}y = mx.cat([x])  # tenny: ignore[foreign-function]\nz = x.permute(1, 0)\n"
    (home / "a.py").write_text(text, "utf-8")

    assert in_process("check", "--fix", "--ignore", "foreign-method", "a.py") == 0
    assert (home / "a.py").read_text("utf-8") == text


def test_a_diff_is_what_fix_would_change_and_changes_nothing(
    home: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    content = b"\xef\xbb\xbf" + HEAD.replace("\n", "\r\n").encode() + b"if x.ndim:\r\n\ty = mx.cat([x])  # \xc3\xa9"
    (home / "a b.py").write_bytes(content)
    (home / "wrong.py").write_text("import mlx.core as mx\nmx.cat(\n", "utf-8")

    assert in_process("check", "--diff", "--fix", ".") == 1

    said, summary = capsysbinary.readouterr()
    assert said == (
        b"--- a b.py\n+++ a b.py\n@@ -1,4 +1,4 @@\n \xef\xbb\xbfimport mlx.core as mx\r\n x = mx.zeros((2, 3))\r\n"
        b" if x.ndim:\r\n-\ty = mx.cat([x])  # \xc3\xa9\n\\ No newline at end of file\n"
        b"+\ty = mx.concatenate([x], axis=0)  # \xc3\xa9\n\\ No newline at end of file\n"
    )
    assert summary == b"Would fix 1 pitfall in 1 file; 1 file with a syntax error passed over\n"
    assert (home / "a b.py").read_bytes() == content
    assert in_process("check", "--diff", "--exit-zero", ".") == 0
    assert in_process("check", "--diff", "wrong.py") == 0


def test_a_file_with_a_syntax_error_is_left_as_it_is(home: Path) -> None:
    text = f"{HEAD}y = mx.cat([x])\ndef f(:\n"
    (home / "a.py").write_text(text, "utf-8")

    assert in_process("check", "--fix", "a.py") == 1
    assert (home / "a.py").read_text("utf-8") == text


def test_a_file_that_changes_meanwhile_is_left_as_it_is(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = home / "a.py"
    path.write_text(f"{HEAD}y = mx.cat([x])\n", "utf-8")
    monkeypatch.setattr("shutil.copymode", lambda *_: path.write_text("mine\n", "utf-8"))

    assert in_process("check", "--fix", "a.py") == 2

    assert path.read_text("utf-8") == "mine\n"
    said = capsys.readouterr().err
    assert "a.py was left as it is: it has changed meanwhile\n" in said
    assert said.endswith("Fixed 0 pitfalls in 0 files, 1 left\n")


def test_control_c_while_fixing_leaves_nothing_behind(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    (home / "a.py").write_text(f"{HEAD}y = mx.cat([x])\n", "utf-8")
    monkeypatch.setattr("shutil.copymode", interrupted)

    assert in_process("check", "--fix", "a.py") == 130
    assert [path.name for path in home.iterdir() if path.is_file()] == ["a.py"]
    assert "mx.cat([x])" in (home / "a.py").read_text("utf-8")


def test_a_file_that_is_named_twice_is_put_right_once(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "a.py").write_text(f"{HEAD}y = mx.cat([x])\n", "utf-8")
    (home / "link.py").symlink_to("a.py")

    assert in_process("check", "--fix", "a.py", "./a.py", "link.py", str(home), ".") == 0
    assert capsys.readouterr().err == "Fixed 1 pitfall in 1 file, 0 left\n"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.py", b"mlx\0\1", "a.py is not Python but binary"),
        ("a.py", b"import mlx\nx = 1\n# \xff", "a.py is not Python: byte 20 is no utf-8"),
        ("a.py", b"# coding: hex\nimport mlx\n", "a.py is not Python: 'hex' is not a text encoding\n"),
        ("a.ipynb", b"{}", "a.ipynb is a notebook: only editors show a notebook's pitfalls"),
    ],
    ids=["binary", "no utf-8", "no text encoding", "notebook"],
)
def test_what_is_no_python_is_an_error_and_the_others_go_on(
    name: str, content: bytes, said: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / name).write_bytes(content)
    (home / "b.py").write_text(f"{HEAD}y = mx.cat([x])\n", "utf-8")

    assert in_process("check", "--exit-zero", name, "missing.py", "b.py") == 2

    out, err = capsys.readouterr()
    assert out.startswith("b.py:3:5: foreign-function: ")
    assert said in err and "missing.py could not be read: No such file or directory\n" in err


@pytest.mark.skipif(os.name == "nt", reason="needs named pipes")
def test_links_in_circles_and_pipes_are_no_trap(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "loop.py").symlink_to("loop.py")
    (home / "folder").symlink_to(".")
    os.mkfifo(home / "pipe.py")
    (home / "a.py").write_text(f"{HEAD}y = mx.cat([x])\n", "utf-8")

    assert in_process("check", ".", "a" * 5000) == 2

    out, err = capsys.readouterr()
    assert out.count("\n") == 1 and out.startswith("a.py:3:5: ")
    assert "loop.py could not be read: Too many levels of symbolic links\n" in err
    assert "aaa could not be read: File name too long\n" in err


def test_a_folder_that_cannot_be_read_is_said(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "closed").mkdir()
    scandir = os.scandir

    def refusing(path: str) -> object:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)

    assert in_process("check") == 2
    assert "closed could not be read: Permission denied\n" in capsys.readouterr().err


def test_syntax_errors_are_listed_where_mlx_is_mentioned_or_the_file_is_named(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "a.py").write_text("import mlx.core as mx\nmx.cat(\n", "utf-8")
    (home / "b.py").write_text("just some text\n", "utf-8")

    assert in_process("check", ".") == 1
    said, summary = capsys.readouterr()
    assert said.startswith("a.py:2:7: syntax-error: Python 3.") and said.count("\n") == 1
    assert summary == "0 pitfalls and 1 syntax error in 2 files\n"
    assert in_process("check", "b.py") == 1
    assert capsys.readouterr().out.startswith("b.py:1:6: syntax-error: ")
    assert in_process("check", "--ignore", "syntax-error", "b.py") == 0
    assert in_process("check", "--select", "boolean-index", "b.py") == 1


@pytest.mark.parametrize("expression", ["(" * 300 + ")" * 300, "-" * 100_000 + "1"], ids=["brackets", "signs"])
def test_what_is_nested_too_deeply_to_parse_is_a_syntax_error(
    expression: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "a.py").write_text(f"import mlx\nx = {expression}\n", "utf-8")

    assert in_process("check", "a.py") == 1
    assert "too many nested parentheses" in capsys.readouterr().out


def test_a_warning_of_python_is_no_syntax_error(home: Path) -> None:
    (home / "a.py").write_text('import mlx\nx = "\\d" is 3\n', "utf-8")

    assert in_process("check", "a.py") == 0
