"""Replace a folder as a whole, so that there is always the old one or the new one."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tenny_lsp.errors import StorageError


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Give an empty folder that replaces another, if there is one, when the block ends well; else it is removed."""
    new = folder.with_name(f".{folder.name}.new-{os.getpid()}")
    try:
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        yield new
        _replace(new, folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _replace(new: Path, folder: Path) -> None:
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
    """Bring back the old folder where a process was killed between the two renames of ``new_folder``."""
    if not folder.exists() and _backup_of(folder).exists():
        _backup_of(folder).rename(folder)


def remove_unfinished(parent: Path) -> None:
    """Remove from a folder what processes that were killed in ``new_folder`` have left there."""
    for folder in parent.glob(".*.new-*"):
        shutil.rmtree(folder, ignore_errors=True)


def check_new(folder: Path) -> None:
    """Raise if a folder is there already.

    Raises:
        StorageError: It is.
    """
    if folder.exists():
        raise StorageError(f"{folder} is there already", "Name another folder.")


def write_folder(folder: Path, write: Callable[[Path], None]) -> None:
    """Write a folder that is new; it appears only when all of it is there.

    Args:
        folder (Path): The folder.
        write (Callable[[Path], None]): Writes into a folder, which exists.

    Raises:
        StorageError: It could not be written.
    """
    try:
        with new_folder(folder.resolve()) as new:
            write(new)
    except (OSError, RuntimeError) as error:  # MLX reports a full disk as a mere RuntimeError
        raise StorageError(f"{folder} cannot be written: {error}", "Free some space, or name another.") from error


def sync(stream: BinaryIO) -> None:
    """Write what a file holds to the disk."""
    stream.flush()
    os.fsync(stream.fileno())


def _backup_of(folder: Path) -> Path:
    """Return where a folder's old content is kept between two renames."""
    return folder.with_name(f".{folder.name}.old")
