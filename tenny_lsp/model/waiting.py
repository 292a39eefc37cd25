"""Wait for something, and not too long."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

_Result = TypeVar("_Result")


async def within(timeout_s: float, awaitable: Awaitable[_Result]) -> _Result:
    """Return what an awaitable gives within ``timeout_s`` seconds; cancel it after them, and with whoever waits.

    Before Python 3.12 ``asyncio.wait_for`` loses a cancellation that comes together with the result: who is cancelled
    would go on.

    Raises:
        asyncio.TimeoutError: It gives nothing in that time.
    """
    task = asyncio.ensure_future(awaitable)
    try:
        await asyncio.wait({task}, timeout=max(timeout_s, 0))
        if task.done():
            return task.result()
    finally:
        task.cancel()
    raise asyncio.TimeoutError
