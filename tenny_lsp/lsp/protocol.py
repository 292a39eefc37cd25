"""The protocol as real editors speak it: their deviations are understood, and every command can be cancelled."""

import asyncio
import inspect
import logging
from collections.abc import Callable, Iterable
from typing import Any

from lsprotocol import types as lsp
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidRequest,
    JsonRpcMethodNotFound,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import LanguageServerProtocol
from pygls.protocol.language_server import lsp_method

LOGGER = logging.getLogger(__name__)


class TennyProtocol(LanguageServerProtocol):
    """pygls' protocol, tolerant of what real editors send; every request is answered once, the wrong ones too.

    Attributes:
        before_next (Callable[[], None], optional): Called once, before the next message is handled.
    """

    before_next: Callable[[], None] | None = None
    _is_initialized = False

    def unregister(self, methods: Iterable[str], commands: Iterable[str]) -> None:
        """Forget what has been registered for methods and commands, so that something else can be."""
        for method in methods:
            del self.fm.features[method]
        for command in commands:
            del self.fm.commands[command]

    def structure_message(self, data: dict[str, Any]) -> Any:
        """Return a message, read as its editor means it; a request that cannot be read is answered with an error.

        Raises:
            JsonRpcException: The message cannot be read.
        """
        if "jsonrpc" in data:
            if data.get("method") == lsp.TEXT_DOCUMENT_CODE_ACTION:
                _list_of_kinds(data)
            elif "result" in data and self._awaits_edit(data.get("id")):
                # Emacs' eglot 1.9 says null of an edit that it has made, and an error of one that it has not.
                data["result"] = data["result"] or {"applied": True}
        try:
            return super().structure_message(data)
        except JsonRpcException as error:
            if isinstance(data.get("id"), int | str) and "method" in data:
                told = self._unknown(data["method"]) or error
                self._send_response(data["id"], error=told.to_response_error())
            raise

    def handle_message(self, message: Any) -> None:
        """Have a message handled; requests that come too early or too late are answered with an error.

        Raises:
            JsonRpcException: It is no message.
        """
        method = getattr(message, "method", None)
        if not hasattr(message, "jsonrpc"):
            raise JsonRpcInvalidRequest("This is no message of JSON-RPC 2.0")
        if hasattr(message, "id") and method is not None:
            refusal = self._refusal(message.jsonrpc, method)
            if refusal is not None:
                self._send_response(message.id, error=refusal.to_response_error())
                return
        self._is_initialized |= method == lsp.INITIALIZE
        if self.before_next is not None and method != lsp.EXIT:
            call, self.before_next = self.before_next, None
            call()
        super().handle_message(message)

    def _refusal(self, version: str, method: str) -> JsonRpcException | None:
        """Return why a request is not handled; None when it is."""
        if version != self.VERSION:
            return JsonRpcInvalidRequest(f"JSON-RPC {version} is not understood")
        if self._shutdown:
            return JsonRpcInvalidRequest("The server has been shut down")
        if not self._is_initialized and method != lsp.INITIALIZE:
            return JsonRpcServerNotInitialized("initialize comes first")
        if self._is_initialized and method == lsp.INITIALIZE:
            return JsonRpcInvalidRequest("initialize came already")
        return self._unknown(method)

    def _unknown(self, method: object) -> JsonRpcException | None:
        """Return what to answer to a method that there is none of; Kate asks for symbols, at each keystroke."""
        if isinstance(method, str) and (method in self.fm.features or method in self.fm.builtin_features):
            return None
        LOGGER.info("There is no %s", method)
        error: JsonRpcException = JsonRpcMethodNotFound.of(str(method))
        return error

    def _awaits_edit(self, message_id: Any) -> bool:
        return isinstance(message_id, int | str) and (
            self._result_types.get(message_id) is lsp.ApplyWorkspaceEditResponse
        )

    def _handle_notification(self, method_name: str, params: Any) -> None:
        """Hear a notification; editors send didSave and its like to servers that have not asked for it."""
        handled = (self.fm.features, self.fm.builtin_features, (lsp.CANCEL_REQUEST,))
        if any(method_name in methods for methods in handled):
            super()._handle_notification(method_name, params)

    def _execute_handler(self, msg_id: int | str, *rest: Any, **named: Any) -> None:
        """Run a handler, and forget it when it is done: pygls keeps each notification, a kilobyte for a keystroke."""
        super()._execute_handler(msg_id, *rest, **named)
        future = self._request_futures.get(msg_id)
        if future is not None:
            loop = asyncio.get_running_loop()  # not at once: shutdown walks through them while it cancels them
            future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._request_futures.pop, msg_id, None))

    def _handle_cancel_notification(self, msg_id: int | str) -> None:
        """Cancel a request; ignore one that was already answered."""
        if isinstance(msg_id, int | str) and msg_id in self._request_futures:
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
