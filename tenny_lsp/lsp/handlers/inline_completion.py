"""Answer ``textDocument/inlineCompletion``: the line or block that the model would write next."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from functools import partial

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from tenny_lsp.errors import TennyError
from tenny_lsp.features.inline import inline
from tenny_lsp.lsp.session import Session
from tenny_lsp.model.protocol import TextModel

LOGGER = logging.getLogger(__name__)

#: How long the model may write before what it has written by then is shown.
_DEADLINE_S = 2.0


class InlineCompletionHandler:
    """Has the model write when its user pauses, one request at a time."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._task: asyncio.Task[str | None] | None = None

    async def inline_completion(self, params: lsp.InlineCompletionParams) -> lsp.InlineCompletionList | None:
        """Return the text to insert at a position; a later request cancels this one."""
        if self._task is not None:
            self._task.cancel()
        is_invoked = params.context.trigger_kind == lsp.InlineCompletionTriggerKind.Invoked
        task = self._task = asyncio.create_task(self._text(params, is_invoked=is_invoked), name="inline completion")
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()  # where the client has cancelled the request
        text = None if task.cancelled() else task.result()
        return lsp.InlineCompletionList([lsp.InlineCompletionItem(text)]) if text else None

    async def close(self) -> None:
        """Cancel the request that is being answered."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _text(self, params: lsp.InlineCompletionParams, *, is_invoked: bool) -> str | None:
        settings, model = self._session.settings.inline, self._session.speaker.author
        if model is None or not _is_on(settings.enabled, model):
            return None
        if not is_invoked:
            await asyncio.sleep(settings.debounce_ms / 1000)
        view, model = self._session.view(params.text_document.uri), self._session.speaker.author
        if view is None or model is None:
            return None
        offset, index = view.offset(params.position), await self._session.index(view.uri)
        try:
            return await inline(view.buffer, offset, index, partial(_write, model), _DEADLINE_S)
        except TennyError as error:
            LOGGER.info("No inline completion: %s", error)
            return None


def _write(model: TextModel, text: str, max_tokens: int) -> AsyncGenerator[str, None]:
    return model.write(text, max_tokens=max_tokens)


def _is_on(enabled: str, model: TextModel) -> bool:
    return enabled == "on" or (enabled == "auto" and model.can.complete)


def register(server: LanguageServer, session: Session) -> None:
    """Register the request with the server."""
    handler = InlineCompletionHandler(session)
    session.callbacks.shutdown.append(handler.close)

    # With its options, or it is not announced.
    @server.feature(lsp.TEXT_DOCUMENT_INLINE_COMPLETION)
    async def text_document_inline_completion(params: lsp.InlineCompletionParams) -> lsp.InlineCompletionList | None:
        return await handler.inline_completion(params)
