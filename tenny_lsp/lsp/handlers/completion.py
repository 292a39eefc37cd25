"""What helps while writing, between the protocol and the features: completions and inline completions."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from tenny_lsp.errors import TennyError
from tenny_lsp.features.completion import completions, read_ahead
from tenny_lsp.features.inline import inline
from tenny_lsp.lsp.completion_items import OPTIONS, CompletionItems
from tenny_lsp.model.name_scores import NameScores

if TYPE_CHECKING:
    from tenny_lsp.lsp.server import TennyServer


LOGGER = logging.getLogger(__name__)

#: How long the model may write before what it has by then is shown.
_INLINE_DEADLINE_S = 2.0
#: How long after a document was opened it is read: what an editor asks at once comes first.
_UNASKED_S = 0.1


class Writing:
    """Answers the requests that come with the keystrokes.

    Args:
        server (TennyServer): Who has the documents, the index, the model and the settings.
    """

    def __init__(self, server: "TennyServer") -> None:
        self._server = server
        self._scores = NameScores()
        self._inline: asyncio.Task[str | None] | None = None
        self._completed = ""
        self._reading: set[asyncio.Task[None]] = set()

    def opened(self, uri: str) -> None:
        """Has a document read while nothing is asked, so that its first completion is as fast as the others."""
        task = asyncio.create_task(self._read(uri), name=f"read {uri}")
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    async def completion(self, params: lsp.CompletionParams) -> lsp.CompletionList | None:
        """Returns what may be written at a position; None when that is not MLX's to say."""
        view = self._server.view(params.text_document.uri)
        if view is None:
            return None
        self._completed = view.uri
        index = await self._server.index(view.uri)
        score = self._score if self._server.model is not None else None
        offset, queries = view.offset(params.position), self._server.documents.queries(view, index)
        found = await completions(view.buffer, offset, index, score, queries)
        return self._items.all(found) if found is not None else None

    async def resolve(self, item: lsp.CompletionItem) -> lsp.CompletionItem:
        """Returns an item of a completion with its documentation."""
        return self._items.resolved(item, await self._server.index(self._completed))

    async def inline_completion(self, params: lsp.InlineCompletionParams) -> lsp.InlineCompletionList | None:
        """Returns the line or block that the model would write next; the next request ends this one."""
        if self._inline is not None:
            self._inline.cancel()
        invoked = params.context.trigger_kind == lsp.InlineCompletionTriggerKind.Invoked
        task = self._inline = asyncio.create_task(self._written(params, invoked=invoked), name="inline completion")
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()  # where the client has cancelled the request
        text = None if task.cancelled() else task.result()
        return lsp.InlineCompletionList([lsp.InlineCompletionItem(text)]) if text else None

    async def close(self) -> None:
        """Ends what is under way, and what the model is being asked."""
        for task in self._reading:
            task.cancel()
        await self._scores.close()
        if self._inline is not None:
            self._inline.cancel()
            await asyncio.wait({self._inline})

    async def _read(self, uri: str) -> None:
        await asyncio.sleep(_UNASKED_S)
        index, view = await self._server.index(uri), self._server.view(uri)  # None: closed again
        for _ in read_ahead(view.buffer.text, index) if view is not None else ():
            await asyncio.sleep(0)  # what is asked meanwhile comes first

    @cached_property
    def _items(self) -> CompletionItems:
        return CompletionItems(self._server.client_capabilities)

    async def _written(self, params: lsp.InlineCompletionParams, *, invoked: bool) -> str | None:
        settings = self._server.settings
        is_on = settings.inline.enabled == "on" or (settings.inline.enabled == "auto" and settings.model.path != "")
        if self._server.model is None or not is_on:
            return None
        if not invoked:
            await asyncio.sleep(settings.inline.debounce_ms / 1000)
        view = self._server.view(params.text_document.uri)
        if view is None:
            return None
        offset, index = view.offset(params.position), await self._server.index(view.uri)
        try:
            return await inline(view.buffer, offset, index, self._write, _INLINE_DEADLINE_S)
        except TennyError as error:
            LOGGER.info("No inline completion: %s", error)
            return None

    def _write(self, text: str, max_tokens: int) -> AsyncGenerator[str, None]:
        assert self._server.model is not None
        return self._server.model.write(text, max_tokens=max_tokens)

    async def _score(self, text: str, names: Sequence[str]) -> Mapping[str, float] | None:
        if self._server.model is None:
            return None
        deadline_s = self._server.settings.completion.deadline_ms / 1000
        return await self._scores.within(text, names, self._server.model, deadline_s)


def register_writing(server: "TennyServer") -> Writing:
    """Returns what answers a server's requests, having been registered with it."""
    writing = Writing(server)

    @server.feature(lsp.TEXT_DOCUMENT_COMPLETION, OPTIONS)
    async def text_document_completion(params: lsp.CompletionParams) -> lsp.CompletionList | None:
        return await writing.completion(params)

    @server.feature(lsp.COMPLETION_ITEM_RESOLVE)
    async def completion_item_resolve(item: lsp.CompletionItem) -> lsp.CompletionItem:
        return await writing.resolve(item)

    # With its options, or it is not announced.
    @server.feature(lsp.TEXT_DOCUMENT_INLINE_COMPLETION, lsp.InlineCompletionOptions())
    async def text_document_inline_completion(params: lsp.InlineCompletionParams) -> lsp.InlineCompletionList | None:
        return await writing.inline_completion(params)

    return writing
