"""A session without a process: handlers registered for real, with a client and a model that do as a test tells them."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer
from pygls.workspace import Workspace

from tenny_lsp.errors import TennyError
from tenny_lsp.lsp import slices
from tenny_lsp.lsp.client import Capabilities, Client, Report
from tenny_lsp.lsp.protocol import TennyProtocol
from tenny_lsp.lsp.session import Handler, Session
from tenny_lsp.lsp.settings import ModelSettings
from tenny_lsp.model.protocol import ALL_ABILITIES, Abilities, ModelState, Sampled, Sampling

URI = "file:///net.py"


class FakeClient(Client):
    """Keeps what it is asked to show and do; answers questions and edits as it is told."""

    def __init__(self, can: Capabilities) -> None:
        self.__dict__["can"] = can
        self.shown: list[str] = []
        self.asked: list[str] = []
        self.choices: deque[str | None] = deque()
        self.edits: list[lsp.TextEdit] = []
        self.accepts_edits = True
        self.published: list[tuple[str, list[str], int | None]] = []
        self.notified: list[dict[str, Any]] = []
        self.refreshed: list[str] = []
        self.titles: list[str] = []
        self.reports: list[tuple[int, int]] = []
        self.pythons: list[Any] | Exception = []

    def show(self, text: str) -> None:
        self.shown.append(text)

    async def ask(self, text: str, choices: Sequence[str]) -> str | None:
        self.asked.append(text)
        return self.choices.popleft() if self.choices else None

    async def apply_edit(self, uri: str, version: int | None, edit: lsp.TextEdit, label: str) -> bool:
        self.edits.append(edit)
        return self.accepts_edits

    async def configuration(self, section: str, uris: Sequence[str]) -> list[Any]:
        if isinstance(self.pythons, Exception):
            raise self.pythons
        return self.pythons

    def publish(self, uri: str, diagnostics: list[lsp.Diagnostic], version: int | None = None) -> None:
        self.published.append((uri, [diagnostic.message for diagnostic in diagnostics], version))

    def refresh_diagnostics(self) -> None:
        self.refreshed.append("diagnostics")

    def refresh_hints(self) -> None:
        self.refreshed.append("hints")

    def notify(self, method: str, values: dict[str, Any]) -> None:
        self.notified.append(values)

    @asynccontextmanager
    async def progress(self, title: str) -> AsyncIterator[Report]:
        self.titles.append(title)
        yield lambda done, total: self.reports.append((done, total))


class FakeModel:
    """A TextModel that gives the answers it was made with, the same one at last; an error among them is raised."""

    def __init__(self, *answers: str | TennyError, can: Abilities | None = None) -> None:
        self.answers = deque(answers)
        self.prompts: list[str] = []
        self.can = can or ALL_ABILITIES
        self.state = ModelState("idle")
        self.identity = f"fake {id(self)}"
        self.is_closed = self.has_begun_to_load = False
        self.adapter: Path | None = None
        self.scores: dict[str, float] = {}
        self.callbacks: list[Callable[[], None]] = []

    async def complete(self, prompt: str, *, max_tokens: int = 96) -> str:
        self.prompts.append(prompt)
        await asyncio.sleep(0)
        answer = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, TennyError):
            raise answer
        return answer

    async def write(self, text: str, *, max_tokens: int = 96) -> AsyncGenerator[str, None]:
        yield await self.complete(text)

    async def score(self, text: str, names: Sequence[str]) -> list[float]:
        self.prompts.append(text)
        return [self.scores.get(name, -20.0) for name in names]

    async def candidates(self, prompt: str, sampling: Sampling) -> AsyncIterator[Sampled]:
        yield Sampled(await self.complete(prompt))

    async def choose(self, prompt: str, answers: Sequence[str]) -> list[float]:
        return [1 / len(answers)] * len(answers)

    async def compare(self, prompts: Sequence[str], answer: str) -> list[float]:
        return [0.0] * len(prompts)

    def watch(self, callback: Callable[[], None]) -> None:
        self.callbacks.append(callback)

    def becomes(self, phase: str, reason: str = "") -> None:
        self.state = ModelState(phase, reason)
        for callback in self.callbacks:
            callback()

    def begin_to_load(self) -> None:
        self.has_begun_to_load = True

    async def load(self) -> None:
        if self.answers and isinstance(self.answers[0], TennyError):
            raise self.answers[0]
        self.becomes("ready")

    def with_adapter(self, adapter: Path | None) -> "FakeModel":
        self.adapter = adapter
        return self

    async def close(self) -> None:
        self.is_closed = True


class Editor:
    """An editor's side of a session that has begun.

    Args:
        handlers (Handler): The handlers that answer it.
        model (FakeModel, optional): The model. Default: there is none.
        writer (FakeModel, optional): The model that answers and remarks, if it is another.
        options (dict, optional): The initialization options.
        can (bool): The client's capabilities, by name.
    """

    def __init__(
        self,
        *handlers: Handler,
        model: FakeModel | None = None,
        writer: FakeModel | None = None,
        options: dict[str, Any] | None = None,
        **can: bool,
    ) -> None:
        server = LanguageServer("test", "1", protocol_cls=TennyProtocol)
        server.protocol._workspace = Workspace(None)
        self.server, self.client = server, FakeClient(Capabilities(**can))
        self.settings: list[ModelSettings] = []

        def make(settings: ModelSettings) -> FakeModel | None:
            self.settings.append(settings)
            return model

        self.session = Session(server, make, self.client, lambda settings: writer)  # type: ignore[arg-type,return-value]
        for handler in handlers:
            handler.register(server, self.session)
        self.session.configure(options)

    def open(self, text: str, uri: str = URI) -> None:
        """Open a Python document."""
        self.server.workspace.put_text_document(lsp.TextDocumentItem(uri, "python", 1, text))
        self.session.changed(uri)
        self.session.opened(uri)

    def edit(self, text: str, uri: str = URI) -> None:
        """Replace a document's whole text."""
        identifier = lsp.VersionedTextDocumentIdentifier(2, uri)
        change = lsp.TextDocumentContentChangeWholeDocument(text)
        self.server.workspace.update_text_document(identifier, change)
        self.session.changed(uri)

    def close(self, uri: str = URI) -> None:
        """Close a document."""
        self.server.workspace.remove_text_document(uri)
        self.session.closed(uri)

    async def idle(self) -> None:
        """Wait for what is being done in the background."""
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)

    async def request(self, method: str, params: object) -> Any:
        """Return the answer to a request."""
        return await self.server.protocol.fm.features[method](params)

    async def command(self, name: str, *arguments: object) -> Any:
        """Return the result of a command."""
        result = self.server.protocol.fm.commands[name](*arguments)
        return await result if asyncio.iscoroutine(result) else result

    async def at(self, method: str, kind: Callable[..., Any], line: int, character: int, **more: object) -> Any:
        """Return the answer to a request at a position of ``URI``."""
        place = lsp.Position(line, character)
        return await self.request(method, kind(text_document=lsp.TextDocumentIdentifier(URI), position=place, **more))


def use_shortest_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each pause of what runs in slices end one, and the loop turn once before the next."""
    monkeypatch.setattr(slices, "_SLICE_S", 0.0)
    monkeypatch.setattr(slices, "_LOOK_S", 0.0)
    monkeypatch.setattr(slices, "_TURNS", 1)
