"""The settings of ``check``: which pyproject.toml holds for which file, what it may say, and what wins over it."""

import re
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from tenny_lsp.cli.main import app
from tests.unit.test_cli import home as home
from tests.unit.test_cli import in_process

ROOT = Path(__file__).parents[2]
WRONG = "import mlx.core as mx\nx = mx.zeros((2, 3))\ny = mx.cat([x])\nz = x[x > 0]\n"


def project(folder: Path, settings: str, *files: str) -> None:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(WRONG, "utf-8")
    (folder / "pyproject.toml").write_text(settings, "utf-8")


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> set[tuple[str, str]]:
    """Returns the file and the code of each pitfall that is listed."""
    status = in_process("check", *arguments)
    found = set(re.findall(r"^([^:]+):\d+:\d+: ([\w-]+)", capsys.readouterr().out, re.MULTILINE))
    assert status == bool(found)
    return found


def test_the_nearest_file_with_settings_holds_and_the_command_line_wins(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project(home, '[tool.tenny]\nselect = ["boolean-index"]\n', "a.py")
    project(home / "inner", '[tool.tenny]\nignore = ["boolean-index"]\n', "b.py")
    project(home / "inner" / "other", "[tool.ruff]\nline-length = 1\n", "c.py")

    assert listed(capsys, ".") == {
        ("a.py", "boolean-index"),
        ("inner/b.py", "foreign-function"),
        ("inner/other/c.py", "foreign-function"),
    }
    assert listed(capsys, "--select", "foreign-function", "a.py") == {("a.py", "foreign-function")}
    assert listed(capsys, "--ignore", "foreign-function", "inner/b.py") == {("inner/b.py", "boolean-index")}
    both = {("a.py", "boolean-index"), ("a.py", "foreign-function")}
    assert listed(capsys, "--select", "foreign-function,boolean-index", "a.py") == both


def test_settings_are_looked_for_from_the_file_and_not_from_the_working_folder(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project(home / "one", '[tool.tenny]\nignore = ["all"]\n', "a.py")
    project(home / "two", "", "b.py")
    monkeypatch.chdir(home / "two")

    assert listed(capsys, "../one") == set()
    assert len(listed(capsys, "b.py")) == 2


def test_excluded_files_and_folders_are_passed_over_unless_they_are_named(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exclude = '[tool.tenny]\nselect = ["boolean-index"]\nexclude = ["old", "src/made/", "*_pb2.py", "**/x.py"]\n'
    files = ("old/a.py", "src/made/b.py", "made/c.py", "src/d_pb2.py", "src/e.py", "x.py", "src/x.py")
    project(home, exclude, *files)

    def names(*arguments: str) -> set[str]:
        return {file for file, _ in listed(capsys, *arguments)}

    assert names(".") == {"made/c.py", "src/e.py"}
    assert names("src/d_pb2.py", "old") == {"src/d_pb2.py", "old/a.py"}
    assert names("--force-exclude", "src/d_pb2.py", "old", "old/a.py", "src/made/b.py", "src/e.py") == {"src/e.py"}
    assert names("--exclude", "src", ".") == {"old/a.py", "made/c.py", "x.py"}
    assert names("--exclude", "src/made", "--force-exclude", "src/made/b.py", "old/a.py") == {"old/a.py"}


def test_codes_are_ignored_in_some_files(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ignores = '[tool.tenny.per-file-ignores]\n"tests/*" = ["boolean-index"]\n"b.py" = ["all"]\n'
    project(home, ignores, "a.py", "b.py", "tests/deep/c.py")

    both = {("a.py", "boolean-index"), ("a.py", "foreign-function")}
    assert listed(capsys, ".") == both | {("tests/deep/c.py", "foreign-function")}
    only = {("a.py", "boolean-index")}
    assert listed(capsys, "--ignore", "foreign-function", ".") == only


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            "[tool.tenny]\nselect = []\n\nselct = []\n",
            ":4: [tool.tenny] has no setting `selct`; it has exclude, ignore",
        ),
        ('[tool.tenny]\nselect = "x"\n', ":2: `select` must be a list of strings"),
        ("[tool.tenny]\nexclude = [1]\n", ":2: `exclude` must be a list of strings"),
        ('[tool.tenny]\nignore = [\n  "boolean-index",\n  "nope",\n]\n', ":4: there is no pitfall called nope"),
        ("[tool]\ntenny = 3\n", ":2: [tool.tenny] must be a table"),
        ("[[tool.tenny]]\n", ":1: [tool.tenny] must be a table"),
        ("[tool.tenny]\nper-file-ignores = []\n", ":2: `per-file-ignores` must be a table"),
        ('[tool.tenny.per-file-ignores]\n"exclude" = ["nope"]\n', ":2: there is no pitfall called nope"),
        ("[tool.tenny]\nselect = [\n\nignore = 1", " is not TOML: Invalid value (at line 4, column 1)"),
        ("[tool.tenny]\n# \udcff", " is no UTF-8 text"),
    ],
)
def test_a_mistake_in_the_settings_is_named_with_its_line(
    settings: str, said: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project(home, "", "src/a.py")
    (home / "pyproject.toml").write_bytes(settings.encode("utf-8", "surrogateescape"))

    assert in_process("check", "src") == 2

    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert f"{home / 'pyproject.toml'}{said}" in err


def test_a_file_of_settings_that_cannot_be_read_is_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "a.py").write_text(WRONG, "utf-8")
    (home / "pyproject.toml").mkdir()

    assert in_process("check", "a.py") == 2
    assert f"{home / 'pyproject.toml'} could not be read: Is a directory" in capsys.readouterr().err


def test_the_page_names_every_option_and_its_settings_are_accepted(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (ROOT / "docs" / "check.md").read_text("utf-8")
    options = {option for param in get_command(app).commands["check"].params for option in param.opts}  # type: ignore[attr-defined]
    (settings,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    project(home, settings, "src/old/a.py")

    assert {option for option in options if option.startswith("--")} == set(re.findall(r"`(--[a-z-]+)", page))
    assert listed(capsys, ".") == set()
    assert listed(capsys, "src/old/a.py") == {("src/old/a.py", "foreign-function")}


def test_the_commit_hook_runs_a_command_that_exists(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    program, *arguments = hook["entry"].split()
    (home / "a.py").write_text(WRONG, "utf-8")

    assert {"id", "name", "entry", "language"} <= set(hook)
    assert f"id: {hook['id']}\n" in (ROOT / "docs" / "check.md").read_text("utf-8")
    assert program == "tenny-lsp" and in_process(*arguments, "a.py") == 1
