"""Serve on standard input and output, read by the event loop itself.

pygls reads a line at a time in a thread: three hand-overs between threads for each message.
"""

import asyncio
import logging
import os
import select
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from threading import Event

from pygls.io_ import StdoutWriter, run_async
from pygls.lsp.server import LanguageServer

from tenny_lsp.lsp.ending import end_soon
from tenny_lsp.lsp.framing import LONGEST_LINE_BYTES, AsyncFrameReader

LOGGER = logging.getLogger(__name__)


def serve_pipes(server: LanguageServer) -> None:
    """Serve until standard input ends or the client says ``exit``; the input must be one that can be polled."""
    server.protocol.set_writer(StdoutWriter(sys.stdout.buffer))
    try:
        with suppress(KeyboardInterrupt, SystemExit):
            asyncio.run(_serve(server))
    except BrokenPipeError:
        LOGGER.warning("The client has closed its end of the pipe")
    finally:
        server.shutdown()  # type: ignore[no-untyped-call]


async def _serve(server: LanguageServer) -> None:
    reader = asyncio.StreamReader(LONGEST_LINE_BYTES)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    try:
        await run_async(Event(), AsyncFrameReader(reader), server.protocol, error_handler=server.report_server_error)
    except asyncio.IncompleteReadError:
        LOGGER.warning("Standard input has ended within a message")
    end_soon()


def input_waits() -> Callable[[], bool]:
    """Return what tells whether standard input, which can be polled, has something to be read."""
    poll = select.poll()
    poll.register(sys.stdin.fileno(), select.POLLIN)
    return lambda: bool(poll.poll(0))


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
