"""Waiting for the next item of a queue."""

import asyncio

import pytest

from tenny_lsp.model.waiting import next_item


async def test_an_item_is_returned_in_time() -> None:
    queue: asyncio.Queue[int] = asyncio.Queue()
    asyncio.get_running_loop().call_later(0.01, queue.put_nowait, 1)

    assert await next_item(queue, 5) == 1
    with pytest.raises(asyncio.TimeoutError):
        await next_item(queue, 0.01)


@pytest.mark.parametrize("turns", range(6))
async def test_a_cancellation_is_not_lost_whenever_an_item_comes(turns: int) -> None:
    """``asyncio.wait_for`` loses it before Python 3.12 where the item has come and is not yet returned."""
    queue: asyncio.Queue[int] = asyncio.Queue()

    async def wait_twice() -> None:
        await next_item(queue, 60)
        await next_item(queue, 60)

    task = asyncio.create_task(wait_twice())
    for _ in range(3):
        await asyncio.sleep(0)
    queue.put_nowait(1)
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task}, timeout=5)

    assert task.cancelled()
