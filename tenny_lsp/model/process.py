"""Talk to one worker process, from its start to its end."""

import asyncio
import contextlib
import itertools
import logging
import signal
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tenny_lsp.errors import AdapterError, BaseModelError, ModelUnavailable, TennyError
from tenny_lsp.model import wire
from tenny_lsp.model.waiting import next_item

LOGGER = logging.getLogger(__name__)

#: The folder that holds the package, and the worker's working directory: in the user's, a module of theirs could be
#: imported in place of one of ours.
_HOME = Path(__file__).resolve().parents[2]
_LINE_LIMIT_BYTES = 1 << 20
_ANSWERS = (wire.Token, wire.SampleResult, wire.Done, wire.ScoreResult, wire.Failure)
_ERRORS: dict[str, type[TennyError]] = {"base": BaseModelError, "adapter": AdapterError}


class WorkerProcess:
    """A running worker and its unfinished answers. Made by ``start``.

    Args:
        process (asyncio.subprocess.Process): All three of its streams are pipes.
        on_end (Callable): Called once with the failure, when the process ends without being asked to.
        silence_s (float): Seconds after which a worker that does not confirm a cancellation is killed.
    """

    def __init__(
        self, process: asyncio.subprocess.Process, on_end: Callable[[wire.Failure], None], silence_s: float
    ) -> None:
        self._process = process
        self._on_end = on_end
        self._silence_s = silence_s
        self._ids = itertools.count(1)
        self._inboxes: dict[int, asyncio.Queue[wire.Event]] = {}
        self._ready_or_ended = asyncio.Event()
        self._last_event_s = 0.0
        self._stderr_tail: deque[str] = deque(maxlen=20)
        self._asked_to_end = False
        self._fatal: wire.Failure | None = None
        #: Whether it has loaded its base and still runs.
        self.ready = False
        #: Why the process has ended; ``None`` while it lives.
        self.end: wire.Failure | None = None
        self._log_task = asyncio.create_task(self._log_stderr())
        self._read_task = asyncio.create_task(self._read_events())

    @classmethod
    async def start(
        cls, command: Sequence[str], on_end: Callable[[wire.Failure], None], silence_s: float
    ) -> "WorkerProcess":
        """Return a worker that has been started and has not loaded anything yet.

        Raises:
            ModelUnavailable: The operating system refused to start it.
        """
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=_HOME, limit=_LINE_LIMIT_BYTES
            )
        except OSError as error:
            raise ModelUnavailable(
                f"The model worker could not be started with {command[0]}: {error.strerror}",
                "Check the Python interpreter in Tenny's settings.",
            ) from error
        return cls(process, on_end, silence_s)

    async def until_ready(self, deadline_s: float) -> None:
        """Wait until the worker has loaded its base.

        Raises:
            BaseModelError: The base cannot be loaded.
            ModelUnavailable: The worker ended, or was not ready in time and has been killed.
        """
        try:
            # Before Python 3.12 wait_for loses a cancellation when there is nothing to wait for.
            if not self._ready_or_ended.is_set():
                await asyncio.wait_for(self._ready_or_ended.wait(), deadline_s)
        except asyncio.TimeoutError:
            self.kill(f"The model was not loaded within {deadline_s:g} s")
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
                event = await next_item(inbox, sent_s + deadline_s - loop.time())
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
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    def _kill_if_silent_since(self, time_s: float) -> None:
        if self._last_event_s < time_s:
            self.kill(f"The model worker said nothing for {self._silence_s:g} s")

    async def close(self, grace_s: float) -> None:
        """End the process: close its stdin, terminate it ``grace_s`` seconds later, then kill it."""
        self._asked_to_end = True
        assert self._process.stdin is not None
        self._process.stdin.close()
        for end in (self._process.terminate, self._process.kill, lambda: None):
            ended, _ = await asyncio.wait({self._read_task}, timeout=grace_s)
            if ended:
                break
            with contextlib.suppress(ProcessLookupError):
                end()
        self._read_task.cancel()
        self._log_task.cancel()
        await asyncio.gather(self._read_task, self._log_task, return_exceptions=True)

    def _send(self, request: wire.Request) -> None:
        assert self._process.stdin is not None
        if self.end is None and not self._process.stdin.is_closing():
            self._process.stdin.write(wire.encode(request))

    async def _read_events(self) -> None:
        assert self._process.stdout is not None
        while True:
            try:
                line = await self._process.stdout.readline()
                if not line:
                    break
                self._dispatch(wire.decode(line))
            except ValueError as error:  # a WireError, or a line beyond the limit
                LOGGER.warning("The model worker wrote something strange: %s", error)
        exit_code = await self._process.wait()
        # Its last lines of stderr say why it died; a grandchild may hold the pipe open, so not for long.
        await asyncio.wait({self._log_task}, timeout=0.5)
        self._finish(exit_code)

    def _dispatch(self, event: wire.Message) -> None:
        self._last_event_s = asyncio.get_running_loop().time()
        if isinstance(event, wire.Hello) and event.version != wire.VERSION:
            self.kill(f"The model worker speaks version {event.version}, not {wire.VERSION}")
        elif isinstance(event, wire.Ready) and self._fatal is None:
            self.ready = True
            self._ready_or_ended.set()
        elif isinstance(event, wire.Failure) and event.id is None:
            self._fatal = event
        elif isinstance(event, _ANSWERS) and event.id in self._inboxes:
            self._inboxes[event.id].put_nowait(event)

    def _finish(self, exit_code: int) -> None:
        """End every unfinished request with a failure."""
        self.end = self._fatal or wire.Failure(
            "worker",
            f"The model worker ended ({_describe(exit_code)})",
            "Tenny starts it again when it is next needed; its last words are in the log.",
        )
        for inbox in self._inboxes.values():
            inbox.put_nowait(self.end)
        self.ready = False
        self._ready_or_ended.set()
        if not self._asked_to_end:
            last_words = "\n".join(self._stderr_tail)
            LOGGER.warning("%s. Its last words:\n%s", self.end.what, last_words)
            self._on_end(self.end)

    async def _log_stderr(self) -> None:
        assert self._process.stderr is not None
        rest = b""
        while block := await self._process.stderr.read(1 << 14):
            *lines, rest = (rest + block).replace(b"\r", b"\n").split(b"\n")
            for line in lines:
                self._log_line(line)
            rest = rest[-_LINE_LIMIT_BYTES:]
        self._log_line(rest)

    def _log_line(self, line: bytes) -> None:
        if text := line.decode(errors="replace").strip():
            self._stderr_tail.append(text)
            LOGGER.info("worker %d: %s", self._process.pid, text)


def error_of(failure: wire.Failure) -> TennyError:
    """Return a new exception for a failure; each task needs its own, for its own traceback."""
    return _ERRORS.get(failure.kind, ModelUnavailable)(failure.what, failure.next_step)


def _describe(exit_code: int) -> str:
    if exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        return signal.Signals(-exit_code).name
    except ValueError:
        return f"signal {-exit_code}"
