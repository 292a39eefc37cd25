"""Answer ``textDocument/completion`` and ``completionItem/resolve``: what MLX code writes next."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from tenny_lsp.features.completion import completions, dotted_alias, read_ahead
from tenny_lsp.lsp.completion_items import completion_list, resolved, uri_of
from tenny_lsp.lsp.session import Session
from tenny_lsp.model.name_scores import NameScores
from tenny_lsp.source.buffer import Buffer

#: How long after a document was opened it is read ahead: what an editor asks at once comes first.
_READ_AHEAD_DELAY_S = 0.1


class CompletionHandler:
    """Offers candidates in the order of the counts, mixed with the model's scores if they are there in time."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._scores = NameScores()
        self._background: set[asyncio.Task[None]] = set()

    def opened(self, uri: str) -> None:
        """Read an opened document ahead in the background, so that its first completion is as fast as the others."""
        self._start(self._read_ahead(uri), f"read ahead {uri}")

    def typed(self, uri: str, position: lsp.Position) -> None:
        """Ask the model in the background about what may follow a dot after what was typed, before the dot is."""
        if self._session.model is not None:
            self._start(self._ask_ahead(uri, position), f"ask ahead {uri}")

    async def completion(self, params: lsp.CompletionParams) -> lsp.CompletionList | None:
        """Return the candidates at a position; None when they are not MLX's to say."""
        session = self._session
        view = session.view(params.text_document.uri)
        if view is None:
            return None
        score = self._score if session.model is not None else None
        found = await completions(await session.queries(view), view.offset(params.position), score)
        return completion_list(found, view.uri, session.client.can) if found is not None else None

    async def resolve(self, item: lsp.CompletionItem) -> lsp.CompletionItem:
        """Return an item with its documentation."""
        return resolved(item, await self._session.index(uri_of(item)), self._session.client.can)

    async def close(self) -> None:
        """End the work in the background, and what the model is being asked."""
        for task in self._background:
            task.cancel()
        await self._scores.close()

    async def _read_ahead(self, uri: str) -> None:
        await asyncio.sleep(_READ_AHEAD_DELAY_S)
        index, view = await self._session.index(uri), self._session.view(uri)  # None: closed again
        for _ in read_ahead(view.buffer.text, index) if view is not None else ():
            await asyncio.sleep(0)  # what is asked meanwhile comes first

    async def _ask_ahead(self, uri: str, position: lsp.Position) -> None:
        session, view = self._session, self._session.view(uri)
        if view is None:
            return
        text = dotted_alias(view.buffer.text, offset := view.offset(position))
        if text is not None:
            queries = session.documents.queries_of(view, await session.index(uri), Buffer(text, view.buffer))
            await completions(queries, offset + 1, self._score)

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _score(self, text: str, names: Sequence[str]) -> Mapping[str, float] | None:
        model = self._session.model
        if model is None:
            return None
        return await self._scores.within(text, names, model, self._session.settings.completion.deadline_ms / 1000)


def register(server: LanguageServer, session: Session) -> None:
    """Register the requests with the server."""
    handler = CompletionHandler(session)
    session.callbacks.opened.append(handler.opened)
    session.callbacks.typed.append(handler.typed)
    session.callbacks.shutdown.append(handler.close)

    @server.feature(lsp.TEXT_DOCUMENT_COMPLETION)
    async def text_document_completion(params: lsp.CompletionParams) -> lsp.CompletionList | None:
        return await handler.completion(params)

    @server.feature(lsp.COMPLETION_ITEM_RESOLVE)
    async def completion_item_resolve(item: lsp.CompletionItem) -> lsp.CompletionItem:
        return await handler.resolve(item)
