"""Replace a folder as a whole, so that there is always the old one or the new one."""

import os
import shutil
from pathlib import Path
from typing import BinaryIO


def replace_folder(new: Path, folder: Path) -> None:
    """Replace ``folder`` with ``new``, or leave ``folder`` as it is."""
    backup = _backup_of(folder)
    try:
        if folder.exists():
            shutil.rmtree(backup, ignore_errors=True)
            folder.rename(backup)
        new.rename(folder)
    except BaseException:
        if backup.exists() and not folder.exists():
            backup.rename(folder)
        raise
    shutil.rmtree(backup, ignore_errors=True)


def recover(folder: Path) -> None:
    """Bring back the old folder where a process was killed between the two renames of ``replace_folder``."""
    if not folder.exists() and _backup_of(folder).exists():
        _backup_of(folder).rename(folder)


def sync(stream: BinaryIO) -> None:
    """Write what a file holds to the disk."""
    stream.flush()
    os.fsync(stream.fileno())


def _backup_of(folder: Path) -> Path:
    """Return where a folder's old content is kept between two renames."""
    return folder.with_name(f".{folder.name}.old")
