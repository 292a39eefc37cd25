"""Lock a file among the processes of one user."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

_PAUSE_S = 0.02


@contextlib.contextmanager
def locked(path: Path, patience_s: float) -> Iterator[int]:
    """Give the descriptor of a file that this process alone has locked. The lock ends with the process at the latest.

    Raises:
        OSError: Another has had it for ``patience_s`` seconds, or there are no such locks here.
    """
    try:
        import fcntl
    except ImportError as error:
        raise OSError("files cannot be locked here") from error
    # Not inherited by processes that are started meanwhile: they would keep the lock.
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        end_s = time.monotonic() + patience_s
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end_s:
                    raise OSError(f"{path} has been locked for {patience_s:g} s") from None
                time.sleep(_PAUSE_S)
        yield file
    finally:
        os.close(file)
