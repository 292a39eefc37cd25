"""Wait for the next item of a queue, and not too long."""

import asyncio
from typing import TypeVar

_Item = TypeVar("_Item")


async def next_item(queue: "asyncio.Queue[_Item]", timeout_s: float) -> _Item:
    """Return the next item of a queue.

    Before Python 3.12 ``asyncio.wait_for`` loses a cancellation that comes together with an item: who is cancelled
    would go on.

    Raises:
        asyncio.TimeoutError: There is none within ``timeout_s`` seconds.
    """
    getting = asyncio.ensure_future(queue.get())
    try:
        await asyncio.wait({getting}, timeout=max(timeout_s, 0))
        if getting.done():
            return getting.result()
    finally:
        getting.cancel()
    raise asyncio.TimeoutError
