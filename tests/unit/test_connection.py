"""A connection to a worker, without one."""

import asyncio
import json

import pytest

from tenny_lsp.model.connection import WorkerConnection


class FakeLink:
    """A way to a worker that says what it is told to."""

    def __init__(self) -> None:
        self.events = asyncio.StreamReader()

    def write(self, line: bytes) -> None:
        """Has nobody to tell."""

    def kill(self) -> None:
        """Has nobody to kill."""

    async def ended(self) -> tuple[str, str]:
        return "exit code 0", ""

    async def close(self, grace_s: float) -> None:
        self.events.feed_eof()


@pytest.mark.parametrize("turns", range(10))
async def test_a_cancellation_is_not_lost_when_the_worker_gets_ready_meanwhile(turns: int) -> None:
    link = FakeLink()
    connection = WorkerConnection(link, lambda _: None, silence_s=5)

    async def ask() -> None:
        await connection.until_ready(60, 60)
        await asyncio.sleep(60)

    task = asyncio.create_task(ask())
    await asyncio.sleep(0)
    for message in ({"type": "hello", "version": 7}, {"type": "ready"}):
        link.events.feed_data(json.dumps(message).encode() + b"\n")
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task}, timeout=1)

    assert task.cancelled()
    await connection.close(1)
