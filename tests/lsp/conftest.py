"""A real server process for each module of tests, in a cache and data folder of its own."""

import os
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_lsp
from lsprotocol import types as lsp
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

HOME = Path(tempfile.mkdtemp(prefix="tenny-lsp-tests-"))
ENVIRONMENT = {
    **os.environ,
    "XDG_CACHE_HOME": str(HOME / "cache"),
    "XDG_DATA_HOME": str(HOME / "data"),
    "XDG_RUNTIME_DIR": str(HOME / "run"),
}
SERVER = [sys.executable, "-m", "tenny_lsp", "serve"]
FACTS_ONLY = {"model": {"enabled": False}}


def initialize_params(options: object = FACTS_ONLY, encodings: list[str] | None = None) -> lsp.InitializeParams:
    """Returns what a client says first; like VS Code unless told other position encodings."""
    capabilities = client_capabilities("visual-studio-code")
    if encodings is not None:
        general = capabilities.general or lsp.GeneralClientCapabilities()
        general.position_encodings = [lsp.PositionEncodingKind(encoding) for encoding in encodings]
        capabilities.general = general
    return lsp.InitializeParams(capabilities=capabilities, initialization_options=options)


@pytest_lsp.fixture(scope="module", config=ClientServerConfig(server_command=SERVER, server_env=ENVIRONMENT))
async def client(lsp_client: LanguageClient) -> AsyncIterator[None]:
    """A client of a server that speaks facts only."""
    await lsp_client.initialize_session(initialize_params())
    yield
    await lsp_client.shutdown_session()


def open_document(client: LanguageClient, uri: str, text: str) -> None:
    """Opens Python text under an URI."""
    item = lsp.TextDocumentItem(uri=uri, language_id="python", version=1, text=text)
    client.text_document_did_open(lsp.DidOpenTextDocumentParams(text_document=item))


def at(text: str) -> tuple[str, lsp.Position]:
    """Returns text without its cursor mark ``‸``, and where the mark stood, in UTF-16 units."""
    before, _, after = text.partition("‸")
    line = before.rsplit("\n", 1)[-1]
    return before + after, lsp.Position(before.count("\n"), len(line.encode("utf-16-le")) // 2)


async def hover(client: LanguageClient, uri: str, position: lsp.Position) -> lsp.Hover | None:
    """Returns what the server answers to a hover."""
    document = lsp.TextDocumentIdentifier(uri=uri)
    return await client.text_document_hover_async(lsp.HoverParams(text_document=document, position=position))
