"""Read the editor's messages from a pipe, however their headers are written and however long they claim to be."""

import asyncio
import re
from collections.abc import Callable
from typing import BinaryIO, cast

_LENGTH = re.compile(rb"content-length[ \t]*:[ \t]*(\d{1,18})[ \t]*", re.IGNORECASE)
#: A longer line is no header.
LONGEST_LINE_BYTES = 1 << 16
#: So much is read at once: a length that a header claims is no reason to make room for it.
_BLOCK_BYTES = 1 << 20


class FrameReader:
    """What pygls reads from: headers are given back as it expects them, in the standard's case and with its line ends.

    Args:
        stream (BinaryIO): Where the editor writes to.
        on_end (Callable[[], None]): Called at the end of the stream.
    """

    def __init__(self, stream: BinaryIO, on_end: Callable[[], None]) -> None:
        self._stream = stream
        self._on_end = on_end

    def readline(self) -> bytes:
        """Return a line of a header; nothing at the end of the stream."""
        line = self._stream.readline(LONGEST_LINE_BYTES)
        if not line:
            self._on_end()
        return _header(line)

    def read(self, size: int) -> bytes:
        """Return so many bytes, or as many as come before the end of the stream."""
        blocks, left = [], size
        while left > 0 and (block := self._stream.read(min(left, _BLOCK_BYTES))):
            blocks.append(block)
            left -= len(block)
        return b"".join(blocks)


class AsyncFrameReader:
    """The same for an event loop that reads the pipe itself.

    Args:
        stream (asyncio.StreamReader): What the editor writes; its limit is the longest line.
    """

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self._stream = stream

    async def readline(self) -> bytes:
        """Return a line of a header; nothing at the end of the stream."""
        while True:
            try:
                return _header(await self._stream.readline())
            except ValueError:  # too long a line, which has been dropped
                continue

    async def readexactly(self, size: int) -> bytes:
        """Return so many bytes.

        Raises:
            asyncio.IncompleteReadError: The stream has ended before.
        """
        return await self._stream.readexactly(size)


def frames(stream: BinaryIO, on_end: Callable[[], None] = lambda: None) -> BinaryIO:
    """Return a reader of an editor's messages in the place of a stream; ``on_end`` is called at its end."""
    return cast("BinaryIO", FrameReader(stream, on_end))


def _header(line: bytes) -> bytes:
    content = line.rstrip(b"\r\n")
    length = _LENGTH.fullmatch(content)
    if length is not None:
        return b"Content-Length: %d\r\n" % int(length[1])
    return content + b"\r\n" if line.endswith(b"\n") else line
