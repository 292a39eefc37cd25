"""The VS Code extension's manifest against the server's settings and commands, and against itself."""

import json
import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from tenny_lsp import __version__
from tenny_lsp.lsp.settings import Settings, read_settings
from tests.lsp.session import serving

ROOT = Path(__file__).parents[2]
EXTENSION = ROOT / "extension"
MANIFEST = json.loads((EXTENSION / "package.json").read_text("utf-8"))
SOURCES = "\n".join(path.read_text("utf-8") for path in sorted((EXTENSION / "src").glob("*.ts")))
PROPERTIES: dict[str, Any] = {
    name: values for group in MANIFEST["contributes"]["configuration"] for name, values in group["properties"].items()
}
#: What only the client knows of.
CLIENT_ONLY = {"tenny.server.python", "tenny.server.path", "tenny.server.importStrategy", "tenny.trace.server"}
JSON_TYPES = {str: "string", bool: "boolean", int: "integer", list: "array"}


def leaves(values: object, path: str = "tenny") -> dict[str, tuple[object, tuple[str, ...]]]:
    """Returns every setting of the server by its name in an editor: its default, and the values it may have."""
    assert is_dataclass(values)
    found: dict[str, tuple[object, tuple[str, ...]]] = {}
    for field in fields(values):
        default = getattr(values, field.name)
        head, *rest = field.name.split("_")
        name = f"{path}.{head}{''.join(part.capitalize() for part in rest)}"
        found |= (
            leaves(default, name) if is_dataclass(default) else {name: (default, field.metadata.get("choices", ()))}
        )
    return found


SERVER_SETTINGS = leaves(Settings())


def test_it_has_the_servers_settings_and_its_own_and_no_others() -> None:
    assert set(PROPERTIES) == set(SERVER_SETTINGS) | CLIENT_ONLY


@pytest.mark.parametrize("name", SERVER_SETTINGS)
def test_a_setting_has_the_servers_type_default_and_choices(name: str) -> None:
    default, choices = SERVER_SETTINGS[name]
    values = PROPERTIES[name]
    assert values["default"] == default
    assert values["type"] == JSON_TYPES[type(default)]
    assert tuple(values.get("enum", ())) == choices


@pytest.mark.parametrize("name", PROPERTIES)
def test_a_setting_says_what_it_does_and_where_it_may_be_set(name: str) -> None:
    assert PROPERTIES[name]["markdownDescription"].endswith(".")
    # What is sent to another machine, only its user says, never a workspace.
    allowed = ("machine",) if name == "tenny.model.endpoint" else ("window", "machine-overridable")
    assert PROPERTIES[name]["scope"] in allowed
    assert f"`{name}`" in (EXTENSION / "README.md").read_text("utf-8")


def test_the_manifests_defaults_are_read_by_the_server_without_a_complaint() -> None:
    tree: dict[str, Any] = {}
    for name, values in PROPERTIES.items():
        if name not in CLIENT_ONLY:
            *path, last = name.split(".")[1:]
            level = tree
            for part in path:
                level = level.setdefault(part, {})
            level[last] = values["default"]
    assert read_settings(tree) == (Settings(), [])


def test_an_untrusted_workspace_says_nothing_of_interpreters_models_and_programs() -> None:
    restricted = set(MANIFEST["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"])
    risky = {name for name in PROPERTIES if re.search(r"python|path|model\.|importStrategy", name, re.IGNORECASE)}
    assert restricted == risky - {"tenny.model.idleUnloadS", "tenny.model.endpoint"}
    assert {name for name in restricted if PROPERTIES[name]["scope"] != "machine-overridable"} == set()


def test_every_command_is_registered_and_every_registered_one_is_in_the_manifest() -> None:
    contributed = {item["command"] for item in MANIFEST["contributes"]["commands"]}
    registered = set(re.findall(r"(?:register|withServer|registerCommand)\(\s*'(tenny\.\w+)'", SOURCES))
    assert contributed == registered
    for menu in MANIFEST["contributes"]["menus"].values():
        assert {item["command"] for item in menu} <= contributed


def test_the_clients_commands_do_not_take_the_servers_names(tmp_path: Path) -> None:
    """The language client registers the server's own under their names; a second one of a name stops its start."""
    with serving(tmp_path) as server:
        session = server.session.initialize()
        names = set(session.capabilities["executeCommandProvider"]["commands"])
        session.end()
    assert names & {item["command"] for item in MANIFEST["contributes"]["commands"]} == set()
    assert set(re.findall(r"(?:execute|request)(?:<\w+>)?\('(tenny\.\w+)'", SOURCES)) <= names


def test_the_versions_are_the_same() -> None:
    assert MANIFEST["version"] == __version__


def test_what_the_manifest_and_the_readme_show_is_there() -> None:
    steps = MANIFEST["contributes"]["walkthroughs"][0]["steps"]
    media = [step["media"].get("image") or step["media"]["markdown"] for step in steps]
    shown = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", (EXTENSION / "README.md").read_text("utf-8"))
    assert shown
    assert [name for name in (*media, *shown, MANIFEST["icon"]) if not (EXTENSION / name).is_file()] == []


@pytest.mark.parametrize("path", sorted((EXTENSION / "src").glob("*.ts")), ids=lambda path: path.name)
def test_files_are_short_and_say_what_they_are(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.startswith("/** ")
    assert len(text.splitlines()) <= 250
