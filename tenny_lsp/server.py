"""The language server: LSP in, features, LSP out. Knows no MLX and no model, only who does."""

import asyncio
import gc
import io
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer
from pygls.workspace import TextDocument

from tenny_lsp import __version__, folders
from tenny_lsp.asking import register_asking
from tenny_lsp.diagnostics import register_diagnostics
from tenny_lsp.dialects import DialectProtocol
from tenny_lsp.documents import Documents, View
from tenny_lsp.features.completion import prepare
from tenny_lsp.features.hover import hover
from tenny_lsp.features.signature_help import signature_help
from tenny_lsp.mlx_api.index import ApiIndex, load_mlx_index
from tenny_lsp.model.answers import Answers
from tenny_lsp.model.protocol import TextModel
from tenny_lsp.reviewing import register_reviewing
from tenny_lsp.roasting import register_roasting
from tenny_lsp.settings import ModelSettings, Settings, own_section, read_settings
from tenny_lsp.translation import hover_of, signature_help_of
from tenny_lsp.writing import register_writing

LOGGER = logging.getLogger(__name__)

#: Makes the model that the settings name; None when there is none to use.
ModelFactory = Callable[[ModelSettings], TextModel | None]

# pygls ends lines at form feeds and at every Unicode separator too; the protocol only at these three.
TextDocument.lines = property(lambda self: tuple(io.StringIO(self.source, newline="")))  # type: ignore[method-assign,assignment]

_PYTHON_CELLS = lsp.NotebookDocumentSyncOptions(
    [lsp.NotebookDocumentFilterWithCells(cells=[lsp.NotebookCellLanguage("python")])]
)


