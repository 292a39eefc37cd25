"""Pitfalls, between the protocol and the feature: diagnostics, asked for or told, and code actions that fix them."""

import asyncio
import gc
import logging
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp

from tenny_lsp.lsp.documents import View
from tenny_lsp.lsp.handlers.roast import ROAST, wants
from tenny_lsp.pitfalls.check import Rules
from tenny_lsp.pitfalls.edits import Edit, Fix
from tenny_lsp.pitfalls.fixes import edits_between, fixed, ignoring
from tenny_lsp.pitfalls.rule import Pitfall
from tenny_lsp.pitfalls.while_typing import TypingCheck, check_while_typing

if TYPE_CHECKING:
    from tenny_lsp.lsp.server import TennyServer

LOGGER = logging.getLogger(__name__)

FIX_ALL = "source.fixAll.tenny"
#: Seconds without a keystroke after which a client that does not ask is told.
_PAUSE_S = 0.2
_SEVERITIES = {
    "error": lsp.DiagnosticSeverity.Error,
    "warning": lsp.DiagnosticSeverity.Warning,
    "information": lsp.DiagnosticSeverity.Information,
}
_OPTIONS = lsp.DiagnosticOptions(inter_file_dependencies=True, workspace_diagnostics=False, identifier="Tenny")
_ACTIONS = lsp.CodeActionOptions([lsp.CodeActionKind.QuickFix, FIX_ALL, ROAST], resolve_provider=True)


