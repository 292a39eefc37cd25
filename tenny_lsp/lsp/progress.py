"""What an editor shows while Tenny works, and its button that ends the work."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

if TYPE_CHECKING:
    from concurrent.futures import Future

    from tenny_lsp.lsp.server import TennyServer

#: Told how many of how many steps are done.
Report = Callable[[int, int], None]

#: An editor that has not agreed to show progress by then does without.
_PATIENCE_S = 2.0


@asynccontextmanager
async def progress(server: "TennyServer", title: str) -> AsyncIterator[Report]:
    """Has an editor show how far the work of this task is, if it can; its user may cancel the task."""
    token = uuid4().hex
    if not await _is_shown(server, token):
        yield _unseen
        return
    shown, task = server.work_done_progress, asyncio.current_task()

    def ended(answer: "Future[None]") -> None:
        if answer.cancelled() and task is not None:
            task.cancel()

    def report(done: int, total: int) -> None:
        percentage = 100 * done // max(total, 1)
        shown.report(token, lsp.WorkDoneProgressReport(message=f"{done} of {total}", percentage=percentage))

    shown.tokens[token].add_done_callback(ended)
    shown.begin(token, lsp.WorkDoneProgressBegin(title, cancellable=True, percentage=0))
    try:
        yield report
    finally:
        shown.end(token, lsp.WorkDoneProgressEnd())
        shown.tokens.pop(token, None)


def _unseen(_done: int, _total: int) -> None:
    """Reports to nobody."""


async def _is_shown(server: "TennyServer", token: str) -> bool:
    window = server.client_capabilities.window
    if window is None or not window.work_done_progress:
        return False
    try:
        await asyncio.wait_for(server.work_done_progress.create_async(token), _PATIENCE_S)
    except (asyncio.TimeoutError, JsonRpcException):  # whatever an editor has against it, the work goes on
        return False
    return True
