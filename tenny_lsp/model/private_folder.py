"""The folder in which a user's processes find each other: nobody else's may look into it, or change what is in it."""

import os
import stat
import tempfile
import warnings
from pathlib import Path

from platformdirs import user_runtime_path

#: The longest path of a socket, on macOS and BSD; Linux takes a few bytes more.
MAX_SOCKET_PATH_BYTES = 103


def private_folder(longest_name: str) -> Path:
    """Return the folder, made if need be, in which the path of a socket of that name is short enough.

    Raises:
        OSError: There is none that is this user's alone.
    """
    for folder in _candidates():
        if len(os.fsencode(folder / longest_name)) <= MAX_SOCKET_PATH_BYTES:
            _make(folder)
            return folder
    raise OSError(f"the paths of temporary folders are too long for a socket called {longest_name}")


def _candidates() -> tuple[Path, Path]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that XDG_RUNTIME_DIR is not set is nothing unusual
        runtime = user_runtime_path("tenny-lsp", appauthor=False)
    return runtime, Path(tempfile.gettempdir(), f"tenny-lsp-{os.geteuid()}")


def _make(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.mkdir(exist_ok=True, mode=0o700)
    about, above = folder.lstat(), folder.parent.stat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid() or about.st_mode & 0o077:
        raise PermissionError(f"{folder} is not a folder of this user alone")
    # Whoever may write to the folder above could put another in its place; in /tmp, nobody may.
    is_open = above.st_mode & 0o022 and not above.st_mode & stat.S_ISVTX
    if above.st_uid not in (0, os.geteuid()) or is_open:
        raise PermissionError(f"{folder.parent} belongs to somebody else, or may be changed by others")
