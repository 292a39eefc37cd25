"""Questions in an editor: the command that answers them from MLX's documentation."""

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp

from tenny_lsp.errors import TennyError
from tenny_lsp.lsp.progress import progress
from tenny_lsp.mlx_api.index import ApiIndex

if TYPE_CHECKING:
    from tenny_lsp.lsp.server import TennyServer
    from tenny_lsp.mlx_api.search import Search

LOGGER = logging.getLogger(__name__)

_MOST_TOKENS = 128


class Asking:
    """Answers questions about MLX.

    Args:
        server (TennyServer): Who has the index and the model.
    """

    def __init__(self, server: "TennyServer") -> None:
        self._server = server
        self._search: tuple[ApiIndex, Search] | None = None

    async def answer(self, question: str, *, show: bool = True) -> dict[str, Any]:
        """Returns ``{"answer", "generated", "sources"}`` to a question, and shows it unless the client does that."""
        # The search needs NumPy, which takes its time: not before somebody asks.
        from tenny_lsp.features.ask import answer_values, ask
        from tenny_lsp.mlx_api.search import Search

        async with progress(self._server, "Tenny reads MLX's documentation"):
            index = await self._server.index()
            if self._search is None or self._search[0] is not index:
                self._search = index, await asyncio.to_thread(Search, index)
            model = self._server.model
            complete = partial(model.complete, max_tokens=_MOST_TOKENS) if model is not None else None
            is_large = self._server.settings.model.is_large
            try:
                answer = await ask(question, index, self._search[1], complete, may_paraphrase=is_large)
            except TennyError as error:
                LOGGER.warning("The documentation answers alone: %s", error)
                answer = await ask(question, index, self._search[1], None)
        shown = answer.prose or f"Nothing in the documentation of MLX {index.version} is about that."
        if show:
            self._server.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Info, shown))
        return answer_values(answer)


def register_asking(server: "TennyServer") -> None:
    """Registers the command with a server."""
    asking = Asking(server)

    @server.command("tenny.ask")
    async def tenny_ask(question: str, *shown: Any) -> dict[str, Any]:  # pygls knows no arguments that may be left out
        return await asking.answer(question, show=not shown or bool(shown[0]))
