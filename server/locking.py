"""Lock files for one process or shared by many; the operating system releases a lock when its process ends."""

from __future__ import annotations

import os
import sys
from types import TracebackType

if sys.platform == "win32":
    import msvcrt

    # A locked byte cannot be read there, so they lie far behind the text. One byte is one who shares the lock.
    _FIRST_BYTE, _BYTES = 1 << 30, 64

    def _lock(descriptor: int, shared: bool) -> None:
        for offset in range(_BYTES if shared else 1):
            os.lseek(descriptor, _FIRST_BYTE + offset, os.SEEK_SET)
            try:
                return msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1 if shared else _BYTES)
            except OSError as error:
                refused = error
        raise BlockingIOError(*refused.args)

else:
    import fcntl

    def _lock(descriptor: int, shared: bool) -> None:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


class Lock:
    """A lock that is held. Lock files stay where they are: one taken away might be locked by two at once.

    Args:
        descriptor (int): The locked file.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def attempt(cls, path: str, *, shared: bool) -> Lock | None:
        """Return the lock, or None while others hold it.

        Raises:
            OSError: The file cannot be made, or its file system knows no locks.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(descriptor, shared)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        return cls(descriptor)

    def write(self, text: str) -> None:
        """Leave word for those who wait."""
        os.lseek(self.descriptor, 0, os.SEEK_SET)
        os.ftruncate(self.descriptor, 0)
        os.write(self.descriptor, text.encode())

    def keep(self) -> None:
        """Have the lock outlive this program in the one that it becomes."""
        os.set_inheritable(self.descriptor, True)

    def release(self) -> None:
        """Let go."""
        os.close(self.descriptor)

    def __enter__(self) -> Lock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
