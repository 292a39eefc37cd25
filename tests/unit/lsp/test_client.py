"""What clients announce, and how each is asked for things."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException, JsonRpcInternalError

from tenny_lsp.lsp.client import Capabilities, Client

EDIT = lsp.TextEdit(lsp.Range(lsp.Position(0, 0), lsp.Position(0, 0)), "# hello\n")
REFUSED = JsonRpcInternalError("no")


class Progress:
    """pygls' progress, of a client that agrees unless it is told otherwise."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.tokens: dict[str, Future[None]] = {}
        self.said: list[object] = []

    async def create_async(self, token: str) -> None:
        if self.failure is not None:
            raise self.failure
        self.tokens[token] = Future()

    def begin(self, _token: str, value: object) -> None:
        self.said.append(value)

    report = end = begin


class Server:
    """The calls of pygls' server that a client's side makes."""

    def __init__(self, answer: Any = None, **capabilities: Any) -> None:
        self.answer = answer
        self.client_capabilities = lsp.ClientCapabilities(**capabilities)
        self.sent: list[Any] = []
        self.work_done_progress = Progress()

    def window_show_message(self, params: lsp.ShowMessageParams) -> None:
        self.sent.append(params.message)

    async def window_show_message_request_async(self, params: lsp.ShowMessageRequestParams) -> Any:
        return self._answered(params)

    async def workspace_apply_edit_async(self, params: lsp.ApplyWorkspaceEditParams) -> Any:
        return self._answered(params)

    async def workspace_configuration_async(self, params: lsp.ConfigurationParams) -> Any:
        return self._answered(params)

    def _answered(self, params: Any) -> Any:
        self.sent.append(params)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def client(server: Server) -> Client:
    return Client(server)  # type: ignore[arg-type]


def test_a_client_that_says_nothing_can_do_nothing_but_read_markdown() -> None:
    assert Capabilities.of(lsp.ClientCapabilities()) == Capabilities()


@pytest.mark.parametrize(
    ("capabilities", "name"),
    [
        (
            {"text_document": lsp.TextDocumentClientCapabilities(diagnostic=lsp.DiagnosticClientCapabilities())},
            "pulls_diagnostics",
        ),
        (
            {
                "text_document": lsp.TextDocumentClientCapabilities(
                    code_action=lsp.CodeActionClientCapabilities(
                        resolve_support=lsp.ClientCodeActionResolveOptions(properties=["edit"])
                    )
                )
            },
            "resolves_edits",
        ),
        (
            {
                "workspace": lsp.WorkspaceClientCapabilities(
                    workspace_edit=lsp.WorkspaceEditClientCapabilities(document_changes=True)
                )
            },
            "versions_edits",
        ),
        ({"workspace": lsp.WorkspaceClientCapabilities(configuration=True)}, "has_configuration"),
        ({"window": lsp.WindowClientCapabilities(work_done_progress=True)}, "shows_progress"),
        ({"experimental": {"serverStatusNotification": True}}, "wants_status"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_capability_is_one_boolean(capabilities: dict[str, Any], name: str) -> None:
    found = Capabilities.of(lsp.ClientCapabilities(**capabilities))

    assert getattr(found, name) is True
    assert found == Capabilities(**{name: True})


def test_the_first_format_decides_and_hovers_decide_for_the_rest() -> None:
    plain, markdown = lsp.MarkupKind.PlainText, lsp.MarkupKind.Markdown
    item = lsp.ClientCompletionItemOptions(documentation_format=[markdown, plain])
    document = lsp.TextDocumentClientCapabilities(
        hover=lsp.HoverClientCapabilities(content_format=[plain, markdown]),
        completion=lsp.CompletionClientCapabilities(completion_item=item),
    )

    found = Capabilities.of(lsp.ClientCapabilities(text_document=document))

    assert not found.reads_markdown and not found.reads_markdown_in_signatures
    assert found.reads_markdown_in_completions


async def test_a_question_returns_the_button() -> None:
    server = Server(lsp.MessageActionItem("Again"))

    assert await client(server).ask("Well?", ["Again", "Dismiss"]) == "Again"
    assert [item.title for item in server.sent[0].actions] == ["Again", "Dismiss"]
    assert await client(Server(None)).ask("Well?", ["Again"]) is None


async def test_a_client_that_cannot_ask_shows_the_text() -> None:
    server = Server(REFUSED)

    assert await client(server).ask("Well?", ["Again"]) is None
    assert server.sent[1] == "Well?"


async def test_edits_name_the_version_where_the_client_can_tell() -> None:
    able = lsp.WorkspaceClientCapabilities(workspace_edit=lsp.WorkspaceEditClientCapabilities(document_changes=True))
    versioned = Server(lsp.ApplyWorkspaceEditResult(True), workspace=able)
    plain = Server(lsp.ApplyWorkspaceEditResult(True))

    assert await client(versioned).apply_edit("file:///a.py", 7, EDIT, "Edit")
    assert await client(plain).apply_edit("file:///a.py", 7, EDIT, "Edit")

    assert versioned.sent[0].edit.document_changes[0].text_document.version == 7
    assert plain.sent[0].edit.changes == {"file:///a.py": [EDIT]}


@pytest.mark.parametrize("answer", [lsp.ApplyWorkspaceEditResult(False), REFUSED], ids=["not applied", "refused"])
async def test_an_edit_that_is_not_made_is_no_error(answer: object) -> None:
    assert not await client(Server(answer)).apply_edit("file:///a.py", 7, EDIT, "Edit")


async def test_configuration_of_folders() -> None:
    server = Server(["/one", None])

    assert await client(server).configuration("tenny.python", ["file:///1", "file:///2"]) == ["/one", None]
    assert [item.scope_uri for item in server.sent[0].items] == ["file:///1", "file:///2"]
    with pytest.raises(JsonRpcException):
        await client(Server(REFUSED)).configuration("tenny.python", ["file:///1"])


def showing() -> Server:
    return Server(window=lsp.WindowClientCapabilities(work_done_progress=True))


async def test_progress_is_begun_reported_and_ended() -> None:
    server = showing()

    async with client(server).progress("Working") as report:
        report(1, 4)

    begin, step, end = server.work_done_progress.said
    assert isinstance(begin, lsp.WorkDoneProgressBegin) and begin.title == "Working" and begin.cancellable
    assert isinstance(step, lsp.WorkDoneProgressReport) and (step.percentage, step.message) == (25, "1 of 4")
    assert isinstance(end, lsp.WorkDoneProgressEnd)
    assert server.work_done_progress.tokens == {}


async def test_the_button_cancels_the_task() -> None:
    server, started = showing(), asyncio.Event()

    async def work() -> None:
        async with client(server).progress("Working"):
            started.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await started.wait()
    (token,) = server.work_done_progress.tokens.values()
    token.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)
    assert isinstance(server.work_done_progress.said[-1], lsp.WorkDoneProgressEnd)


@pytest.mark.parametrize("make", [Server, showing], ids=["unable", "refusing"])
async def test_without_progress_the_work_goes_on(make: Callable[[], Server]) -> None:
    server = make()
    server.work_done_progress.failure = REFUSED

    async with client(server).progress("Working") as report:
        report(1, 2)

    assert server.work_done_progress.said == []
