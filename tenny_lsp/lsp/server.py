"""The language server: creates the session, registers every handler, and follows the client's documents."""

import asyncio
import logging
import sys
from typing import Any, BinaryIO

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from tenny_lsp import __version__
from tenny_lsp.features.completion import prepare
from tenny_lsp.lsp.framing import frames
from tenny_lsp.lsp.handlers import (
    ask,
    code_actions,
    completion,
    diagnostics,
    hover,
    inlay_hints,
    inline_completion,
    model,
    review,
    roast,
    signature_help,
)
from tenny_lsp.lsp.protocol import TennyProtocol
from tenny_lsp.lsp.session import Handler, Session
from tenny_lsp.lsp.settings import own_section
from tenny_lsp.lsp.speaker import ModelFactory, no_writer

LOGGER = logging.getLogger(__name__)

#: A file for each method of the protocol, or group of commands. The order is that of the code actions and of shutdown.
HANDLERS: tuple[Handler, ...] = (
    hover,
    completion,
    inline_completion,
    signature_help,
    inlay_hints,
    diagnostics,
    code_actions,
    roast,
    review,
    ask,
    model,
)
_PYTHON_CELLS = lsp.NotebookDocumentSyncOptions(
    [lsp.NotebookDocumentFilterWithCells(cells=[lsp.NotebookCellLanguage("python")])]
)


class TennyServer(LanguageServer):
    """pygls' server; logs errors instead of showing them, and reads what real editors write."""

    def start_io(self, stdin: BinaryIO | None = None, stdout: BinaryIO | None = None) -> None:
        """Serve on two streams, by default this process's own, until the editor hangs up."""
        super().start_io(frames(stdin or sys.stdin.buffer), stdout)

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Log an error instead of opening a window in the user's editor for it."""
        LOGGER.error("%s: %s", source.__name__, error, exc_info=error)


def create_server(make_model: ModelFactory, make_writer: ModelFactory = no_writer) -> TennyServer:
    """Return a server with every handler registered, ready to be started on stdio or TCP.

    Args:
        make_model (ModelFactory): Makes the model, at the start and when its settings change.
        make_writer (ModelFactory): Makes the model that answers and remarks, if it is to be another.
    """
    server = TennyServer("tenny-lsp", __version__, protocol_cls=TennyProtocol, notebook_document_sync=_PYTHON_CELLS)
    session = Session(server, make_model, make_writer=make_writer)
    _register_lifecycle(server, session)
    _register_documents(server, session)
    for handler in HANDLERS:
        handler.register(server, session)
    return server


def _register_lifecycle(server: LanguageServer, session: Session) -> None:
    @server.feature(lsp.INITIALIZE)
    def initialize(params: lsp.InitializeParams) -> None:
        session.configure(params.initialization_options)

    @server.feature(lsp.INITIALIZED)
    async def initialized(_: lsp.InitializedParams) -> None:
        session.status.open()
        await session.follow_folders()
        index = await session.index()  # not earlier: reading it would hold up the answer to initialize
        # Not waited for: whoever hangs up now would cancel this.
        asyncio.get_running_loop().run_in_executor(None, prepare, index)

    @server.feature(lsp.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def did_change_configuration(params: lsp.DidChangeConfigurationParams) -> None:
        values = own_section(params.settings)
        if values is not None:
            session.configure(values)
            session.invalidate()
        await session.follow_folders()

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    async def did_change_folders(_: lsp.DidChangeWorkspaceFoldersParams) -> None:
        session.documents.forget_folders()
        await session.follow_folders()

    @server.feature(lsp.SHUTDOWN)
    async def shutdown(*_: object) -> None:
        await session.close()


def _register_documents(server: LanguageServer, session: Session) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def did_open(params: lsp.DidOpenTextDocumentParams) -> None:
        session.changed(params.text_document.uri)
        session.opened(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(params: lsp.DidChangeTextDocumentParams) -> None:
        session.changed(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: lsp.DidCloseTextDocumentParams) -> None:
        session.closed(params.text_document.uri)

    @server.feature(lsp.NOTEBOOK_DOCUMENT_DID_OPEN)
    def notebook_did_open(params: lsp.DidOpenNotebookDocumentParams) -> None:
        for cell in params.cell_text_documents:
            session.changed(cell.uri)

    @server.feature(lsp.NOTEBOOK_DOCUMENT_DID_CHANGE)
    def notebook_did_change(params: lsp.DidChangeNotebookDocumentParams) -> None:
        notebook = server.workspace.get_notebook_document(notebook_uri=params.notebook_document.uri)
        for cell in notebook.cells if notebook is not None else ():
            session.changed(cell.document)

    @server.feature(lsp.NOTEBOOK_DOCUMENT_DID_CLOSE)
    def notebook_did_close(params: lsp.DidCloseNotebookDocumentParams) -> None:
        session.forget(params.notebook_document.uri)
        for cell in params.cell_text_documents:
            session.closed(cell.uri)
