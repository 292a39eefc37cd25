"""Waiting for something, and not too long."""

import asyncio

import pytest

from tenny_lsp.model.waiting import within


async def test_what_comes_in_time_is_returned() -> None:
    queue: asyncio.Queue[int] = asyncio.Queue()
    asyncio.get_running_loop().call_later(0.01, queue.put_nowait, 1)

    assert await within(5, queue.get()) == 1
    with pytest.raises(asyncio.TimeoutError):
        await within(0.01, queue.get())


async def test_what_is_late_is_cancelled() -> None:
    task = asyncio.create_task(asyncio.sleep(60))

    with pytest.raises(asyncio.TimeoutError):
        await within(0.01, task)
    await asyncio.wait({task}, timeout=5)

    assert task.cancelled()


@pytest.mark.parametrize("turns", range(6))
async def test_a_cancellation_is_not_lost_whenever_a_result_comes(turns: int) -> None:
    """``asyncio.wait_for`` loses it before Python 3.12 where the result has come and is not yet returned."""
    queue: asyncio.Queue[int] = asyncio.Queue()

    async def wait_twice() -> None:
        await within(60, queue.get())
        await within(60, queue.get())

    task = asyncio.create_task(wait_twice())
    for _ in range(3):
        await asyncio.sleep(0)
    queue.put_nowait(1)
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task}, timeout=5)

    assert task.cancelled()