class TennyServer(LanguageServer):
    """A language server for MLX code.

    Args:
        make_model (ModelFactory): Makes the model, at the start and when its settings change.
    """

    def __init__(self, make_model: ModelFactory) -> None:
        super().__init__("tenny-lsp", __version__, protocol_cls=DialectProtocol, notebook_document_sync=_PYTHON_CELLS)
        self.settings = Settings()
        self._make_model = make_model
        #: Who speaks; None while nobody does.
        self.model: TextModel | None = None
        self._answers = Answers()
        self._index: asyncio.Task[ApiIndex] | None = None
        self.documents = Documents(lambda: self.workspace)
        self._writing = register_writing(self)
        self.diagnostics = register_diagnostics(self)
        self.roasting = register_roasting(self)
        self.reviewing = register_reviewing(self)
        register_asking(self)
        self._closing: set[asyncio.Task[None]] = set()

    def configure(self, values: object) -> None:
        """Takes over an editor's settings; what has not changed goes on undisturbed."""
        settings, problems = read_settings(values)
        for problem in problems:
            LOGGER.warning("Setting ignored: %s", problem)
        before, self.settings = self.settings, settings
        if settings.python != before.python:
            self._index = None
        if self.model is None or settings.model != before.model:
            self._close_model()
            self.model = self._make_model(settings.model)

    async def index(self) -> ApiIndex:
        """Returns the index of the interpreter's MLX, read at the first call."""
        if self._index is None:
            python = folders.expanded(self.settings.python) if self.settings.python else None
            self._index = asyncio.create_task(asyncio.to_thread(_read_index, python))
        # Shielded: a hover that is cancelled must not cancel the index that others wait for.
        return await asyncio.shield(self._index)

    async def hover(self, params: lsp.HoverParams) -> lsp.Hover | None:
        """Returns the card under a position; None when it is not on an MLX name."""
        view = self.view(params.text_document.uri)
        offset = view.offset(params.position) if view is not None else 0
        if view is None or view.buffer.identifier_at(offset) is None:
            return None
        index = await self.index()
        inference = self.documents.inference(view, index)
        is_large = bool(self.settings.model.path)  # the embedded one is not
        card = await hover(view.buffer, offset, index, self._ask, inference, may_paraphrase=is_large)
        return hover_of(card, view, self.client_capabilities) if card is not None else None

    async def signature_help(self, params: lsp.SignatureHelpParams) -> lsp.SignatureHelp | None:
        """Returns what the call around a position takes; None when it is not of MLX."""
        view = self.view(params.text_document.uri)
        if view is None:
            return None
        inference = self.documents.inference(view, await self.index())
        help_ = signature_help(inference, view.offset(params.position))
        return signature_help_of(help_, self.client_capabilities) if help_ is not None else None

    def view(self, uri: str) -> View | None:
        """Returns a document as it is now; None when it was never opened and no readable file lies there either."""
        try:
            return self.documents.view(uri)
        except (OSError, ValueError):
            return None

    async def close(self) -> None:
        """Ends the model worker and waits for it."""
        await self._answers.close()
        await self._writing.close()
        await self.diagnostics.close()
        await self.roasting.close()
        self._close_model()
        await asyncio.gather(*self._closing)

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Logs an error instead of opening a window in the user's editor for it."""
        LOGGER.error("%s: %s", source.__name__, error, exc_info=error)

    async def _ask(self, prompt: str) -> str | None:
        if self.model is None:
            return None
        return await self._answers.within(prompt, self.model, self.settings.hover.deadline_ms / 1000)

    def _close_model(self) -> None:
        if self.model is not None:
            task = asyncio.create_task(self.model.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
            self.model = None


def _read_index(python: Path | None) -> ApiIndex:
    """Returns MLX's index, kept out of the garbage collector's way."""
    index = load_mlx_index(python)
    gc.freeze()  # index and protocol types live as long as the server; walking them stalls a hover by 40 ms
    return index


def create_server(make_model: ModelFactory) -> TennyServer:
    """Returns a server with every feature registered, ready to be started on stdio or TCP."""
    server = TennyServer(make_model)
    _follow_session(server)
    _follow_documents(server)
    _answer_requests(server)
    return server


def _follow_session(server: TennyServer) -> None:
    @server.feature(lsp.INITIALIZE)
    def initialize(params: lsp.InitializeParams) -> None:
        server.configure(params.initialization_options)

    @server.feature(lsp.INITIALIZED)
    async def initialized(_: lsp.InitializedParams) -> None:
        index = await server.index()  # not earlier: reading it would hold up the answer to initialize
        # Not waited for: whoever hangs up now would cancel this.
        asyncio.get_running_loop().run_in_executor(None, prepare, index)

    @server.feature(lsp.WORKSPACE_DID_CHANGE_CONFIGURATION)
    def did_change_configuration(params: lsp.DidChangeConfigurationParams) -> None:
        values = own_section(params.settings)
        if values is not None:
            server.configure(values)
            server.diagnostics.refresh()

    @server.feature(lsp.SHUTDOWN)
    async def shutdown(*_: object) -> None:
        await server.close()


def _follow_documents(server: TennyServer) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: lsp.DidCloseTextDocumentParams) -> None:
        server.documents.forget(params.text_document.uri)
        server.reviewing.clear(params.text_document.uri)
        server.diagnostics.forget(params.text_document.uri)

    @server.feature(lsp.NOTEBOOK_DOCUMENT_DID_CLOSE)
    def notebook_did_close(params: lsp.DidCloseNotebookDocumentParams) -> None:
        server.documents.forget(params.notebook_document.uri)
        for cell in params.cell_text_documents:
            server.diagnostics.forget(cell.uri)

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def did_change_folders(_: lsp.DidChangeWorkspaceFoldersParams) -> None:
        server.documents.forget_folders()


def _answer_requests(server: TennyServer) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    async def text_document_hover(params: lsp.HoverParams) -> lsp.Hover | None:
        return await server.hover(params)

    @server.feature(lsp.TEXT_DOCUMENT_SIGNATURE_HELP, lsp.SignatureHelpOptions(trigger_characters=["(", ","]))
    async def text_document_signature_help(params: lsp.SignatureHelpParams) -> lsp.SignatureHelp | None:
        return await server.signature_help(params)
