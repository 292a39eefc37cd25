"""Run the command ``tenny.ask``: answer a question from MLX's documentation."""

import asyncio
from typing import TYPE_CHECKING, Any

from pygls.lsp.server import LanguageServer

from tenny_lsp.features.safe_markdown import safe_markdown
from tenny_lsp.lsp.session import Session
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.model.optional import OptionalModel

if TYPE_CHECKING:
    from tenny_lsp.mlx_api.search import Search

_MAX_TOKENS = 128


class AskHandler:
    """Answers questions about MLX."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._search: tuple[ApiIndex, Search] | None = None

    async def answer(self, question: str, *, show: bool = True) -> dict[str, Any]:
        """Return ``{"answer", "code", "generated", "sources"}``, and show it unless the client does."""
        session, writer = self._session, self._session.speaker.writer
        if writer is not None:
            writer.begin_to_load()  # while the documentation is searched
        model = OptionalModel(writer, "The documentation answers alone")
        async with session.client.progress("Tenny reads MLX's documentation"):
            search = await self._searched()
            from tenny_lsp.features.ask import answer_values, ask, markdown_of

            answer = await model.attempt(lambda model: ask(question, search, model, max_tokens=_MAX_TOKENS))
        if show:
            session.client.show(markdown_of(answer, search.index))
        values = answer_values(answer)
        return values if answer.prose is None else values | {"answer": safe_markdown(answer.prose)}

    async def _searched(self) -> "Search":
        index = await self._session.index()
        if self._search is None or self._search[0] is not index:
            self._search = index, await asyncio.to_thread(_search_in, index)
        return self._search[1]


def _search_in(index: ApiIndex) -> "Search":
    # The search needs NumPy, which takes its time to import: not before somebody asks, and not in the event loop.
    from tenny_lsp.features.ask import search_in

    return search_in(index)


def register(server: LanguageServer, session: Session) -> None:
    """Register the command with the server."""
    handler = AskHandler(session)

    @server.command("tenny.ask")
    async def tenny_ask(question: str, *shown: Any) -> dict[str, Any]:  # pygls knows no arguments that may be left out
        return await handler.answer(question, show=not shown or bool(shown[0]))
