"""The language server as it starts: it says what it can do, and imports what does it at the message after that."""

import gc
import logging
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcServerNotInitialized
from pygls.lsp.server import LanguageServer

from tenny_lsp import __version__
from tenny_lsp.lsp.ending import end_soon
from tenny_lsp.lsp.framing import frames
from tenny_lsp.lsp.methods import COMMANDS, METHODS
from tenny_lsp.lsp.protocol import TennyProtocol
from tenny_lsp.lsp.slices import Slices
from tenny_lsp.lsp.stdio import Arrivals, can_be_polled, serve_pipes
from tenny_lsp.lsp.tcp import serve_tcp

if TYPE_CHECKING:
    from tenny_lsp.lsp.speaker import ModelFactory

LOGGER = logging.getLogger(__name__)

_PYTHON_CELLS = lsp.NotebookDocumentSyncOptions(
    [lsp.NotebookDocumentFilterWithCells(cells=[lsp.NotebookCellLanguage("python")])]
)


class TennyServer(LanguageServer):
    """pygls' server; answers ``initialize`` before its handlers are imported, and logs errors instead of showing them.

    Args:
        make_model (ModelFactory): As ``create_server`` takes it.
        make_writer (ModelFactory, optional): As ``create_server`` takes it.
    """

    protocol: TennyProtocol

    def __init__(self, make_model: "ModelFactory", make_writer: "ModelFactory | None") -> None:
        super().__init__("tenny-lsp", __version__, protocol_cls=TennyProtocol, notebook_document_sync=_PYTHON_CELLS)
        self._models = make_model, make_writer
        self._slices = Slices()
        for method, options in METHODS.items():
            self.feature(method, options)(_too_early)
        for command in COMMANDS:
            self.command(command)(_too_early)

        @self.feature(lsp.INITIALIZE)
        def initialize(params: lsp.InitializeParams) -> None:
            self.protocol.before_next = partial(self._register_handlers, params.initialization_options)

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Log an error instead of opening a window in the user's editor for it."""
        LOGGER.error("%s: %s", source.__name__, error, exc_info=error)

    def start_io(self, stdin: BinaryIO | None = None, stdout: BinaryIO | None = None) -> None:
        """Serve on standard input and output, or on what is given in their place."""
        if stdin is None and stdout is None and can_be_polled():
            arrivals = Arrivals()
            self._slices = Slices(arrivals)
            serve_pipes(self, arrivals)
        elif stdin is None:
            super().start_io(frames(sys.stdin.buffer, end_soon), stdout)
        else:
            super().start_io(frames(stdin), stdout)

    def start_tcp(self, host: str, port: int) -> None:
        """Serve one client on TCP; for what is raised, see ``serve_tcp``."""
        serve_tcp(self, host, port)

    def _register_handlers(self, options: object) -> None:
        """Import the handlers, which takes longer than all that ``initialize`` needs, and register them."""
        gc.disable()  # hundreds of classes and tables: looking for garbage among them costs a tenth of the time
        from tenny_lsp.lsp.registration import register

        gc.enable()
        self.protocol.unregister(METHODS, COMMANDS)
        register(self, self._slices, options, *self._models)


def create_server(make_model: "ModelFactory", make_writer: "ModelFactory | None" = None) -> TennyServer:
    """Return a server, ready to be started on stdio or TCP.

    Args:
        make_model (ModelFactory): Makes the model, when the session begins and when its settings change.
        make_writer (ModelFactory, optional): Makes the model that answers and remarks, if it is to be another.
    """
    return TennyServer(make_model, make_writer)


def _too_early(*_: object) -> None:
    raise JsonRpcServerNotInitialized
