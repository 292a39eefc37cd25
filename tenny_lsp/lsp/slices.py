"""Run a long computation in slices on the event loop, so that no request waits for more than one of them.

The computation is a plain function that calls ``pause`` again and again. It has a thread, because only a thread can be
held up in the middle of a recursion; but it runs while the event loop waits for it, and the loop runs while it waits.
So the two never run at once, and may use the same objects wherever the function pauses.
"""

import asyncio
import gc
import math
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")
#: How long a slice is while the client sends nothing, in seconds.
_SLICE_S = 0.008
#: How often a slice looks whether the client has sent something, in seconds.
_LOOK_S = 0.0001
#: How often the loop turns between two slices: it takes several turns to read a request and to answer it.
_TURNS = 12
#: How often at most: a client that never stops sending gets its diagnostics, too.
_MOST_TURNS = 500
#: As much as a main thread has: the default of some systems is too little for a deep recursion.
_STACK_BYTES = 8 * 1024 * 1024
#: What a computation calls again and again.
Pause = Callable[[], None]


class _CancelledError(BaseException):
    """Ends the thread of a computation that nobody waits for any more."""


def _never() -> bool:
    return False


class Slices:
    """Runs computations in slices; one ends early when the client has sent something.

    Args:
        has_input (Callable[[], bool]): Returns whether something waits to be read from the client, or has been read
            since it was last called. It is called often, and from another thread. Default: never, so that a request
            waits for the end of a slice.
    """

    def __init__(self, has_input: Callable[[], bool] = _never) -> None:
        self._has_input = has_input

    async def run(
        self,
        compute: Callable[[Pause], Result],
        *,
        limit_s: float = math.inf,
        limit_error: type[Exception] = TimeoutError,
    ) -> Result:
        """Return what a function returns that runs in slices; cancelling ends it where it pauses.

        Args:
            compute (Callable[[Pause], Result]): The function; it is given what it has to call.
            limit_s (float): How long all slices may take together, in seconds. Default: as long as they take.
            limit_error (type[Exception]): What ``pause`` raises then.
        """
        run = _Run(compute, self._has_input, limit_s, limit_error)
        try:
            while not run.advance():
                await self._rest()
        finally:
            run.end()
        return run.result()

    async def _rest(self) -> None:
        """Let the loop turn until nothing has come for some turns: what has come is answered first."""
        quiet = 0
        for _ in range(_MOST_TURNS):
            await asyncio.sleep(0)
            quiet = 0 if self._has_input() else quiet + 1
            if quiet >= _TURNS:
                return


class _Run(Generic[Result]):
    """A function in a thread that goes on only while ``advance`` waits for it."""

    def __init__(
        self,
        compute: Callable[[Pause], Result],
        has_input: Callable[[], bool],
        limit_s: float,
        limit_error: type[Exception],
    ) -> None:
        self._compute, self._has_input = compute, has_input
        self._left_s, self._limit_error = limit_s, limit_error
        self._turn, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._deadline = self._next_look = 0.0
        self._is_ended = self._is_cancelled = False
        self._results: list[Result] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="slices", daemon=True)

    def advance(self) -> bool:
        """Let the function run for a slice, and return whether it has ended."""
        begun = time.perf_counter()
        self._deadline = begun + min(_SLICE_S, self._left_s)
        self._next_look = min(begun + _LOOK_S, self._deadline)
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
            before = threading.stack_size(_STACK_BYTES)
            try:
                self._thread.start()
            finally:
                threading.stack_size(before)
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
        now = time.perf_counter()
        if now < self._next_look:
            return
        self._next_look = now + _LOOK_S
        if now < self._deadline and not self._has_input():
            return
        if self._left_s <= 0:
            raise self._limit_error
        self._back.release()
        self._turn.acquire()
        if self._is_cancelled:
            raise _CancelledError
