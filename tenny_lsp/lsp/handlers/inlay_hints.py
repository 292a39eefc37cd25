"""Answer ``textDocument/inlayHint``: the shapes and dtypes of the arrays in the lines that are shown."""

import asyncio

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from tenny_lsp.features.shapes import hints
from tenny_lsp.lsp.session import Session

#: So many hints are computed before other requests, and a cancellation, get their turn.
_AT_ONCE = 20


def register(server: LanguageServer, session: Session) -> None:
    """Register the request with the server, and have it made again when the settings have changed."""

    def invalidated() -> None:
        if session.client.can.refreshes_hints:
            session.client.refresh_hints()

    session.callbacks.invalidated.append(invalidated)

    @server.feature(lsp.TEXT_DOCUMENT_INLAY_HINT)
    async def text_document_inlay_hint(params: lsp.InlayHintParams) -> list[lsp.InlayHint]:
        view = session.view(params.text_document.uri)
        if view is None or not session.settings.shapes.inlay_hints:
            return []
        start, end = view.offset(params.range.start), view.offset(params.range.end)
        shown: list[lsp.InlayHint] = []
        for count, hint in enumerate(hints(await session.queries(view), start, end)):
            kind = lsp.InlayHintKind.Type if hint.is_typed else None
            place = view.range(hint.offset, hint.offset).start
            shown.append(lsp.InlayHint(place, hint.text, kind, padding_left=not hint.is_typed))
            if count % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)
        return shown
