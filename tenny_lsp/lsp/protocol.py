"""The protocol as real editors speak it: their deviations are understood, and every command can be cancelled."""

import inspect
import io
import logging
from collections.abc import Callable, Iterable
from typing import Any

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcMethodNotFound
from pygls.protocol import LanguageServerProtocol
from pygls.protocol.language_server import lsp_method
from pygls.workspace import TextDocument

LOGGER = logging.getLogger(__name__)


def _lines(document: TextDocument) -> tuple[str, ...]:
    """Return the lines of a document, split anew only when its text is another."""
    source = document.source
    kept: tuple[str, tuple[str, ...]] | None = getattr(document, "_tenny_lines", None)
    if kept is None or kept[0] is not source:
        kept = source, tuple(io.StringIO(source, newline=""))
        document._tenny_lines = kept  # type: ignore[attr-defined]
    return kept[1]


# pygls ends lines at form feeds and at every Unicode separator too; the protocol only at these three.
TextDocument.lines = property(_lines)  # type: ignore[method-assign,assignment]


class TennyProtocol(LanguageServerProtocol):
    """pygls' protocol, tolerant of what real editors send; messages without a handler are not logged as warnings.

    Attributes:
        before_next (Callable[[], None], optional): Called once, before the next message is handled.
    """

    before_next: Callable[[], None] | None = None

    def unregister(self, methods: Iterable[str], commands: Iterable[str]) -> None:
        """Forget what has been registered for methods and commands, so that something else can be."""
        for method in methods:
            del self.fm.features[method]
        for command in commands:
            del self.fm.commands[command]

    def handle_message(self, message: Any) -> None:
        """Handle a message."""
        if self.before_next is not None and getattr(message, "method", "") != lsp.EXIT:
            call, self.before_next = self.before_next, None
            call()
        super().handle_message(message)

    def structure_message(self, data: dict[str, Any]) -> Any:
        """Return a message, read as its editor means it."""
        if "jsonrpc" in data:
            if data.get("method") == lsp.TEXT_DOCUMENT_CODE_ACTION:
                _list_of_kinds(data)
            elif "result" in data and self._result_types.get(data["id"]) is lsp.ApplyWorkspaceEditResponse:
                # Emacs' eglot 1.9 says null of an edit that it has made, and an error of one that it has not.
                data["result"] = data["result"] or {"applied": True}
        return super().structure_message(data)

    def _handle_request(self, msg_id: int | str, method_name: str, params: Any) -> None:
        """Answer a request; Kate asks every server for symbols, at each keystroke."""
        if method_name in self.fm.features or method_name in self.fm.builtin_features:
            super()._handle_request(msg_id, method_name, params)
        else:
            LOGGER.info("There is no %s", method_name)
            self._send_response(msg_id, error=JsonRpcMethodNotFound.of(method_name).to_response_error())

    def _handle_notification(self, method_name: str, params: Any) -> None:
        """Hear a notification; editors send didSave and its like to servers that have not asked for it."""
        handled = (self.fm.features, self.fm.builtin_features, (lsp.CANCEL_REQUEST,))
        if any(method_name in methods for methods in handled):
            super()._handle_notification(method_name, params)

    def _handle_cancel_notification(self, msg_id: int | str) -> None:
        """Cancel a request; ignore one that was already answered."""
        if msg_id in self._request_futures:
            super()._handle_cancel_notification(msg_id)

    @lsp_method(lsp.WORKSPACE_EXECUTE_COMMAND)
    async def lsp_workspace__execute_command(  # type: ignore[override]
        self, params: lsp.ExecuteCommandParams
    ) -> Any:
        """Return what a command returns, having run it in the request's own task."""
        command, positional, named = next(super().lsp_workspace__execute_command(params))
        result = command(*positional, **named)
        return await result if inspect.isawaitable(result) else result


def _list_of_kinds(data: dict[str, Any]) -> None:
    """Put the one kind of code action that Neovim 0.7's users ask for into a list."""
    params = data.get("params")
    context = params.get("context") if isinstance(params, dict) else None
    if isinstance(context, dict) and isinstance(context.get("only"), str):
        context["only"] = [context["only"]]
