"""Serve one client on TCP, with the framing of stdio: what is malformed there is passed over here, too."""

import asyncio
import logging
import sys
from threading import Event

from pygls.io_ import run_async
from pygls.lsp.server import LanguageServer

from tenny_lsp.lsp.ending import end_soon
from tenny_lsp.lsp.framing import LONGEST_LINE_BYTES, AsyncFrameReader

LOGGER = logging.getLogger(__name__)


def serve_tcp(server: LanguageServer, host: str, port: int) -> None:
    """Serve until the client hangs up or says ``exit``, which ends the process.

    Raises:
        OSError: Nothing can listen there.
        OverflowError: There is no such port.
        SystemExit: The client has said ``exit``.
    """
    try:
        status = asyncio.run(_serve(server, host, port))
    finally:
        server.shutdown()  # type: ignore[no-untyped-call]
    if status is not None:
        sys.exit(status)


async def _serve(server: LanguageServer, host: str, port: int) -> str | int | None:
    """Serve one client; return the status that it ends the process with, None where it just goes."""
    ended: asyncio.Future[str | int | None] = asyncio.get_running_loop().create_future()
    clients: list[asyncio.StreamWriter] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if clients:
            LOGGER.warning("Another client is refused")
            writer.close()
            return
        clients.append(writer)
        server.protocol.set_writer(writer)
        status = None
        try:
            frames = AsyncFrameReader(reader)
            await run_async(Event(), frames, server.protocol, error_handler=server.report_server_error)
        except (asyncio.IncompleteReadError, ConnectionError):
            LOGGER.warning("The connection has ended within a message")
        except SystemExit as end:  # nobody else may: a task that it ends is an error to asyncio
            status = end.code
        finally:
            writer.close()
            if not ended.done():  # as after Ctrl-C
                ended.set_result(status)

    listener = await asyncio.start_server(connected, host, port, limit=LONGEST_LINE_BYTES)
    LOGGER.info("Serving on %s", ", ".join(str(place.getsockname()) for place in listener.sockets))
    async with listener:
        status = await ended
        end_soon()
    return status
