"""Run a long computation in slices on the event loop, so that no request waits for more than one of them.

The computation is a plain function that calls ``pause`` again and again. It has a thread, because only a thread can be
held up in the middle of a recursion; but it runs while the event loop waits for it, and the loop runs while it waits.
So the two never run at once, and may use the same objects wherever the function pauses.
"""

import asyncio
import gc
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")
#: What a computation calls again and again.
Pause = Callable[[], None]


class _CancelledError(BaseException):
    """Ends the thread of a computation that nobody waits for any more."""


async def in_slices(
    compute: Callable[[Pause], Result], *, slice_s: float, limit_s: float, limit_error: type[Exception]
) -> Result:
    """Return what a function returns that runs in slices; cancelling ends it where it pauses.

    Args:
        compute (Callable[[Pause], Result]): The function; it is given what it has to call.
        slice_s (float): How long a slice is, in seconds; the loop has as long between two of them for everything else.
        limit_s (float): How long all slices may take together, in seconds.
        limit_error (type[Exception]): What ``pause`` raises then.
    """
    run = _Run(compute, limit_s, limit_error)
    try:
        while not run.advance(slice_s):
            await asyncio.sleep(slice_s)
    finally:
        run.end()
    return run.result()


class _Run(Generic[Result]):
    """A function in a thread that goes on only while ``advance`` waits for it."""

    def __init__(self, compute: Callable[[Pause], Result], limit_s: float, limit_error: type[Exception]) -> None:
        self._compute = compute
        self._left_s, self._limit_error = limit_s, limit_error
        self._turn, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._deadline = 0.0
        self._is_ended = self._is_cancelled = False
        self._results: list[Result] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="slices", daemon=True)

    def advance(self, slice_s: float) -> bool:
        """Let the function run for a slice, and return whether it has ended."""
        begun = time.perf_counter()
        self._deadline = begun + min(slice_s, self._left_s)
        is_collecting = gc.isenabled()
        gc.disable()  # a collection walks all that the server keeps, and is no part of the slice
        try:
            self._resume()
        finally:
            if is_collecting:
                gc.enable()
        self._left_s -= time.perf_counter() - begun
        return self._is_ended

    def end(self) -> None:
        """End a function that has not ended, where it pauses."""
        if not self._is_ended and self._thread.ident is not None:
            self._is_cancelled = True
            self._resume()

    def result(self) -> Result:
        """Return what the function has returned, or raise what it has raised."""
        if self._error is not None:
            raise self._error
        return self._results[0]

    def _resume(self) -> None:
        if self._thread.ident is None:
            self._thread.start()
        else:
            self._turn.release()
        self._back.acquire()

    def _run(self) -> None:
        try:
            self._results.append(self._compute(self._pause))
        except _CancelledError:
            pass
        except BaseException as error:
            self._error = error
        self._is_ended = True
        self._back.release()

    def _pause(self) -> None:
        if time.perf_counter() < self._deadline:
            return
        if self._left_s <= 0:
            raise self._limit_error
        self._back.release()
        self._turn.acquire()
        if self._is_cancelled:
            raise _CancelledError
