"""What helps while writing, between the protocol and the features: completions."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from tenny_lsp.completion_items import OPTIONS, CompletionItems
from tenny_lsp.features.completion import completions
from tenny_lsp.model.scores import Scores

if TYPE_CHECKING:
    from tenny_lsp.server import TennyServer


class Writing:
    """Answers the requests that come with the keystrokes.

    Args:
        server (TennyServer): Who has the documents, the index, the model and the settings.
    """

    def __init__(self, server: "TennyServer") -> None:
        self._server = server
        self._scores = Scores()

    async def completion(self, params: lsp.CompletionParams) -> lsp.CompletionList | None:
        """Returns what may be written at a position; None when that is not MLX's to say."""
        view = self._server.view(params.text_document.uri)
        if view is None:
            return None
        index = await self._server.index()
        score = self._score if self._server.model is not None else None
        offset, inference = view.offset(params.position), self._server.documents.inference(view, index)
        found = await completions(view.buffer, offset, index, score, inference)
        return self._items.all(found) if found is not None else None

    async def resolve(self, item: lsp.CompletionItem) -> lsp.CompletionItem:
        """Returns an item of a completion with its documentation."""
        return self._items.resolved(item, await self._server.index())

    async def close(self) -> None:
        """Ends what the model is being asked."""
        await self._scores.close()

    @cached_property
    def _items(self) -> CompletionItems:
        return CompletionItems(self._server.client_capabilities)

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

    return writing
