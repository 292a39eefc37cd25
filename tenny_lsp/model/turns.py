"""Let a few tasks work at once; of those that wait, the newest is the next."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from tenny_lsp.errors import ModelUnavailable


class Turns:
    """A bounded number of turns, and of tasks that wait for one.

    Args:
        at_once (int): How many tasks may have a turn at the same time.
        waiting (int): How many may wait. One more, and the oldest of them is refused.
    """

    def __init__(self, at_once: int, waiting: int) -> None:
        self._free = at_once
        self._most_waiting = waiting
        self._waiting: list[asyncio.Future[None]] = []

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn, and have it inside of the ``with`` block.

        Raises:
            ModelUnavailable: Too many newer tasks wait.
        """
        if self._free:
            self._free -= 1
        else:
            await self._wait()
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        if len(self._waiting) > self._most_waiting:
            oldest = self._waiting.pop(0)
            oldest.set_exception(ModelUnavailable("The model has too many questions to answer", "Ask again later."))
        try:
            await place
        except asyncio.CancelledError:
            if place in self._waiting:
                self._waiting.remove(place)
            elif place.done() and not place.cancelled() and place.exception() is None:
                self._pass_on()  # it had been given a turn by then
            raise

    def _pass_on(self) -> None:
        while self._waiting:
            newest = self._waiting.pop()
            if not newest.done():
                newest.set_result(None)
                return
        self._free += 1
