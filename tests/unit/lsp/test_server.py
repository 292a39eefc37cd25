"""What the server says that it can do, before what does it has been imported."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcServerNotInitialized
from pygls.lsp.server import LanguageServer

from tenny_lsp.lsp.methods import COMMANDS, METHODS
from tenny_lsp.lsp.registration import register
from tenny_lsp.lsp.server import TennyServer, create_server
from tenny_lsp.lsp.slices import Slices

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"processId": None, "rootUri": None, "capabilities": {}, "initializationOptions": {"hover": {}}},
}


class Writer:
    """Keeps what the server writes."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)


@pytest.fixture
def server() -> Iterator[TennyServer]:
    started = create_server(lambda _: None)
    started.protocol.set_writer(Writer())  # type: ignore[arg-type]
    yield started
    started.shutdown()


def send(server: TennyServer, message: dict[str, Any]) -> None:
    server.protocol.handle_message(server.protocol.structure_message(message))


def test_what_is_declared_is_what_handlers_register() -> None:
    plain = LanguageServer("plain", "1")
    register(plain, Slices(), None, lambda _: None, None)

    assert set(plain.protocol.fm.features) == set(METHODS)
    assert set(plain.protocol.fm.commands) == set(COMMANDS)
    assert not plain.protocol.fm.feature_options, "options are declared in one place"


def test_capabilities_are_told_before_the_handlers_are_there(server: TennyServer) -> None:
    send(server, INITIALIZE)

    capabilities = server.protocol.server_capabilities
    assert capabilities.completion_provider == METHODS[lsp.TEXT_DOCUMENT_COMPLETION]
    assert capabilities.hover_provider and capabilities.inlay_hint_provider
    assert capabilities.execute_command_provider is not None
    assert capabilities.execute_command_provider.commands == list(COMMANDS)


async def test_the_next_message_registers_the_handlers(server: TennyServer) -> None:
    send(server, INITIALIZE)
    too_early = server.protocol.fm.features[lsp.TEXT_DOCUMENT_HOVER]
    item = {"uri": "file:///a.py", "languageId": "python", "version": 1, "text": "x"}
    send(server, {"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": item}})

    assert server.protocol.fm.features[lsp.TEXT_DOCUMENT_HOVER] is not too_early
    assert server.workspace.get_text_document("file:///a.py").source == "x"


def test_nothing_is_answered_before_the_session_begins(server: TennyServer) -> None:
    with pytest.raises(JsonRpcServerNotInitialized):
        server.protocol.fm.features[lsp.TEXT_DOCUMENT_HOVER](None)


def test_an_end_without_a_session_imports_nothing(server: TennyServer) -> None:
    send(server, INITIALIZE)
    with pytest.raises(SystemExit):
        server.protocol.writer = None
        send(server, {"jsonrpc": "2.0", "method": "exit"})

    assert server.protocol.before_next is not None


def test_the_start_imports_neither_features_nor_rules() -> None:
    code = "import sys, tenny_lsp.wiring; tenny_lsp.wiring.make_server(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    late = ("features", "inference", "mlx_api", "pitfalls", "source", "lsp.session", "lsp.handlers")
    assert not [name for name in loaded if name.removeprefix("tenny_lsp.").startswith(late)]
