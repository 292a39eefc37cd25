"""Look for what editors start: the environments that ``server/`` has made, and the VS Code extension."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from tenny_lsp import __version__, locations
from tenny_lsp.doctor.component import Component

#: Written by ``server/`` into an environment once it is whole.
_STAMP = "tenny-ready.json"
_EXTENSION = "tenny-lsp.tenny"
#: The folders of VS Code and of the editors made from it, in a user's home.
_EXTENSION_FOLDERS = (".vscode", ".vscode-insiders", ".vscode-oss", ".vscode-server", ".cursor", ".windsurf")
_USER_FOLDERS = ("Code", "Code - Insiders", "VSCodium", "Cursor", "Windsurf")


def examine_editors() -> list[Component]:
    """Return the environment that editors run the server in, and the VS Code extension."""
    return [_environments(), _extension()]


def _environments() -> Component:
    name = "server's environment"
    found = [path for folder in _storages() if folder.is_dir() for path in sorted(folder.iterdir()) if path.is_dir()]
    whole = [path for path in found if (path / _STAMP).is_file() and _python(path).exists()]
    if whole:
        detail = f"{len(whole)} made by server/: {', '.join(map(str, whole))}"
        return Component(name, "works", detail, values={"folders": list(map(str, whole))})
    if found:
        detail = f"none of {len(found)} in {found[0].parent} is whole"
        return Component(name, "absent", detail, "start the server in your editor again: it makes the environment anew")
    detail = "none made by server/; an editor can start `tenny-lsp serve`"
    return Component(name, "absent", detail, "docs/editors.md has the lines for your editor")


def _storages() -> Iterator[Path]:
    yield locations.data_folder() / "server"
    home = Path.home()
    if sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("APPDATA" if sys.platform == "win32" else "XDG_CONFIG_HOME", home / ".config"))
    for folder in (*(base / name for name in _USER_FOLDERS), home / ".vscode-server" / "data"):
        yield folder / "User" / "globalStorage" / _EXTENSION


def _python(environment: Path) -> Path:
    return environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _extension() -> Component:
    name = "VS Code extension"
    places = (Path.home() / folder / "extensions" for folder in _EXTENSION_FOLDERS)
    found = sorted(path for place in places for path in place.glob(f"{_EXTENSION}-*") if path.is_dir())
    if not found:
        return Component(name, "absent", "is not installed", "code --install-extension tenny.vsix")
    versions = {path.name.removeprefix(f"{_EXTENSION}-"): path for path in found}
    detail = ", ".join(f"{version} in {path.parent}" for version, path in versions.items())
    is_other = __version__ not in versions
    step = f"install the extension {__version__}, the version of this Tenny" if is_other else ""
    return Component(name, "works", detail, step, {"versions": list(versions)})