class Diagnostics:
    """Tells a client of the pitfalls in its documents.

    Args:
        server (TennyServer): Who has the documents, the index and the settings.
    """

    def __init__(self, server: "TennyServer") -> None:
        self._server = server
        self._rules: tuple[object, Rules] | None = None
        self._found: dict[str, TypingCheck] = {}
        self._waiting: dict[str, asyncio.Task[None]] = {}
        self._told: set[str] = set()
        self._said: dict[str, list[lsp.Diagnostic]] = {}

    async def report(self, uri: str) -> lsp.RelatedFullDocumentDiagnosticReport:
        """Returns the diagnostics of a document, for a client that asks."""
        view = self._server.view(uri)
        return lsp.RelatedFullDocumentDiagnosticReport(await self._diagnostics(view, uri) if view is not None else [])

    def changed(self, uri: str) -> None:
        """Has a client that does not ask told of a document's pitfalls, when its user pauses."""
        if self._asks:
            return
        self._told.add(uri)
        if (task := self._waiting.pop(uri, None)) is not None:
            task.cancel()
        self._waiting[uri] = asyncio.create_task(self._tell_soon(uri))

    def forget(self, uri: str) -> None:
        """Takes back what a client was told of a document that is closed."""
        self._found.pop(uri, None)
        if (task := self._waiting.pop(uri, None)) is not None:
            task.cancel()
        self._said.pop(uri, None)
        if uri in self._told:
            self._told.discard(uri)
            self.publish(uri)

    def publish(self, uri: str, version: int | None = None) -> None:
        """Tells a client of the remarks on a document, and of its pitfalls if it does not ask for these."""
        found = [*self._said.get(uri, ()), *self._server.reviewing.diagnostics(uri)]
        self._server.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, found, version))

    def refresh(self) -> None:
        """Has every document looked at anew, as after a change of the settings."""
        for uri in sorted(self._told):
            self.changed(uri)
        workspace = self._server.client_capabilities.workspace
        if self._asks and workspace and workspace.diagnostics and workspace.diagnostics.refresh_support:
            self._server.workspace_diagnostic_refresh(None)

    async def close(self) -> None:
        """Ends what is under way."""
        tasks = list(self._waiting.values())
        self._waiting.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def actions(self, params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        """Returns what puts the pitfalls of a range right, and all that is safe to put right at once."""
        uri, only = params.text_document.uri, params.context.only
        view = self._server.view(uri)
        if view is None:
            return []
        found = [pitfall for pitfall in await self.pitfalls(view) if _lies_in(view, pitfall, uri)]
        actions: list[lsp.CodeAction] = []
        if wants(only, lsp.CodeActionKind.QuickFix.value):
            for pitfall in found:
                if _meet(_range(view, pitfall), params.range):
                    actions += _quick_fixes(view, pitfall)
        if wants(only, FIX_ALL) and any(fix.is_safe for pitfall in found for fix in pitfall.fixes):
            action = lsp.CodeAction("Fix all MLX pitfalls that are safe to fix", FIX_ALL, data={"uri": uri})
            actions.append(action if self._resolves else await self.resolved(action))
        return actions

    async def resolved(self, action: lsp.CodeAction) -> lsp.CodeAction:
        """Returns a code action with its edit, which takes several looks at the text."""
        data: Any = action.data
        view = self._server.view(data["uri"]) if isinstance(data, dict) and "uri" in data else None
        if view is not None and action.edit is None:
            index = await self._server.index(view.uri)
            read = partial(self._server.documents.read, uri=view.uri, index=index)
            after = fixed(view.buffer, self._selected(), lambda text: read(text).evaluator)
            action.edit = _workspace_edit(view, edits_between(view.buffer.text, after))
        return action

    async def _tell_soon(self, uri: str) -> None:
        await asyncio.sleep(_PAUSE_S)
        view = self._server.view(uri)
        if view is not None:
            self._said[uri] = await self._diagnostics(view, uri)
            self.publish(uri, view.documents[view.cell].version)

    async def _diagnostics(self, view: View, uri: str) -> list[lsp.Diagnostic]:
        return [_diagnostic(view, found) for found in await self.pitfalls(view) if _lies_in(view, found, uri)]

    async def pitfalls(self, view: View) -> list[Pitfall]:
        """Returns the pitfalls of a document, or of a whole notebook."""
        index, rules = await self._server.index(view.uri), self._selected()
        kept = self._found.get(view.uri)
        if kept is None or kept.buffer is not view.buffer or kept.checked.rules is not rules:
            read = partial(self._server.documents.read_as, view, index)
            gc.disable()  # the many nodes that are read would have it walk all that the server keeps
            try:
                kept = self._found[view.uri] = check_while_typing(view.buffer, rules, read, kept)
            finally:
                gc.enable()
        return kept.pitfalls

    def _selected(self) -> Rules:
        settings = self._server.settings.pitfalls
        if self._rules is None or self._rules[0] != settings:
            self._rules = settings, Rules(settings.select, settings.ignore)
            if self._rules[1].unknown:
                LOGGER.warning("There are no pitfalls called %s", ", ".join(self._rules[1].unknown))
        return self._rules[1]

    @property
    def _asks(self) -> bool:
        document = self._server.client_capabilities.text_document
        return document is not None and document.diagnostic is not None

    @property
    def _resolves(self) -> bool:
        document = self._server.client_capabilities.text_document
        support = document.code_action.resolve_support if document is not None and document.code_action else None
        return support is not None and "edit" in support.properties


def _lies_in(view: View, pitfall: Pitfall, uri: str) -> bool:
    return view.located(pitfall.start)[0].uri == uri


def _range(view: View, pitfall: Pitfall) -> lsp.Range:
    return view.range(pitfall.start, pitfall.end)


def _diagnostic(view: View, pitfall: Pitfall) -> lsp.Diagnostic:
    return lsp.Diagnostic(
        _range(view, pitfall),
        pitfall.message,
        _SEVERITIES[pitfall.severity],
        pitfall.code,
        lsp.CodeDescription(pitfall.link),
        "Tenny",
    )


def _quick_fixes(view: View, pitfall: Pitfall) -> Iterator[lsp.CodeAction]:
    diagnostic = _diagnostic(view, pitfall)
    ignore = ignoring(view.buffer, pitfall)
    for fix in (*pitfall.fixes, *([ignore] if ignore is not None else [])):
        is_preferred = fix.is_safe and fix == pitfall.fixes[0]
        yield _quick_fix(view, fix, diagnostic, is_preferred)


def _quick_fix(view: View, fix: Fix, diagnostic: lsp.Diagnostic, is_preferred: bool) -> lsp.CodeAction:
    edit = _workspace_edit(view, fix.edits)
    return lsp.CodeAction(fix.title, lsp.CodeActionKind.QuickFix, [diagnostic], is_preferred or None, edit=edit)


def _workspace_edit(view: View, edits: Iterable[Edit]) -> lsp.WorkspaceEdit:
    """Returns edits of a buffer as those of the documents, or the cells, that they lie in."""
    changes: dict[str, list[lsp.TextEdit]] = {}
    for edit in edits:
        document, _ = view.located(edit.start)
        changes.setdefault(document.uri, []).append(lsp.TextEdit(view.range(edit.start, edit.end), edit.text))
    return lsp.WorkspaceEdit(changes)


def _meet(one: lsp.Range, other: lsp.Range) -> bool:
    return one.start <= other.end and other.start <= one.end


def register_diagnostics(server: "TennyServer") -> Diagnostics:
    """Returns what tells of pitfalls, having been registered with a server."""
    diagnostics = Diagnostics(server)

    @server.feature(lsp.TEXT_DOCUMENT_DIAGNOSTIC, _OPTIONS)
    async def document_diagnostic(params: lsp.DocumentDiagnosticParams) -> lsp.RelatedFullDocumentDiagnosticReport:
        return await diagnostics.report(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def did_open(params: lsp.DidOpenTextDocumentParams) -> None:
        diagnostics.changed(params.text_document.uri)
        server.writing.opened(params.text_document.uri)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(params: lsp.DidChangeTextDocumentParams) -> None:
        diagnostics.changed(params.text_document.uri)
        server.reviewing.changed(params.text_document.uri)

    @server.feature(lsp.NOTEBOOK_DOCUMENT_DID_OPEN)
    def notebook_did_open(params: lsp.DidOpenNotebookDocumentParams) -> None:
        for cell in params.cell_text_documents:
            diagnostics.changed(cell.uri)

    @server.feature(lsp.NOTEBOOK_DOCUMENT_DID_CHANGE)
    def notebook_did_change(params: lsp.DidChangeNotebookDocumentParams) -> None:
        notebook = server.workspace.get_notebook_document(notebook_uri=params.notebook_document.uri)
        for cell in notebook.cells if notebook is not None else ():
            diagnostics.changed(cell.document)
            server.reviewing.changed(cell.document)

    @server.feature(lsp.TEXT_DOCUMENT_CODE_ACTION, _ACTIONS)
    async def code_action(params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        return [*await diagnostics.actions(params), *server.roasting.actions(params)]

    @server.feature(lsp.CODE_ACTION_RESOLVE)
    async def code_action_resolve(action: lsp.CodeAction) -> lsp.CodeAction:
        return await diagnostics.resolved(action)

    return diagnostics
