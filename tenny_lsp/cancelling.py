"""Commands that can be cancelled: pygls runs them apart from the request that a client cancels."""

import inspect
from typing import Any

from lsprotocol import types as lsp
from pygls.protocol import LanguageServerProtocol
from pygls.protocol.language_server import lsp_method


class CancellingProtocol(LanguageServerProtocol):
    """The protocol as pygls speaks it, but a command is over when its request is cancelled."""

    @lsp_method(lsp.WORKSPACE_EXECUTE_COMMAND)
    async def lsp_workspace__execute_command(  # type: ignore[override]
        self, params: lsp.ExecuteCommandParams
    ) -> Any:
        """Returns what a command returns, having run it in the request's own task."""
        command, positional, named = next(super().lsp_workspace__execute_command(params))
        result = command(*positional, **named)
        return await result if inspect.isawaitable(result) else result
