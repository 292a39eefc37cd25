"""Start the worker on first use, restart it with back-off when it dies, leave it when it is idle."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from tenny_lsp.errors import ModelUnavailable, TennyError
from tenny_lsp.model import wire
from tenny_lsp.model.connection import WorkerConnection, error_of
from tenny_lsp.model.link import Link
from tenny_lsp.model.protocol import ModelState


@dataclass(frozen=True, slots=True)
class KeeperOptions:
    """When a worker is restarted, unloaded and given up.

    Args:
        load_deadline_s (float): Seconds after which a worker that has not loaded its base is killed.
        hello_s (float): Seconds after which a worker that has said nothing at all is killed.
        silence_s (float): Seconds after which a worker that does not confirm a cancellation is killed.
        idle_unload_s (float): Seconds without a request after which the worker is left, to free its memory.
        grace_s (float): Seconds that a worker has to end after its stdin was closed, before it is terminated, and
            again before it is killed.
        backoff_s (float): Seconds after a first crash before the next start; each further crash doubles them.
        max_backoff_s (float): The most seconds before the next start.
        max_crashes (int): The number of crashes in a row after which the worker is not started again.
    """

    load_deadline_s: float = 120.0
    hello_s: float = 20.0
    silence_s: float = 10.0
    idle_unload_s: float = 600.0
    grace_s: float = 2.0
    backoff_s: float = 0.5
    max_backoff_s: float = 60.0
    max_crashes: int = 5


class Keeper:
    """Is connected to at most one worker, which several requests use at the same time.

    Args:
        start (Callable): Starts a worker, or finds one that runs; raises ModelUnavailable where there is none to have.
        options (KeeperOptions): When it is restarted, unloaded and given up.
        clock (Callable[[], float]): Returns seconds, for the back-off.
    """

    def __init__(
        self, start: Callable[[], Awaitable[Link]], options: KeeperOptions, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._start = start
        self._options = options
        self._clock = clock
        self._starting = asyncio.Lock()
        self._worker: WorkerConnection | None = None
        self._users = 0
        self._idle_timer: asyncio.TimerHandle | None = None
        self._beginning: set[asyncio.Task[None]] = set()
        self._unloading: set[asyncio.Task[None]] = set()
        self._crashes = 0
        self._retry_at_s = 0.0
        self._last_crash: wire.Failure | None = None
        self._closed = False
        self._callbacks: list[Callable[[], None]] = []
        self._last_state = self.state

    @property
    def state(self) -> ModelState:
        """What the worker is doing."""
        if self._worker is not None and not self._worker.end:
            return ModelState("ready" if self._worker.ready else "loading")
        if not self._crashes or self._last_crash is None:
            return ModelState("idle")
        if self._crashes < self._options.max_crashes:
            return ModelState("backing off", str(error_of(self._last_crash)))
        return ModelState("failed", str(_given_up(self._last_crash, self._crashes)))

    def watch(self, on_change: Callable[[], None]) -> None:
        """Register a callback for changes of ``state``."""
        self._callbacks.append(on_change)

    @contextlib.asynccontextmanager
    async def lease(self, *, is_asked: bool = True) -> AsyncIterator[WorkerConnection]:
        """Yield a worker that is ready to answer; it is not unloaded inside of the ``with`` block.

        Args:
            is_asked (bool): Whether it is asked something, so that it works where nothing is raised.

        Raises:
            BaseModelError: The base cannot be loaded.
            ModelUnavailable: No worker runs and none may be started now.
        """
        self._users += 1
        self._stop_idle_timer()
        try:
            worker = await self._running()
            await worker.until_ready(self._options.load_deadline_s, self._options.hello_s)
            self._notify()
            yield worker
            if is_asked:
                self._crashes = 0
        finally:
            self._users -= 1
            if not self._users and not self._closed:
                loop = asyncio.get_running_loop()
                self._idle_timer = loop.call_later(self._options.idle_unload_s, self._unload)

    def begin(self) -> None:
        """Begin to start a worker, as ``lease`` would, without waiting; what goes wrong is told by the next lease."""
        task = asyncio.create_task(self._begun(), name="worker's start")
        self._beginning.add(task)
        task.add_done_callback(self._beginning.discard)

    async def _begun(self) -> None:
        with contextlib.suppress(TennyError):
            async with self.lease(is_asked=False):
                pass

    async def close(self) -> None:
        """Leave the worker, and end it if it is nobody else's; ``lease`` raises ModelUnavailable from then on."""
        self._closed = True
        self._stop_idle_timer()
        async with self._starting:
            self._unload()
        await asyncio.gather(*self._unloading, *self._beginning)

    async def _running(self) -> WorkerConnection:
        async with self._starting:
            if self._closed:
                raise ModelUnavailable("The model worker has been closed", "Start Tenny again.")
            if self._worker is None or self._worker.end:
                self._refuse_while_backing_off()
                await self._reap()
                silence_s = self._options.silence_s
                try:
                    self._worker = WorkerConnection(await self._start(), self._note_crash, silence_s)
                    self._notify()
                except ModelUnavailable as error:
                    self._note_crash(wire.Failure("worker", error.what, error.next_step))
                    raise
            return self._worker

    def _refuse_while_backing_off(self) -> None:
        if self._last_crash is None or not self._crashes:
            return
        if self._crashes >= self._options.max_crashes:
            raise _given_up(self._last_crash, self._crashes)
        if self._clock() < self._retry_at_s:
            raise error_of(self._last_crash)

    def _note_crash(self, failure: wire.Failure) -> None:
        pause_s = self._options.backoff_s * 2**self._crashes
        self._crashes += 1
        self._retry_at_s = self._clock() + min(pause_s, self._options.max_backoff_s)
        self._last_crash = failure
        self._notify()

    async def _reap(self) -> None:
        """Close what led to a worker that has ended."""
        if self._worker:
            ended, self._worker = self._worker, None
            await ended.close(self._options.grace_s)

    def _unload(self) -> None:
        self._idle_timer = None
        if self._worker:
            task = asyncio.create_task(self._worker.close(self._options.grace_s))
            self._worker = None
            self._unloading.add(task)
            task.add_done_callback(self._unloading.discard)
            self._notify()

    def _notify(self) -> None:
        if self.state != self._last_state:
            self._last_state = self.state
            for on_change in self._callbacks:
                on_change()

    def _stop_idle_timer(self) -> None:
        if self._idle_timer:
            self._idle_timer.cancel()
            self._idle_timer = None


def _given_up(last_crash: wire.Failure, crashes: int) -> TennyError:
    error = error_of(last_crash)
    return type(error)(
        f"{last_crash.what} ({crashes} times in a row)",
        f"{last_crash.next_step} Tenny does not start it again by itself: restart the language server.",
    )
