"""The folder that holds Tenny's environments, and the files in one of them."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

#: Written last: an environment without it is not whole.
STAMP = "tenny-ready.json"


def default_storage() -> Path:
    """Return the platform's folder for a user's data, Tenny's part of it."""
    if sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        folder = Path.home() / "Library" / "Application Support"
    else:
        named = Path(os.environ.get("XDG_DATA_HOME", ""))
        folder = named if named.is_absolute() else Path.home() / ".local" / "share"
    return folder / "tenny-lsp" / "server"


def executable(environment: Path) -> Path:
    """Return where an environment has its Python."""
    return environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def remove(environment: Path) -> None:
    """Remove an environment, its stamp first, so that nobody takes what is left for one."""
    if environment.exists():
        if (environment / STAMP).exists():
            (environment / STAMP).unlink()
        shutil.rmtree(str(environment))
