"""What leads to a worker: the pipes of a process of one's own, or a socket of one that others use, too."""

import asyncio
from typing import Protocol

#: The longest line of events.
LINE_LIMIT_BYTES = 1 << 20


class Link(Protocol):
    """A way to a worker that runs."""

    @property
    def events(self) -> asyncio.StreamReader:
        """What the worker says; it ends when the worker does."""

    def write(self, line: bytes) -> None:
        """Say something to the worker; nothing is said to one that has ended."""

    def kill(self) -> None:
        """Kill the worker, which does not answer."""

    async def ended(self) -> tuple[str, str]:
        """Return how the worker ended, and its last words. Its events have ended by then."""

    async def close(self, grace_s: float) -> None:
        """Leave the worker. One that is nobody else's is ended, by force ``grace_s`` seconds later."""
