"""One connection to an editor: its documents, indexes, settings, model, diagnostics and status.

Handlers take a session; it knows none of them. They add themselves to ``Callbacks`` to hear of documents and settings.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from tenny_lsp.errors import TennyError
from tenny_lsp.inference.queries import Queries
from tenny_lsp.lsp.client import Client
from tenny_lsp.lsp.documents import Documents, View
from tenny_lsp.lsp.indexes import Indexes
from tenny_lsp.lsp.pitfall_cache import PitfallCache
from tenny_lsp.lsp.publisher import Publisher
from tenny_lsp.lsp.settings import Settings, read_settings
from tenny_lsp.lsp.slices import Slices
from tenny_lsp.lsp.speaker import ModelFactory, Speaker, no_writer
from tenny_lsp.lsp.status import ServerStatus, Status, server_status
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.model.protocol import TextModel
from tenny_lsp.pitfalls.rule import Pitfall

LOGGER = logging.getLogger(__name__)

#: Returns the code actions for a range of a document.
CodeActions = Callable[[lsp.CodeActionParams], Awaitable[list[lsp.CodeAction]]]


@dataclass(frozen=True, slots=True)
class Callbacks:
    """What handlers want called, in the order in which they were registered.

    Args:
        opened (list[Callable[[str], None]]): With the URI of a document, or of a notebook's cell, that was opened.
        changed (list[Callable[[str], None]]): With the URI of one that was opened or edited.
        typed (list[Callable[[str, lsp.Position], None]]): With the URI of one in which a character was typed, and the
            position behind it.
        saved (list[Callable[[str], None]]): With the URI of one that was saved.
        closed (list[Callable[[str], None]]): With the URI of one that was closed.
        invalidated (list[Callable[[], None]]): When settings or interpreters have changed: every answer may be another.
        shutdown (list[Callable[[], Awaitable[None]]]): At the end of the session.
        code_actions (list[CodeActions]): For the code actions of a range.
    """

    opened: list[Callable[[str], None]] = field(default_factory=list)
    changed: list[Callable[[str], None]] = field(default_factory=list)
    typed: list[Callable[[str, lsp.Position], None]] = field(default_factory=list)
    saved: list[Callable[[str], None]] = field(default_factory=list)
    closed: list[Callable[[str], None]] = field(default_factory=list)
    invalidated: list[Callable[[], None]] = field(default_factory=list)
    shutdown: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    code_actions: list[CodeActions] = field(default_factory=list)


class Session:
    """One connection to an editor.

    Args:
        server (LanguageServer): The connection.
        make_model (ModelFactory): Makes the model, at the start and when its settings change.
        client (Client, optional): The editor. Default: the one that the server is connected to.
        make_writer (ModelFactory): Makes the model that writes, if it is to be another.
        slices (Slices, optional): Runs what takes long. Default: knows nothing of what the client sends.
    """

    def __init__(
        self,
        server: LanguageServer,
        make_model: ModelFactory,
        client: Client | None = None,
        make_writer: ModelFactory = no_writer,
        slices: Slices | None = None,
    ) -> None:
        self._server = server
        self._failure = ""
        self.client = client or Client(server)
        self.settings = Settings()
        self.callbacks = Callbacks()
        self.status = Status(self.client, self._describe)
        self.publisher = Publisher(self.client.publish)
        self.indexes = Indexes(self.status.update)
        self.speaker = Speaker(make_model, self.note_failure, make_writer)
        self.documents = Documents(lambda: server.workspace)
        self.slices = slices or Slices()
        self._pitfalls = PitfallCache(self.documents, self.slices)

    @property
    def model(self) -> TextModel | None:
        """The model; None while there is none."""
        return self.speaker.model

    def configure(self, values: object) -> None:
        """Take over an editor's settings; what has not changed goes on undisturbed."""
        self.settings, problems = read_settings(values)
        for problem in problems:
            LOGGER.warning("Setting ignored: %s", problem)
        self.indexes.configure(self.settings.python)
        self.speaker.configure(self.settings.model, self.settings.roast)
        self._pitfalls.configure(self.settings.pitfalls)

    async def follow_folders(self) -> None:
        """Ask the client for the interpreter of each folder, where there are several."""
        folders = list(self._server.workspace.folders)
        pythons: list[object] = []
        if self.client.can.has_configuration and len(folders) > 1:
            try:
                pythons = await self.client.configuration("tenny.python", folders)
            except JsonRpcException as error:
                LOGGER.warning("The client does not say which interpreter each folder has: %s", error)
        pairs = zip(folders, pythons, strict=False)
        if self.indexes.follow({uri: python for uri, python in pairs if python and isinstance(python, str)}):
            self.invalidate()

    def invalidate(self) -> None:
        """Tell the handlers that settings or interpreters have changed."""
        for callback in self.callbacks.invalidated:
            callback()

    def view(self, uri: str) -> View | None:
        """Return a document as it is now; None when it was never opened and no readable file lies there either."""
        try:
            return self.documents.view(uri)
        except (OSError, ValueError):
            return None

    async def index(self, uri: str = "") -> ApiIndex:
        """Return the index of the MLX that is meant in a document; without one, in the window."""
        return await self.indexes.of(uri)

    async def queries(self, view: View) -> Queries:
        """Return what answers questions about the names in a document."""
        return self.documents.queries(view, await self.index(view.uri))

    async def pitfalls(self, view: View) -> list[Pitfall]:
        """Return the pitfalls of a document, or of a whole notebook."""
        return await self._pitfalls.pitfalls(view, await self.index(view.uri))

    def told_by_shapes(self, view: View) -> list[Pitfall]:
        """Return those of the pitfalls of a document that shapes tell."""
        return self._pitfalls.told_by_shapes(view)

    async def check_shapes(self, view: View) -> bool:
        """Find what the shapes of a document tell, in slices; return whether its pitfalls are now others."""
        return await self._pitfalls.check_shapes(view, await self.index(view.uri))

    async def fixed(self, view: View) -> str:
        """Return the text of a document with every safe fix applied."""
        return self._pitfalls.fixed(view, await self.index(view.uri))

    def note_failure(self, error: TennyError | None) -> None:
        """Keep why the last question to the model failed, None if it did not, for the status."""
        self._failure = str(error) if error is not None else ""
        self.status.update()

    def opened(self, uri: str) -> None:
        """Tell the handlers of a document that was opened."""
        for callback in self.callbacks.opened:
            callback(uri)

    def changed(self, uri: str) -> None:
        """Tell the handlers of a document that was opened or edited."""
        for callback in self.callbacks.changed:
            callback(uri)

    def typed(self, uri: str, position: lsp.Position) -> None:
        """Tell the handlers of a character that was typed, with the position behind it."""
        for callback in self.callbacks.typed:
            callback(uri, position)

    def saved(self, uri: str) -> None:
        """Tell the handlers of a document that was saved."""
        for callback in self.callbacks.saved:
            callback(uri)

    def closed(self, uri: str) -> None:
        """Drop what is kept of a closed document and tell the handlers."""
        self.forget(uri)
        for callback in self.callbacks.closed:
            callback(uri)

    def forget(self, uri: str) -> None:
        """Drop what is kept of a closed document or notebook."""
        self.documents.forget(uri)
        self._pitfalls.forget(uri)

    async def close(self) -> None:
        """End the work of every handler, then the model."""
        for shutdown in self.callbacks.shutdown:
            await shutdown()
        await self.speaker.close()

    def _describe(self) -> ServerStatus:
        speaker = self.speaker
        about = (speaker.state, speaker.base, speaker.why_none or speaker.why_no_writer, self._failure)
        return server_status(self.indexes.read, self.indexes.python, *about)


class Handler(Protocol):
    """A module of ``lsp.handlers``: the methods and commands of one feature.

    Example::

        \"\"\"Answer ``textDocument/documentColor``: the colours in a document.\"\"\"

        def register(server: LanguageServer, session: Session) -> None:
            @server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_COLOR)
            async def document_color(params: lsp.DocumentColorParams) -> list[lsp.ColorInformation]:
                view = session.view(params.text_document.uri)
                return to_lsp(colours(view.buffer)) if view is not None else []

    Only ``async def`` can be cancelled. Drop what is kept of a document when ``session.callbacks.closed`` are called.
    """

    def register(self, server: LanguageServer, session: Session) -> None:
        """Register what it answers with the server."""
