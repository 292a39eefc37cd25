"""Talk to one worker, from its start to its end, over whatever leads to it."""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace

from tenny_lsp.errors import AdapterError, BaseModelError, ModelUnavailable, TennyError
from tenny_lsp.model import wire
from tenny_lsp.model.link import Link
from tenny_lsp.model.waiting import within

LOGGER = logging.getLogger(__name__)

#: Seconds in which the last events of a worker that has ended are read.
_LAST_EVENTS_S = 1.0
_ANSWERS = (wire.Token, wire.SampleResult, wire.Done, wire.ScoreResult, wire.Failure)
_ERRORS: dict[str, type[TennyError]] = {"base": BaseModelError, "adapter": AdapterError}


class WorkerConnection:
    """A running worker and its unfinished answers.

    Args:
        link (Link): What leads to the worker.
        on_end (Callable): Called once with the failure, when the worker ends without being left.
        silence_s (float): Seconds after which a worker that does not confirm a cancellation is killed.
    """

    def __init__(self, link: Link, on_end: Callable[[wire.Failure], None], silence_s: float) -> None:
        self._link = link
        self._on_end = on_end
        self._silence_s = silence_s
        self._ids = itertools.count(1)
        self._inboxes: dict[int, asyncio.Queue[wire.Event]] = {}
        self._heard_or_ended = asyncio.Event()
        self._ready_or_ended = asyncio.Event()
        self._last_event_s = 0.0
        self._is_left = False
        self._fatal: wire.Failure | None = None
        #: Whether it has loaded its base and still runs.
        self.ready = False
        #: Why the worker has ended; ``None`` while it lives.
        self.end: wire.Failure | None = None
        self._read_task = asyncio.create_task(self._read_events())

    async def until_ready(self, deadline_s: float, hello_s: float) -> None:
        """Wait until the worker has loaded its base.

        Args:
            deadline_s (float): Seconds after which one that has not loaded it is killed.
            hello_s (float): Seconds after which one that has said nothing at all is: who hangs says nothing, too.

        Raises:
            BaseModelError: The base cannot be loaded.
            ModelUnavailable: The worker ended, or was not ready in time and has been killed.
        """
        for event, limit_s, what in (
            (self._heard_or_ended, min(hello_s, deadline_s), "said nothing"),
            (self._ready_or_ended, deadline_s, "did not load the model"),
        ):
            try:
                await within(limit_s, event.wait())
            except asyncio.TimeoutError:
                self.kill(f"The model worker {what} within {limit_s:g} s")
                await self._ready_or_ended.wait()
        if not self.ready:
            assert self.end is not None
            raise error_of(self.end)

    async def answer(self, request: wire.Generate, deadline_s: float) -> AsyncGenerator[str, None]:
        """Yield the pieces of an answer; see ``events``."""
        async with contextlib.aclosing(self.events(request, deadline_s)) as events:
            async for event in events:
                if isinstance(event, wire.Token):
                    yield event.text

    async def score(self, request: wire.Score | wire.Choose | wire.Compare, deadline_s: float) -> tuple[float, ...]:
        """Return the names' or answers' log-probabilities; see ``events``. Cancelling the task cancels the request."""
        async with contextlib.aclosing(self.events(request, deadline_s)) as events:
            *_, last = [event async for event in events]
        assert isinstance(last, wire.ScoreResult), last
        return last.values

    async def events(self, request: wire.Work, deadline_s: float) -> AsyncGenerator[wire.Event, None]:
        """Yield the events of a request, up to its end. ``request.id`` is chosen here.

        Closing the iterator early cancels the request in the worker.

        Raises:
            AdapterError: The request's adapter cannot be used.
            ModelUnavailable: The worker ended, failed, or was late; a late request is cancelled.
        """
        loop, request = asyncio.get_running_loop(), replace(request, id=next(self._ids))
        inbox: asyncio.Queue[wire.Event] = asyncio.Queue()
        self._inboxes[request.id] = inbox
        if self.end:
            inbox.put_nowait(self.end)
        sent_s = loop.time()
        self._send(request)
        event: wire.Event | None = None
        try:
            while not isinstance(event, (wire.Done, wire.ScoreResult)):
                event = await within(sent_s + deadline_s - loop.time(), inbox.get())
                if isinstance(event, wire.Failure):
                    raise error_of(event)
                yield event
        except asyncio.TimeoutError:
            loop.call_later(self._silence_s, self._kill_if_silent_since, loop.time())
            raise ModelUnavailable(
                f"The model did not finish its answer within {deadline_s:g} s",
                "Ask again when the machine is less busy, or choose a smaller base model.",
            ) from None
        finally:
            del self._inboxes[request.id]
            if not isinstance(event, (wire.Done, wire.ScoreResult, wire.Failure)):
                self._send(wire.Cancel(request.id))

    def kill(self, why: str) -> None:
        """Kill a worker that does not answer; ``why`` is the error of its unfinished requests."""
        self._fatal = wire.Failure("worker", why, "Tenny starts the model again when it is next needed.")
        self._link.kill()

    def _kill_if_silent_since(self, time_s: float) -> None:
        if self._last_event_s < time_s:
            self.kill(f"The model worker said nothing for {self._silence_s:g} s")

    async def close(self, grace_s: float) -> None:
        """Leave the worker; one that is nobody else's is ended, by force ``grace_s`` seconds later."""
        self._is_left = True
        await self._link.close(grace_s)
        await asyncio.wait({self._read_task}, timeout=_LAST_EVENTS_S)
        self._read_task.cancel()
        await asyncio.gather(self._read_task, return_exceptions=True)
        if self.end is None:
            self._finish("it was left", "")

    def _send(self, request: wire.Request) -> None:
        if self.end is None:
            self._link.write(wire.encode(request))

    async def _read_events(self) -> None:
        while True:
            try:
                line = await self._link.events.readline()
                if not line:
                    break
                self._dispatch(wire.decode(line))
            except ValueError as error:  # a WireError, or a line beyond the limit
                LOGGER.warning("The model worker wrote something strange: %s", error)
            except OSError as error:
                LOGGER.info("The model worker's connection broke: %s", error)
                break
        self._finish(*await self._link.ended())

    def _dispatch(self, event: wire.Message) -> None:
        self._last_event_s = asyncio.get_running_loop().time()
        self._heard_or_ended.set()
        if isinstance(event, wire.Hello) and event.version != wire.VERSION:
            self.kill(f"The model worker speaks version {event.version}, not {wire.VERSION}")
        elif isinstance(event, wire.Ready) and self._fatal is None:
            self.ready = True
            self._ready_or_ended.set()
        elif isinstance(event, wire.Failure) and event.id is None:
            self._fatal = event
        elif isinstance(event, _ANSWERS) and event.id in self._inboxes:
            self._inboxes[event.id].put_nowait(event)

    def _finish(self, how: str, last_words: str) -> None:
        """End every unfinished request with a failure."""
        self.end = self._fatal or wire.Failure(
            "worker",
            f"The model worker ended ({how})",
            "Tenny starts it again when it is next needed; its last words are in the log.",
        )
        for inbox in self._inboxes.values():
            inbox.put_nowait(self.end)
        self.ready = False
        self._heard_or_ended.set()
        self._ready_or_ended.set()
        if not self._is_left:
            LOGGER.warning("%s. Its last words:\n%s", self.end.what, last_words)
            self._on_end(self.end)


def error_of(failure: wire.Failure) -> TennyError:
    """Return a new exception for a failure; each task needs its own, for its own traceback."""
    return _ERRORS.get(failure.kind, ModelUnavailable)(failure.what, failure.next_step)
