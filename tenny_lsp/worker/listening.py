"""Take the connections of several clients; end the process when the last of them has gone, or a while after.

A client that goes as usual says so: its window may be reloaded, and come back. One that says nothing has been killed,
with its editor perhaps, and nothing is to be left of that.
"""

import contextlib
import logging
import os
import selectors
import socket
import threading
import time
from pathlib import Path

from tenny_lsp.model.locking import locked
from tenny_lsp.model.peer import peer_uid
from tenny_lsp.worker.clients import SocketClient
from tenny_lsp.worker.worker import Worker

LOGGER = logging.getLogger(__name__)

#: Seconds that the model is kept for the next client after one has gone as usual.
LINGER_S = 10.0
#: Seconds in which the first client comes. Who has started the process holds the lock until then.
_FIRST_S = 1.0
#: Seconds that a piece of work which nobody wants any more may still take; then the process is stuck.
_OVERDUE_S = 60.0
_LOCK_PATIENCE_S = 10.0


class Listener:
    """Has a worker answer everybody who comes to a socket.

    Args:
        worker (Worker): The worker.
        listener (socket.socket): The socket, on which connections are taken already.
        path (Path): Where it lies.
        inode (int): The number of that file: another of the same name is another worker's.
        linger_s (float): Seconds without a client after which the process ends, if one has gone as usual.
    """

    def __init__(self, worker: Worker, listener: socket.socket, path: Path, inode: int, linger_s: float) -> None:
        self._worker = worker
        self._listener = listener
        self._path = path
        self._inode = inode
        self._linger_s = linger_s
        self._count = 0
        self._kept_until_s = time.monotonic() + min(linger_s, _FIRST_S)
        self._counting = threading.Lock()
        self._left, self._leaving = socket.socketpair()

    def serve(self) -> None:
        """Take connections until there has been no client for a while; return when no more can come."""
        self._listener.setblocking(False)
        self._left.setblocking(False)
        with selectors.DefaultSelector() as selector, self._left, self._leaving, self._listener:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._left, selectors.EVENT_READ)
            while True:
                self._watch()
                wait_s = None if self._count else max(0.0, self._kept_until_s - time.monotonic())
                if not selector.select(wait_s) and self._ended():
                    return
                self._take()

    def _take(self) -> None:
        """Take the connections that have come, and the bytes that say that clients have gone."""
        with contextlib.suppress(BlockingIOError):
            self._left.recv(1 << 10)
        while True:
            try:
                connection, _ = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:  # too many open files, perhaps
                LOGGER.warning("A connection is not taken: %s", error)
                time.sleep(0.1)
                return
            if peer_uid(connection) != os.geteuid():
                LOGGER.warning("A connection of another user is refused")
                connection.close()
                continue
            connection.setblocking(True)
            with self._counting:
                self._count += 1
                self._kept_until_s = 0.0
            threading.Thread(target=self._serve, args=(connection,), name="requests", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        client, has_said_so = SocketClient(connection), False
        try:
            has_said_so = self._worker.read(client)
        finally:
            client.close()
            with self._counting:
                self._count -= 1
                if has_said_so:
                    self._kept_until_s = max(self._kept_until_s, time.monotonic() + self._linger_s)
            with contextlib.suppress(OSError):  # closed at the end
                self._leaving.send(b"\n")

    def _watch(self) -> None:
        """End the process if it still does, a minute later, what nobody wants any more."""
        job = self._worker.requests.overdue
        if job is not None:
            timer = threading.Timer(_OVERDUE_S, lambda: self._worker.requests.overdue is job and os._exit(1))
            timer.daemon = True
            timer.start()

    def _ended(self) -> bool:
        """Remove the socket if nobody has come to it; nobody can meanwhile, for that takes the same lock."""
        try:
            with locked(self._path.with_suffix(".lock"), _LOCK_PATIENCE_S) as lock:
                with selectors.DefaultSelector() as selector:
                    selector.register(self._listener, selectors.EVENT_READ)
                    if selector.select(0):
                        return False
                if self._path.stat().st_ino == self._inode:
                    os.ftruncate(lock, 0)
                    self._path.with_suffix(".log").unlink(missing_ok=True)
                    self._path.unlink()
                # Within the lock: nobody connects to a socket that nobody listens on any more.
                self._listener.close()
        except FileNotFoundError:  # somebody has cleaned up
            return True
        except OSError as error:
            LOGGER.warning("The socket is kept: %s", error)
            time.sleep(1)
            return False
        return True
