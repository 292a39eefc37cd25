"""When the shapes of open documents are checked: once their user pauses, one document at a time."""

import asyncio
from collections.abc import Callable

from tenny_lsp.lsp.session import Session

#: Seconds without a keystroke in a document after which its shapes are checked.
_QUIET_S = 1.0


class ShapeChecks:
    """Checks the shapes of open documents; an edit ends the check of its document.

    Args:
        session (Session): The documents.
        tell (Callable[[list[str]], None]): Called with the URIs of a document, or of the cells of a notebook, of which
            shapes tell something else now.
    """

    def __init__(self, session: Session, tell: Callable[[list[str]], None]) -> None:
        self._session = session
        self._tell = tell
        self._open: set[str] = set()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()

    def changed(self, uri: str) -> None:
        """Check a document that was opened or edited, when its user pauses."""
        self._open.add(uri)
        self._schedule(uri, _QUIET_S)

    def saved(self, uri: str) -> None:
        """Check a document that was saved, and after it those that may import it; checked ones cost nothing."""
        for one in sorted(self._open, key=lambda other: other != uri):
            self._schedule(one, 0.0)

    def closed(self, uri: str) -> None:
        """End the check of a closed document."""
        self._open.discard(uri)
        self._cancel(uri)

    def invalidated(self) -> None:
        """Check every document again, as after a change of the settings."""
        for uri in sorted(self._open):
            self._schedule(uri, _QUIET_S)

    async def close(self) -> None:
        """End every check."""
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _schedule(self, uri: str, delay_s: float) -> None:
        self._cancel(uri)
        self._tasks[uri] = asyncio.create_task(self._check(uri, delay_s))

    def _cancel(self, uri: str) -> None:
        if (task := self._tasks.pop(uri, None)) is not None:
            task.cancel()

    async def _check(self, uri: str, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        async with self._turn:
            view = self._session.view(uri)
            if view is not None and await self._session.check_shapes(view):
                self._tell([document.uri for document in view.documents])
