"""The editor at the other end: what it can do, resolved once to booleans, and what it is asked to show or do."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from tenny_lsp.features.safe_markdown import safe_message
from tenny_lsp.model.waiting import within

if TYPE_CHECKING:
    from concurrent.futures import Future

#: Called with the number of finished steps and the number of all steps.
Report = Callable[[int, int], None]

#: The capability that rust-analyzer named; clients that have it show ``experimental/serverStatus``.
_STATUS_CAPABILITY = "serverStatusNotification"
#: A client that has not agreed to show progress within so many seconds does without.
_PROGRESS_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a client can do.

    Args:
        pulls_diagnostics (bool): It asks for diagnostics; otherwise they are published.
        refreshes_diagnostics (bool): It asks for all diagnostics again when it is told to.
        refreshes_hints (bool): It asks for inlay hints again when it is told to.
        resolves_edits (bool): It asks for a code action's edit when the action is chosen.
        versions_edits (bool): It refuses edits of another version of a document.
        shows_progress (bool): It shows the progress of work, and lets its user cancel it.
        has_configuration (bool): It answers ``workspace/configuration``.
        wants_status (bool): It shows ``experimental/serverStatus``.
        reads_markdown (bool): Its hovers show Markdown; otherwise plain text.
        reads_markdown_in_completions (bool): Its completions' documentation shows Markdown.
        reads_markdown_in_signatures (bool): Its signature help shows Markdown.
        has_snippets (bool): Completions may insert snippets.
        has_preselect (bool): A completion may be preselected.
        has_label_details (bool): A completion shows details beside its name.
        has_deprecated_tag (bool): A completion may be tagged as deprecated.
        has_deprecated (bool): A completion may be marked as deprecated in the older way.
    """

    pulls_diagnostics: bool = False
    refreshes_diagnostics: bool = False
    refreshes_hints: bool = False
    resolves_edits: bool = False
    versions_edits: bool = False
    shows_progress: bool = False
    has_configuration: bool = False
    wants_status: bool = False
    reads_markdown: bool = True
    reads_markdown_in_completions: bool = True
    reads_markdown_in_signatures: bool = True
    has_snippets: bool = False
    has_preselect: bool = False
    has_label_details: bool = False
    has_deprecated_tag: bool = False
    has_deprecated: bool = False

    @classmethod
    def of(cls, client: lsp.ClientCapabilities) -> "Capabilities":
        """Return the capabilities that a client announced; where it says nothing, it can do nothing."""
        document = client.text_document or lsp.TextDocumentClientCapabilities()
        workspace = client.workspace or lsp.WorkspaceClientCapabilities()
        completion = document.completion or lsp.CompletionClientCapabilities()
        item = completion.completion_item or lsp.ClientCompletionItemOptions()
        signature = document.signature_help.signature_information if document.signature_help else None
        resolve = document.code_action.resolve_support if document.code_action else None
        tags = item.tag_support.value_set if item.tag_support else ()
        hover_formats = document.hover.content_format if document.hover else None
        return cls(
            pulls_diagnostics=document.diagnostic is not None,
            refreshes_diagnostics=bool(workspace.diagnostics and workspace.diagnostics.refresh_support),
            refreshes_hints=bool(workspace.inlay_hint and workspace.inlay_hint.refresh_support),
            resolves_edits=resolve is not None and "edit" in resolve.properties,
            versions_edits=bool(workspace.workspace_edit and workspace.workspace_edit.document_changes),
            shows_progress=bool(client.window and client.window.work_done_progress),
            has_configuration=bool(workspace.configuration),
            wants_status=_wants_status(client.experimental),
            reads_markdown=_prefers_markdown(hover_formats),
            reads_markdown_in_completions=_prefers_markdown(item.documentation_format, hover_formats),
            reads_markdown_in_signatures=_prefers_markdown(
                signature.documentation_format if signature else None, hover_formats
            ),
            has_snippets=bool(item.snippet_support),
            has_preselect=bool(item.preselect_support),
            has_label_details=bool(item.label_details_support),
            has_deprecated_tag=lsp.CompletionItemTag.Deprecated in tags,
            has_deprecated=bool(item.deprecated_support),
        )


