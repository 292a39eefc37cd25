"""Whom a worker answers: the one at the other end of its pipe, or one of several on a socket."""

import contextlib
import logging
import os
import queue
import socket
import threading
from collections.abc import Iterator
from typing import Protocol

from tenny_lsp.model import wire

LOGGER = logging.getLogger(__name__)

#: Requests are shorter; whoever sends a longer line is no client.
_MOST_REQUEST_BYTES = 1 << 22
#: A client that has so many events to read yet, reads no more.
_MOST_UNREAD_EVENTS = 10_000
#: Seconds in which the last events reach a client.
_LAST_EVENTS_S = 2.0


class WorkerClient(Protocol):
    """Who asks and is answered."""

    def send(self, event: wire.Event) -> None:
        """Send an event, without waiting for the client to read it; do nothing where it has gone."""

    def requests(self) -> Iterator[bytes]:
        """Yield what it asks, a line at a time, until it goes."""

    def close(self) -> None:
        """Send what is left, and say no more."""


class PipeClient:
    """The client that has started the worker for itself; the worker ends with it.

    Args:
        requests (int): The file descriptor that it asks on.
        events (int): The file descriptor that it is answered on.
    """

    def __init__(self, requests: int, events: int) -> None:
        self._requests = requests
        self._events = events
        self._writing = threading.Lock()

    def send(self, event: wire.Event) -> None:
        """Write an event; end the process if its client is gone."""
        line = memoryview(wire.encode(event))
        with self._writing:
            try:
                while line:
                    line = line[os.write(self._events, line) :]
            except OSError:
                os._exit(0)

    def requests(self) -> Iterator[bytes]:
        """Yield the lines on the file descriptor."""
        yield from os.fdopen(self._requests, "rb")

    def close(self) -> None:
        """Do nothing: what is sent is written at once."""


class SocketClient:
    """One of several clients. A thread of its own writes to it: another one's answers do not wait for it to read.

    Args:
        connection (socket.socket): The connection to it.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._unread: queue.Queue[bytes] = queue.Queue(_MOST_UNREAD_EVENTS)
        self._writer = threading.Thread(target=self._write, name="events", daemon=True)
        self._writer.start()

    def send(self, event: wire.Event) -> None:
        """Have an event written."""
        try:
            self._unread.put_nowait(wire.encode(event))
        except queue.Full:
            LOGGER.warning("A client that does not read is left")
            self._hang_up()

    def requests(self) -> Iterator[bytes]:
        """Yield the lines on the connection."""
        with contextlib.suppress(OSError), self._connection.makefile("rb") as lines:
            while (line := lines.readline(_MOST_REQUEST_BYTES)).endswith(b"\n"):
                yield line

    def close(self) -> None:
        """Have what is left written, and hang up."""
        with contextlib.suppress(queue.Full):
            self._unread.put_nowait(b"")
        self._writer.join(_LAST_EVENTS_S)
        self._hang_up()

    def _write(self) -> None:
        with contextlib.suppress(OSError):
            while line := self._unread.get():
                self._connection.sendall(line)

    def _hang_up(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()
