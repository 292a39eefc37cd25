"""What the README says is so: its tree, its commands, its settings."""

import ast
import re
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
from typer.main import get_command

from tenny_lsp.cli.app import app
from tenny_lsp.lsp.settings import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
#: Whose files the tree lists one by one, each with the first line of its docstring.
LISTED = ("server", "tenny_lsp", "tools", "benchmarks")
SOURCES = sorted(
    path.relative_to(ROOT) for folder in LISTED for path in (ROOT / folder).rglob("*.py") if path.name != "__init__.py"
)


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_every_file_has_its_line_in_the_tree(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse((ROOT / path).read_text("utf-8")))
    assert docstring is not None
    line = rf"^ *{re.escape(path.name)} +{re.escape(docstring.splitlines()[0])}$"

    assert re.search(line, README, re.MULTILINE), f"the README's tree wants: {path.name}  {docstring.splitlines()[0]}"


def test_the_tree_names_no_file_that_is_gone() -> None:
    tree = README.partition("## The tree")[2]
    named = re.findall(r"^ +(\w+\.py) ", tree, re.MULTILINE)

    assert set(named) == {path.name for path in SOURCES}


def test_every_command_and_make_target_exists() -> None:
    commands = set(re.findall(r"tenny-lsp ([a-z][a-z-]+)", README))
    targets = set(re.findall(r"^    make (\w+)", README, re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text("utf-8")

    assert commands >= {"build-dataset", "train", "serve", "ask", "doctor"}
    assert commands <= set(get_command(app).commands)  # type: ignore[attr-defined]
    assert targets >= {"demo", "test"}
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_every_setting_is_described_with_its_default() -> None:
    described = dict(re.findall(r"^\| `([\w.]+)` \| `([^`]*)` \|", README, re.MULTILINE))

    assert described == dict(_settings(Settings(), ""))


def _settings(values: object, prefix: str) -> list[tuple[str, str]]:
    assert is_dataclass(values)
    found: list[tuple[str, str]] = []
    for field in fields(values):
        head, *rest = field.name.split("_")
        name = prefix + head + "".join(part.capitalize() for part in rest)
        value = getattr(values, field.name)
        if is_dataclass(value):
            found += _settings(value, f"{name}.")
        else:
            found.append((name, '""' if value == "" else str(value).lower()))
    return found