class Client:
    """The client of one session: shows and does what it is asked to."""

    def __init__(self, server: LanguageServer) -> None:
        self._server = server

    @cached_property
    def can(self) -> Capabilities:
        """What the client can do; not to be read before it has said so in ``initialize``."""
        return Capabilities.of(self._server.client_capabilities)

    def show(self, text: str) -> None:
        """Show a message; its links lead to the web or nowhere."""
        self._server.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Info, safe_message(text)))

    async def ask(self, text: str, choices: Sequence[str]) -> str | None:
        """Show a message with buttons and return the one that is pressed; None when it is dismissed.

        A client that cannot ask shows the text alone, which is as good as dismissed.
        """
        items = [lsp.MessageActionItem(choice) for choice in choices]
        message = lsp.ShowMessageRequestParams(lsp.MessageType.Info, safe_message(text), items)
        try:
            chosen = await self._server.window_show_message_request_async(message)
        except JsonRpcException:  # not every editor can ask, and of those that cannot not every one announces it
            self.show(text)
            return None
        return chosen.title if chosen is not None else None

    async def apply_edit(self, uri: str, version: int | None, edit: lsp.TextEdit, label: str) -> bool:
        """Edit one version of a document and return whether the client did."""
        if self.can.versions_edits:
            document = lsp.OptionalVersionedTextDocumentIdentifier(uri, version)
            changes = lsp.WorkspaceEdit(document_changes=[lsp.TextDocumentEdit(document, [edit])])
        else:
            changes = lsp.WorkspaceEdit({uri: [edit]})
        try:
            return (await self._server.workspace_apply_edit_async(lsp.ApplyWorkspaceEditParams(changes, label))).applied
        except JsonRpcException:  # so says an editor whose user was asked, and refused
            return False

    async def configuration(self, section: str, uris: Sequence[str]) -> list[Any]:
        """Return a section of the settings for each of some folders.

        Raises:
            JsonRpcException: The client does not say.
        """
        items = [lsp.ConfigurationItem(uri, section) for uri in uris]
        return list(await self._server.workspace_configuration_async(lsp.ConfigurationParams(items)) or ())

    def publish(self, uri: str, diagnostics: list[lsp.Diagnostic], version: int | None = None) -> None:
        """Replace the published diagnostics of a document."""
        self._server.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, diagnostics, version))

    def refresh_diagnostics(self) -> None:
        """Have the client ask for all diagnostics again."""
        self._server.workspace_diagnostic_refresh(None)

    def refresh_hints(self) -> None:
        """Have the client ask for the inlay hints of all documents again."""
        self._server.workspace_inlay_hint_refresh(None)

    def notify(self, method: str, values: dict[str, Any]) -> None:
        """Send a notification that is not part of the protocol."""
        self._server.protocol.notify(method, values)

    @asynccontextmanager
    async def progress(self, title: str) -> AsyncIterator[Report]:
        """Show the progress of the current task while the block runs; its user may cancel the task."""
        token = uuid4().hex
        if not await self._shows_progress(token):
            yield _report_to_nobody
            return
        shown, task = self._server.work_done_progress, asyncio.current_task()

        def cancel(answer: "Future[None]") -> None:
            if answer.cancelled() and task is not None:
                task.cancel()

        def report(done: int, total: int) -> None:
            percentage = 100 * done // max(total, 1)
            shown.report(token, lsp.WorkDoneProgressReport(message=f"{done} of {total}", percentage=percentage))

        shown.tokens[token].add_done_callback(cancel)
        shown.begin(token, lsp.WorkDoneProgressBegin(title, cancellable=True, percentage=0))
        try:
            yield report
        finally:
            shown.end(token, lsp.WorkDoneProgressEnd())
            shown.tokens.pop(token, None)

    async def _shows_progress(self, token: str) -> bool:
        if not self.can.shows_progress:
            return False
        try:
            await within(_PROGRESS_TIMEOUT_S, self._server.work_done_progress.create_async(token))
        except (asyncio.TimeoutError, JsonRpcException):  # the work goes on without progress
            return False
        return True


def _report_to_nobody(_done: int, _total: int) -> None:
    """Stand in for the report of a client that shows no progress."""


def _prefers_markdown(*formats: Sequence[lsp.MarkupKind] | None) -> bool:
    """Return whether Markdown is the first choice in the first of some lists that says anything."""
    said = next(filter(None, formats), None)
    return said is None or said[0] != lsp.MarkupKind.PlainText


def _wants_status(experimental: Any) -> bool:
    if isinstance(experimental, dict):
        return bool(experimental.get(_STATUS_CAPABILITY))
    return bool(getattr(experimental, _STATUS_CAPABILITY, False))
