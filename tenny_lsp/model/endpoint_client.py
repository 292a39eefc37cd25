"""Ask an OpenAI-compatible server: a few questions at once, for so long, and after a failure not at once again."""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tenny_lsp.errors import BaseModelError, ModelUnavailable, TennyError
from tenny_lsp.model.endpoint_address import EndpointAddress
from tenny_lsp.model.endpoint_errors import RequestRefused, closed, late
from tenny_lsp.model.endpoint_http import EndpointHttp, Piece
from tenny_lsp.model.protocol import ModelState
from tenny_lsp.model.turns import Turns
from tenny_lsp.model.waiting import within


@dataclass(frozen=True, slots=True)
class EndpointOptions:
    """How long a server is waited for, and how much it is asked at once.

    Args:
        connect_s (float): Seconds for a connection, and for the list of models.
        first_piece_s (float): Seconds until an answer begins; the server may have to load the model first.
        next_piece_s (float): Seconds between two pieces of an answer.
        backoff_s (float): Seconds after a first failure in which nothing is asked; each further one doubles them.
        max_backoff_s (float): The most of these.
        at_once (int): The most requests at once.
        waiting (int): The most that wait for their turn; the newest has the next.
    """

    connect_s: float = 5.0
    first_piece_s: float = 60.0
    next_piece_s: float = 20.0
    backoff_s: float = 0.5
    max_backoff_s: float = 60.0
    at_once: int = 4
    waiting: int = 16


class EndpointClient:
    """Asks one server.

    Args:
        address (EndpointAddress): Where it is.
        options (EndpointOptions): How long it is waited for.
        clock (Callable[[], float]): Returns seconds, for the back-off.
    """

    def __init__(
        self, address: EndpointAddress, options: EndpointOptions, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._address = address
        self._options = options
        self._clock = clock
        self._http = EndpointHttp(address, options.connect_s, options.at_once + 1)
        self._turns = Turns(options.at_once, options.waiting)
        self._reading: set[asyncio.Task[None]] = set()
        self._failures = 0
        self._retry_at_s = 0.0
        self._last_failure: ModelUnavailable | None = None
        self._is_closed = False
        self._callbacks: list[Callable[[], None]] = []
        #: The paths and fields that the server does not take.
        self.refused: set[str] = set()
        #: What is known of the server.
        self.state = ModelState("idle")

    def watch(self, on_change: Callable[[], None]) -> None:
        """Register a callback for changes of ``state``."""
        self._callbacks.append(on_change)

    async def models(self) -> tuple[frozenset[str], str]:
        """Return the names of the server's models, and what the server calls itself; both may be empty.

        Raises:
            BaseModelError: The server cannot list them.
            RequestRefused: The server wants a key, or has no list.
            ModelUnavailable: The server cannot be reached, fails, is late, or is no such server.
        """
        self._refuse_while_backing_off()
        with self._judging():
            try:
                return await within(self._options.connect_s, self._http.models())
            except asyncio.TimeoutError:
                raise late(self._address, f"listed no models within {self._options.connect_s:g} s") from None

    async def pieces(self, path: str, body: dict[str, Any], deadline_s: float) -> AsyncGenerator[Piece, None]:
        """Yield the pieces of an answer. Closing the generator early closes the request.

        Args:
            path (str): ``/completions`` or ``/chat/completions``.
            body (dict): The request, as JSON values.
            deadline_s (float): Seconds after its beginning when an unfinished answer is given up.

        Raises:
            BaseModelError: The server has no such model.
            RequestRefused: The server wants a key, or does not take the request.
            ModelUnavailable: The server cannot be reached, fails, says nonsense or is late.
        """
        self._refuse_while_backing_off()
        async with self._turns.turn():
            self._refuse_while_backing_off()
            inbox: asyncio.Queue[Piece | TennyError | None] = asyncio.Queue()
            task = asyncio.create_task(self._read(path, body, inbox), name="endpoint")
            self._reading.add(task)
            try:
                with self._judging():
                    async for piece in self._received(inbox, deadline_s):
                        yield piece
            finally:
                task.cancel()
                await asyncio.wait({task})
                self._reading.discard(task)

    async def close(self) -> None:
        """Close every connection; unfinished answers raise ModelUnavailable."""
        self._is_closed = True
        reading = set(self._reading)
        for task in reading:
            task.cancel()
        if reading:
            await asyncio.wait(reading)
        await self._http.close()

    async def _received(
        self, inbox: "asyncio.Queue[Piece | TennyError | None]", deadline_s: float
    ) -> AsyncGenerator[Piece, None]:
        loop, patience_s, end_s = asyncio.get_running_loop(), self._options.first_piece_s, math.inf
        while True:
            try:
                event = await within(min(patience_s, end_s - loop.time()), inbox.get())
            except asyncio.TimeoutError:
                raise late(self._address, "did not answer in time") from None
            if isinstance(event, TennyError):
                raise event
            if event is None:
                return
            yield event
            # The server may have loaded its model until now.
            patience_s, end_s = self._options.next_piece_s, min(end_s, loop.time() + deadline_s)

    async def _read(self, path: str, body: dict[str, Any], inbox: "asyncio.Queue[Piece | TennyError | None]") -> None:
        """Put the pieces of an answer into an inbox, and at the end None or an error: the body of a request's task."""
        try:
            async with contextlib.aclosing(self._http.answer(path, body)) as pieces:
                async for piece in pieces:
                    inbox.put_nowait(piece)
            inbox.put_nowait(None)
        except TennyError as error:
            inbox.put_nowait(error)
        except asyncio.CancelledError:
            inbox.put_nowait(closed())
            raise

    @contextlib.contextmanager
    def _judging(self) -> Iterator[None]:
        """Follow whether the server answers; after a failure it is not asked for a while."""
        try:
            yield
        except (BaseModelError, RequestRefused):
            self._becomes(ModelState("ready"))
            raise
        except ModelUnavailable as error:
            # Of several at once that fail, the first counts.
            if not self._is_closed and self._clock() >= self._retry_at_s:
                pause_s = min(self._options.backoff_s * 2.0 ** min(self._failures, 30), self._options.max_backoff_s)
                self._failures, self._retry_at_s = self._failures + 1, self._clock() + pause_s
                self._last_failure = error
                self._becomes(ModelState("unreachable", str(error)))
            raise
        self._failures, self._last_failure = 0, None
        self._becomes(ModelState("ready"))

    def _refuse_while_backing_off(self) -> None:
        if self._is_closed:
            raise closed()
        if self._last_failure is not None and self._clock() < self._retry_at_s:
            raise ModelUnavailable(self._last_failure.what, self._last_failure.next_step)

    def _becomes(self, state: ModelState) -> None:
        if state != self.state:
            self.state = state
            for on_change in self._callbacks:
                on_change()
