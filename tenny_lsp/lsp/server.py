"""The language server: LSP in, features, LSP out. Knows no MLX and no model, only who does."""

import asyncio
import logging
from typing import Any

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from tenny_lsp import __version__
from tenny_lsp.features.completion import prepare
from tenny_lsp.features.hover import hover
from tenny_lsp.features.signature_help import signature_help
from tenny_lsp.lsp.documents import Documents, View
from tenny_lsp.lsp.handlers.ask import register_asking
from tenny_lsp.lsp.handlers.completion import register_writing
from tenny_lsp.lsp.handlers.diagnostics import register_diagnostics
from tenny_lsp.lsp.handlers.review import register_reviewing
from tenny_lsp.lsp.handlers.roast import register_roasting
from tenny_lsp.lsp.indexes import Indexes
from tenny_lsp.lsp.protocol import TennyProtocol
from tenny_lsp.lsp.settings import Settings, own_section, read_settings
from tenny_lsp.lsp.speaker import ModelFactory, register_speaking
from tenny_lsp.lsp.status import Status
from tenny_lsp.lsp.to_lsp import hover_of, signature_help_of
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.model.answers import Answers
from tenny_lsp.model.protocol import TextModel

LOGGER = logging.getLogger(__name__)

_PYTHON_CELLS = lsp.NotebookDocumentSyncOptions(
    [lsp.NotebookDocumentFilterWithCells(cells=[lsp.NotebookCellLanguage("python")])]
)


class TennyServer(LanguageServer):
    """A language server for MLX code.

    Args:
        make_model (ModelFactory): Makes the model, at the start and when its settings change.
    """

    def __init__(self, make_model: ModelFactory) -> None:
        super().__init__("tenny-lsp", __version__, protocol_cls=TennyProtocol, notebook_document_sync=_PYTHON_CELLS)
        self.settings = Settings()
        self.status = Status(self)
        self.speaker = register_speaking(self, make_model)
        self._answers = Answers(on_end=self.status.fail)
        self.indexes = Indexes(self.status.tell)
        self.documents = Documents(lambda: self.workspace)
        self.writing = register_writing(self)
        self.diagnostics = register_diagnostics(self)
        self.roasting = register_roasting(self)
        self.reviewing = register_reviewing(self)
        register_asking(self)

    def configure(self, values: object) -> None:
        """Takes over an editor's settings; what has not changed goes on undisturbed."""
        settings, problems = read_settings(values)
        for problem in problems:
            LOGGER.warning("Setting ignored: %s", problem)
        self.settings = settings
        self.indexes.configure(settings.python)
        self.speaker.configure(settings.model)

    @property
    def model(self) -> TextModel | None:
        """Who speaks; None while nobody does."""
        return self.speaker.model

    async def follow_folders(self) -> None:
        """Asks the client for the interpreter of each folder, where there are several."""
        able, items = self.client_capabilities.workspace, []
        if able is not None and able.configuration and len(self.workspace.folders) > 1:
            items = [lsp.ConfigurationItem(uri, "tenny.python") for uri in self.workspace.folders]
        try:
            found = await self.workspace_configuration_async(lsp.ConfigurationParams(items)) if items else []
        except JsonRpcException as error:
            LOGGER.warning("The client does not say which interpreter each folder has: %s", error)
            found = []
        pairs = zip((item.scope_uri for item in items), found or (), strict=False)
        if self.indexes.follow({uri: python for uri, python in pairs if uri and python and isinstance(python, str)}):
            self.diagnostics.refresh()

    async def index(self, uri: str = "") -> ApiIndex:
        """Returns the index of the MLX that is meant in a document; without one, in the window."""
        return await self.indexes.of(uri)

    async def hover(self, params: lsp.HoverParams) -> lsp.Hover | None:
        """Returns the card under a position; None when it is not on an MLX name."""
        view = self.view(params.text_document.uri)
        offset = view.offset(params.position) if view is not None else 0
        if view is None or view.buffer.identifier_at(offset) is None:
            return None
        index = await self.index(view.uri)
        queries = self.documents.queries(view, index)
        is_large = self.settings.model.is_large
        card = await hover(view.buffer, offset, index, self._ask, queries, may_paraphrase=is_large)
        return hover_of(card, view, self.client_capabilities) if card is not None else None

    async def signature_help(self, params: lsp.SignatureHelpParams) -> lsp.SignatureHelp | None:
        """Returns what the call around a position takes; None when it is not of MLX."""
        view = self.view(params.text_document.uri)
        if view is None:
            return None
        queries = self.documents.queries(view, await self.index(view.uri))
        help_ = signature_help(queries, view.offset(params.position))
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
        await self.writing.close()
        await self.diagnostics.close()
        await self.roasting.close()
        await self.speaker.close()

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Logs an error instead of opening a window in the user's editor for it."""
        LOGGER.error("%s: %s", source.__name__, error, exc_info=error)

    async def _ask(self, prompt: str) -> str | None:
        if self.model is None:
            return None
        return await self._answers.within(prompt, self.model, self.settings.hover.deadline_ms / 1000)


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
        server.status.open()
        await server.follow_folders()
        index = await server.index()  # not earlier: reading it would hold up the answer to initialize
        # Not waited for: whoever hangs up now would cancel this.
        asyncio.get_running_loop().run_in_executor(None, prepare, index)

    @server.feature(lsp.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def did_change_configuration(params: lsp.DidChangeConfigurationParams) -> None:
        values = own_section(params.settings)
        if values is not None:
            server.configure(values)
            server.diagnostics.refresh()
        await server.follow_folders()

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
    async def did_change_folders(_: lsp.DidChangeWorkspaceFoldersParams) -> None:
        server.documents.forget_folders()
        await server.follow_folders()


def _answer_requests(server: TennyServer) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    async def text_document_hover(params: lsp.HoverParams) -> lsp.Hover | None:
        return await server.hover(params)

    @server.feature(lsp.TEXT_DOCUMENT_SIGNATURE_HELP, lsp.SignatureHelpOptions(trigger_characters=["(", ","]))
    async def text_document_signature_help(params: lsp.SignatureHelpParams) -> lsp.SignatureHelp | None:
        return await server.signature_help(params)
