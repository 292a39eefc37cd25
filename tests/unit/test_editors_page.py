"""docs/editors.md: what it tells users to write is well-formed, and every setting in it is one."""

import json
import sys
from typing import Any

import pytest

from tenny_lsp.lsp.settings import read_settings
from tests.editors.documentation import PAGE, blocks

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def test_helix_starts_the_server_with_settings_that_there_are() -> None:
    usual, without_hover = map(tomllib.loads, blocks("Helix", "toml"))

    server = usual["language-server"]["tenny"]
    assert [server["command"], *server["args"]] == ["tenny-lsp", "serve"]
    assert read_settings(server["config"])[1] == []
    assert "tenny" in usual["language"][0]["language-servers"]
    assert without_hover["language"][0]["language-servers"][0] == {"name": "tenny", "except-features": ["hover"]}


@pytest.mark.parametrize(
    ("editor", "path", "command", "options"),
    [
        ("Sublime Text", ("clients", "tenny"), ("command",), "initializationOptions"),
        ("Kate", ("servers", "python"), ("command",), "initializationOptions"),
        ("Zed", ("lsp", "pylsp"), ("binary", "arguments"), "initialization_options"),
    ],
)
def test_the_others_start_it_too(editor: str, path: tuple[str, ...], command: tuple[str, ...], options: str) -> None:
    server = _at(json.loads(blocks(editor, "json")[0]), path)

    assert _at(server, command)[-1] == "serve"
    assert read_settings(server[options])[1] == []


def test_sublime_text_has_every_command() -> None:
    commands = json.loads(blocks("Sublime Text", "json")[1])

    names = {command["args"]["command_name"] for command in commands}
    assert names == {"tenny.roastComment", "tenny.cynicalReview", "tenny.clearReview", "tenny.ask"}


def test_every_editor_has_its_line_in_the_table() -> None:
    text = PAGE.read_text("utf-8")
    sections = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]

    assert len(sections) == 8
    for name in sections:
        anchor = name.lower().replace(",", "").replace(".", "").replace(" ", "-")
        assert f"| [{name}](#{anchor}) |" in text


def _at(values: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        values = values[key]
    return values
