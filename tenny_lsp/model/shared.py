"""Find the worker that a user's other servers use, or start it, so that several windows load one model.

The worker listens on a socket in a folder of the user's own. Its name is a hash of everything that makes two workers
different, so that servers of two versions, or with two bases, never meet. Whoever looks for the worker, starts it, or
ends it as the last one holds a lock meanwhile: there is never a second worker of a name.
"""

import asyncio
import contextlib
import json
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from tenny_lsp import __version__
from tenny_lsp.model import wire
from tenny_lsp.model.identity import base_fingerprint
from tenny_lsp.model.link import LINE_LIMIT_BYTES
from tenny_lsp.model.locking import locked
from tenny_lsp.model.peer import peer_uid
from tenny_lsp.model.private_folder import private_folder
from tenny_lsp.model.process import HOME
from tenny_lsp.model.runtime import package_version
from tenny_lsp.model.waiting import within

LOGGER = logging.getLogger(__name__)

#: Environment variables that begin so decide what a worker loads, and how it computes.
_DECIDING = ("MLX_", "OPENBLAS_", "OMP_", "PYTHON", "LD_", "DYLD_")
#: Seconds in which another server starts a worker, or a worker takes a connection.
_PATIENCE_S = 10.0
_LAST_LINES, _LAST_BYTES = 20, 1 << 14


@dataclass(frozen=True, slots=True)
class Found:
    """A worker that runs.

    Args:
        connection (socket.socket): The connection to it.
        pid (int | None): Its process; ``None``: not known.
        log (Path): Where its stderr goes.
    """

    connection: socket.socket
    pid: int | None
    log: Path


class SocketLink:
    """The way to a worker that others use, too. Made by ``start``.

    Args:
        events (asyncio.StreamReader): What it says.
        writer (asyncio.StreamWriter): What it is told.
        found (Found): The worker.
    """

    def __init__(self, events: asyncio.StreamReader, writer: asyncio.StreamWriter, found: Found) -> None:
        self.events = events
        self._writer = writer
        self._found = found

    @classmethod
    async def start(cls, command: Sequence[str], base: Path) -> "SocketLink":
        """Return the way to the worker of a base, which is started if there is none.

        Args:
            command (Sequence[str]): The worker's command line.
            base (Path): The base's folder.

        Raises:
            BaseModelError: The base is incomplete.
            OSError: There can be no such worker here.
        """
        found = await asyncio.to_thread(_find_or_start, command, base)
        events, writer = await asyncio.open_unix_connection(sock=found.connection, limit=LINE_LIMIT_BYTES)
        return cls(events, writer, found)

    def write(self, line: bytes) -> None:
        """Write to the socket."""
        if not self._writer.is_closing():
            self._writer.write(line)

    def kill(self) -> None:
        """Kill the worker and leave it, unless it has ended already: its number may be another process's by then."""
        if self._found.pid is not None and not self.events.at_eof() and not self._writer.is_closing():
            with contextlib.suppress(OSError):
                os.kill(self._found.pid, 9)
        self._writer.close()

    async def ended(self) -> tuple[str, str]:
        """Return that the connection has ended, and the last lines of the worker's log."""
        self._writer.close()
        return "its connection ended", _last_lines(self._found.log)

    async def close(self, grace_s: float) -> None:
        """Leave the worker; the last one to leave it ends it, a few seconds later."""
        self.write(wire.encode(wire.Leave()))
        self._writer.close()
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            await within(grace_s, self._writer.wait_closed())


def _find_or_start(command: Sequence[str], base: Path) -> Found:
    if sys.platform == "win32":
        raise OSError("there are no Unix-domain sockets here")
    name = _name(command, base)
    folder = private_folder(f"{name}.sock")
    path, log = folder / f"{name}.sock", folder / f"{name}.log"
    with locked(folder / f"{name}.lock", _PATIENCE_S) as lock:
        connection = _connected(path)
        if connection is None:
            _start(command, path, log, lock)
            connection = _connected(path)
            if connection is None:
                raise OSError("the model worker ended at once")
        pid = os.pread(lock, 20, 0).strip()
    return Found(connection, int(pid) if pid.isdigit() else None, log)


def _name(command: Sequence[str], base: Path) -> str:
    """Return a name that changes with everything that makes two workers different."""
    code = sorted((HOME / "tenny_lsp").glob("worker/*.py"))
    about = [
        __version__,
        wire.VERSION,
        list(command),
        base_fingerprint(base),
        [package_version(name) for name in ("mlx", "mlx-lm")],
        str(HOME),
        [file.stat().st_mtime_ns for file in code],
        {name: value for name, value in os.environ.items() if name.startswith(_DECIDING)},
    ]
    return sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]


def _connected(path: Path) -> socket.socket | None:
    """Return a connection to who listens on a socket; None where nobody does.

    Raises:
        OSError: It is somebody else's socket, or does not take the connection.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(_PATIENCE_S)
        connection.connect(str(path))
        if peer_uid(connection) != os.geteuid():
            raise PermissionError(f"another user listens on {path}")
        connection.setblocking(False)
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    except OSError:
        connection.close()
        raise
    return connection


def _start(command: Sequence[str], path: Path, log: Path, lock: int) -> None:
    """Start a worker that listens on a socket, and write its number into the locked file.

    The socket is opened here and inherited: from now on connections are taken, if not answered yet.
    """
    os.ftruncate(lock, 0)
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(64)
        place = [str(listener.fileno()), str(path), str(path.stat().st_ino)]
        with _opened_log(log) as output:
            process = subprocess.Popen(
                [*command, "--shared", *place],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=output,
                cwd=HOME,
                pass_fds=(listener.fileno(),),
                start_new_session=True,  # it outlives the server that has started it
            )
    os.pwrite(lock, str(process.pid).encode(), 0)
    # Whoever starts a process has to hear of its end.
    threading.Thread(target=process.wait, name="worker's end", daemon=True).start()
    LOGGER.info("The model worker %d, which other windows share, writes its log to %s", process.pid, log)


@contextlib.contextmanager
def _opened_log(log: Path) -> Iterator[int]:
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    try:
        yield file
    finally:
        os.close(file)


def _last_lines(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _LAST_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-_LAST_LINES:])
