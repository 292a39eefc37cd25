"""Answer ``textDocument/diagnostic`` with the pitfalls of a document, or publish them to clients that do not ask."""

import asyncio

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from tenny_lsp.lsp.documents import View
from tenny_lsp.lsp.session import Session
from tenny_lsp.lsp.shape_checks import ShapeChecks
from tenny_lsp.lsp.to_lsp import diagnostic_of, is_in

#: The source of published diagnostics.
_SOURCE = "pitfalls"
#: Seconds without a keystroke after which pitfalls are published.
_DEBOUNCE_S = 0.2


class DiagnosticsHandler:
    """Reports the pitfalls of documents."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._shapes = ShapeChecks(session, self._shapes_found)
        self._scheduled: dict[str, asyncio.Task[None]] = {}
        self._pushed: set[str] = set()

    async def report(self, uri: str) -> lsp.RelatedFullDocumentDiagnosticReport:
        """Return the diagnostics of a document, for a client that asks."""
        view = self._session.view(uri)
        return lsp.RelatedFullDocumentDiagnosticReport(await self._diagnostics(view, uri) if view is not None else [])

    def changed(self, uri: str) -> None:
        """Publish a document's diagnostics, for a client that does not ask, when its user pauses."""
        self._shapes.changed(uri)
        if not self._session.client.can.pulls_diagnostics:
            self._pushed.add(uri)
            self._schedule(uri, _DEBOUNCE_S)

    def saved(self, uri: str) -> None:
        """Check the shapes of a document that was saved."""
        self._shapes.saved(uri)

    def closed(self, uri: str) -> None:
        """Take back what was published of a closed document."""
        self._shapes.closed(uri)
        self._cancel(uri)
        self._pushed.discard(uri)
        self._session.publisher.clear(_SOURCE, uri)

    def invalidated(self) -> None:
        """Find every document's diagnostics again, as after a change of the settings."""
        self._shapes.invalidated()
        for uri in sorted(self._pushed):
            self._schedule(uri, _DEBOUNCE_S)
        self._refresh()

    async def close(self) -> None:
        """Cancel what is scheduled."""
        await self._shapes.close()
        tasks = list(self._scheduled.values())
        self._scheduled.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _cancel(self, uri: str) -> None:
        if (task := self._scheduled.pop(uri, None)) is not None:
            task.cancel()

    def _schedule(self, uri: str, delay_s: float) -> None:
        self._cancel(uri)
        self._scheduled[uri] = asyncio.create_task(self._publish_later(uri, delay_s))

    def _refresh(self) -> None:
        client = self._session.client
        if client.can.pulls_diagnostics and client.can.refreshes_diagnostics:
            client.refresh_diagnostics()

    def _shapes_found(self, uris: list[str]) -> None:
        """Show what shapes tell of some documents; to a client that asks, when it asks again."""
        for uri in self._pushed.intersection(uris):
            self._schedule(uri, 0)
        self._refresh()

    async def _publish_later(self, uri: str, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        view = self._session.view(uri)
        if view is not None:
            found = await self._diagnostics(view, uri)
            self._session.publisher.set(_SOURCE, uri, found, view.documents[view.cell].version)

    async def _diagnostics(self, view: View, uri: str) -> list[lsp.Diagnostic]:
        pitfalls = await self._session.pitfalls(view)
        return [diagnostic_of(pitfall, view) for pitfall in pitfalls if is_in(pitfall, view, uri)]


def register(server: LanguageServer, session: Session) -> None:
    """Register the request with the server."""
    handler = DiagnosticsHandler(session)
    session.callbacks.changed.append(handler.changed)
    session.callbacks.saved.append(handler.saved)
    session.callbacks.closed.append(handler.closed)
    session.callbacks.invalidated.append(handler.invalidated)
    session.callbacks.shutdown.append(handler.close)

    @server.feature(lsp.TEXT_DOCUMENT_DIAGNOSTIC)
    async def document_diagnostic(params: lsp.DocumentDiagnosticParams) -> lsp.RelatedFullDocumentDiagnosticReport:
        return await handler.report(params.text_document.uri)
