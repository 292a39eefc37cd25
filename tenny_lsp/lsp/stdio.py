"""Serve on standard input and output, read by the event loop itself.

pygls reads a line at a time in a thread: three hand-overs between threads for each message.
"""

import asyncio
import logging
import os
import select
import stat
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Event
from typing import SupportsIndex

from pygls.io_ import StdoutWriter, run_async
from pygls.lsp.server import LanguageServer

from tenny_lsp.lsp.ending import end_soon
from tenny_lsp.lsp.framing import LONGEST_LINE_BYTES, AsyncFrameReader

LOGGER = logging.getLogger(__name__)


class Arrivals:
    """Tells whether something has come on standard input, which must be one that can be polled."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._poll.register(sys.stdin.fileno(), select.POLLIN)
        self._has_read = False

    def __call__(self) -> bool:
        """Return whether something waits to be read, or has been read since this was last called."""
        has_read, self._has_read = self._has_read, False
        return has_read or bool(self._poll.poll(0))

    def reader(self) -> asyncio.StreamReader:
        """Return a reader of standard input that notes what it reads."""
        return _NotingReader(self._note)

    def _note(self) -> None:
        self._has_read = True


class _NotingReader(asyncio.StreamReader):
    def __init__(self, note: Callable[[], None]) -> None:
        super().__init__(LONGEST_LINE_BYTES)
        self._note = note

    def feed_data(self, data: Iterable[SupportsIndex]) -> None:
        self._note()
        super().feed_data(data)


def serve_pipes(server: LanguageServer, arrivals: Arrivals) -> None:
    """Serve until standard input ends or the client says ``exit``.

    Args:
        server (LanguageServer): The server.
        arrivals (Arrivals): Is told of what is read.
    """
    server.protocol.set_writer(StdoutWriter(sys.stdout.buffer))
    try:
        with suppress(KeyboardInterrupt, SystemExit):
            asyncio.run(_serve(server, arrivals.reader))
    except BrokenPipeError:
        LOGGER.warning("The client has closed its end of the pipe")
    finally:
        server.shutdown()  # type: ignore[no-untyped-call]


async def _serve(server: LanguageServer, make_reader: Callable[[], asyncio.StreamReader]) -> None:
    reader = make_reader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    try:
        await run_async(Event(), AsyncFrameReader(reader), server.protocol, error_handler=server.report_server_error)
    except asyncio.IncompleteReadError:
        LOGGER.warning("Standard input has ended within a message")
    end_soon()


def can_be_polled() -> bool:
    """Return whether the event loop can wait for standard input: a pipe or socket, and not the one that is written to.

    What is polled must not block; a terminal that is both input and output would then fail to be written to.
    """
    if sys.platform == "win32":
        return False
    try:
        read, written = os.fstat(sys.stdin.fileno()), os.fstat(sys.stdout.fileno())
    except (OSError, ValueError):
        return False
    is_pipe = stat.S_ISFIFO(read.st_mode) or stat.S_ISSOCK(read.st_mode)
    return is_pipe and (read.st_dev, read.st_ino) != (written.st_dev, written.st_ino)
