"""Answer ``textDocument/hover``: the card of the MLX name under the cursor."""

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from tenny_lsp.features.hover import hover
from tenny_lsp.lsp.session import Session
from tenny_lsp.lsp.to_lsp import hover_of
from tenny_lsp.model.answers import Answers


class HoverHandler:
    """Shows facts at once, and below them a sentence of a model that writes, if it is there within the deadline."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._answers = Answers(on_end=session.note_failure)

    async def hover(self, params: lsp.HoverParams) -> lsp.Hover | None:
        """Return the card under a position; None when it is not on an MLX name."""
        view = self._session.view(params.text_document.uri)
        offset = view.offset(params.position) if view is not None else 0
        if view is None or view.buffer.identifier_at(offset) is None:
            return None
        model = self._session.speaker.author
        # A base that cannot write copies from the documentation, which the card shows already.
        ask = self._ask if model is not None and model.can.write else None
        card = await hover(await self._session.queries(view), offset, ask)
        return hover_of(card, view, self._session.client.can) if card is not None else None

    async def close(self) -> None:
        """End what the model is being asked."""
        await self._answers.close()

    async def _ask(self, prompt: str) -> str | None:
        model = self._session.speaker.author
        if model is None:
            return None
        return await self._answers.within(prompt, model, self._session.settings.hover.deadline_ms / 1000)


def register(server: LanguageServer, session: Session) -> None:
    """Register the request with the server."""
    handler = HoverHandler(session)
    session.callbacks.shutdown.append(handler.close)

    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    async def text_document_hover(params: lsp.HoverParams) -> lsp.Hover | None:
        return await handler.hover(params)
