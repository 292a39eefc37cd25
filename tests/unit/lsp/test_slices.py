"""A long computation in slices: the loop runs between them, and the computation never while the loop runs."""

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from tenny_lsp.lsp import slices
from tenny_lsp.lsp.slices import Slices
from tests.unit.lsp.fakes import use_shortest_slices


@pytest.fixture(autouse=True)
def _shortest_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    use_shortest_slices(monkeypatch)


async def sliced(compute: Callable[[Callable[[], None]], object], limit_s: float = 60.0) -> object:
    return await Slices().run(compute, limit_s=limit_s)


async def test_the_result_is_that_of_the_function() -> None:
    def compute(pause: Callable[[], None]) -> int:
        for _ in range(5):
            pause()
        return 7

    assert await sliced(compute) == 7


async def test_the_loop_runs_between_two_slices_and_never_beside_one() -> None:
    is_running, said = False, list[str]()

    def compute(pause: Callable[[], None]) -> None:
        nonlocal is_running
        for _ in range(5):
            is_running = True
            said.append("slice")
            is_running = False
            pause()

    async def other() -> None:
        for _ in range(20):
            assert not is_running
            said.append("loop")
            await asyncio.sleep(0)

    await asyncio.gather(sliced(compute), other())

    first, last = said.index("slice"), len(said) - said[::-1].index("slice")
    assert "loop" in said[first:last]


async def test_what_the_function_raises_is_raised() -> None:
    def compute(pause: Callable[[], None]) -> None:
        pause()
        raise KeyError("gone")

    with pytest.raises(KeyError, match="gone"):
        await sliced(compute)


async def test_cancelling_ends_the_function_where_it_pauses() -> None:
    ended = list[str]()

    def compute(pause: Callable[[], None]) -> None:
        try:
            while True:
                pause()
        finally:
            ended.append(threading.current_thread().name)

    task = asyncio.create_task(sliced(compute))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert ended == ["slices"]


async def test_a_function_that_takes_too_long_is_told_and_may_still_answer() -> None:
    def compute(pause: Callable[[], None]) -> str:
        try:
            while True:
                time.sleep(0.001)
                pause()
        except TimeoutError:
            return "so far"

    assert await sliced(compute, limit_s=0.01) == "so far"


async def test_a_slice_ends_early_when_the_client_has_sent_something(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "_SLICE_S", 60.0)
    turns, has_sent = 0, False
    seen = list[int]()

    def compute(pause: Callable[[], None]) -> None:
        nonlocal has_sent
        for step in range(6):
            has_sent = step == 3
            before = turns
            pause()
            seen.append(turns - before)

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await Slices(lambda: has_sent).run(compute)
    counting.cancel()

    assert [step for step, turned in enumerate(seen) if turned] == [3]
