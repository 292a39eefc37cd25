"""Find the Tenny that lies beside this folder: a wheel in an extension, source in a checkout."""

from __future__ import annotations

import hashlib
import re
import zipfile
from pathlib import Path
from typing import NamedTuple

from reports import Problem

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.lock"
_REINSTALL = "Install Tenny again: this copy of it is incomplete."


class Bundle(NamedTuple):
    """The Tenny that comes with this bootstrap.

    Args:
        version (str): Its version.
        wheel (Path | None): The wheel to install.
        checkout (Path | None): Instead of a wheel, the folder that holds ``tenny_lsp``.
    """

    version: str
    wheel: Path | None = None
    checkout: Path | None = None

    def accepts(self, version: str) -> bool:
        """Return whether an installed Tenny is as good as this one: major and minor version are the same."""
        return version.split(".")[:2] == self.version.split(".")[:2]

    def fingerprint(self) -> str:
        """Return what tells the packages of this release from those of others.

        Raises:
            Problem: The wheel is damaged.
        """
        content = hashlib.sha256(REQUIREMENTS.read_bytes())
        if self.wheel:
            content.update(_record(self.wheel))
        return content.hexdigest()[:10]


def _record(wheel: Path) -> bytes:
    """Return the wheel's own list of its files and their hashes, which is quicker to read than all of them."""
    try:
        with zipfile.ZipFile(str(wheel)) as archive:
            return archive.read(next(name for name in archive.namelist() if name.endswith(".dist-info/RECORD")))
    except (OSError, zipfile.BadZipFile, StopIteration) as error:
        raise Problem(f"{wheel} cannot be read: {error}", _REINSTALL) from error


def find(folder: Path = HERE.parent) -> Bundle:
    """Return the Tenny beside this folder.

    Raises:
        Problem: There is none.
    """
    source = folder / "tenny_lsp" / "__init__.py"
    if source.is_file() and (folder / "pyproject.toml").is_file():
        return Bundle(version_in(source), checkout=folder)
    wheels = sorted(folder.glob("tenny_lsp-*.whl"))
    if not wheels:
        raise Problem(f"There is neither a tenny_lsp-*.whl nor Tenny's source in {folder}", _REINSTALL)
    return Bundle(wheels[-1].name.split("-")[1], wheel=wheels[-1])


def version_in(source: Path) -> str:
    """Return the version that a package's ``__init__.py`` names, or nothing."""
    found = re.search(r'^__version__ = "(.+)"', source.read_text("utf-8", "replace"), re.MULTILINE)
    return found[1] if found else ""
