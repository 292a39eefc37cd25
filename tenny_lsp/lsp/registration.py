"""Begin a session: register every handler, and follow the client's documents and settings."""

import asyncio

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from tenny_lsp.features.completion import prepare
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
from tenny_lsp.lsp.session import Handler, Session
from tenny_lsp.lsp.settings import own_section
from tenny_lsp.lsp.slices import Slices
from tenny_lsp.lsp.speaker import ModelFactory, no_writer

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


def register(
    server: LanguageServer,
    slices: Slices,
    options: object,
    make_model: ModelFactory,
    make_writer: ModelFactory | None,
) -> Session:
    """Begin a session and register every handler.

    Args:
        server (LanguageServer): The connection to the editor, which has been initialized.
        slices (Slices): Runs what takes long, and knows when the client has sent something.
        options (object): The editor's initialization options: settings.
        make_model (ModelFactory): Makes the model.
        make_writer (ModelFactory, optional): Makes the model that answers and remarks, if it is to be another.
    """
    session = Session(server, make_model, make_writer=make_writer or no_writer, slices=slices)
    _register_lifecycle(server, session)
    _register_documents(server, session)
    for handler in HANDLERS:
        handler.register(server, session)
    session.configure(options)
    return session


def _register_lifecycle(server: LanguageServer, session: Session) -> None:
    @server.feature(lsp.INITIALIZED)
    async def initialized(_: lsp.InitializedParams) -> None:
        session.status.open()
        await session.follow_folders()
        try:
            index = await session.index()
        except asyncio.CancelledError:
            return  # the client has hung up; pygls would log it as an error
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
        last = params.content_changes[-1] if params.content_changes else None
        if isinstance(last, lsp.TextDocumentContentChangePartial) and len(last.text) == 1 and last.text != "\n":
            place = last.range.start
            session.typed(params.text_document.uri, lsp.Position(place.line, place.character + 1))

    @server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    def did_save(params: lsp.DidSaveTextDocumentParams) -> None:
        session.saved(params.text_document.uri)

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
