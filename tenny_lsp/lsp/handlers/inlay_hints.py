"""Answer ``textDocument/inlayHint``: the shapes and dtypes of the arrays in the lines that are shown."""

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from tenny_lsp.features.shapes import hints
from tenny_lsp.lsp.session import Session

#: How long the hints of one request may take in all, in seconds: by then the user has gone on.
_MOST_S = 4.0


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
        queries = await session.queries(view)
        try:
            found = await session.slices.run(lambda pause: list(hints(queries, start, end, pause)), limit_s=_MOST_S)
        except TimeoutError:
            return []
        return [
            lsp.InlayHint(
                view.range(hint.offset, hint.offset).start,
                hint.text,
                lsp.InlayHintKind.Type if hint.is_typed else None,
                padding_left=not hint.is_typed,
            )
            for hint in found
        ]
