"""Answer ``textDocument/codeAction`` and ``codeAction/resolve``: fixes of pitfalls, and what other handlers offer."""

from collections.abc import Iterator
from typing import Any

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from tenny_lsp.lsp.documents import View
from tenny_lsp.lsp.methods import FIX_ALL_KIND
from tenny_lsp.lsp.session import Session
from tenny_lsp.lsp.to_lsp import diagnostic_of, is_in, is_wanted, workspace_edit
from tenny_lsp.pitfalls.fixes import edits_between, ignoring
from tenny_lsp.pitfalls.rule import Pitfall


class FixHandler:
    """Offers the fixes of pitfalls."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def actions(self, params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        """Return the fixes of the pitfalls in a range, and one action for all the safe fixes of the document."""
        uri, only = params.text_document.uri, params.context.only
        view = self._session.view(uri)
        if view is None:
            return []
        found = [pitfall for pitfall in await self._session.pitfalls(view) if is_in(pitfall, view, uri)]
        actions: list[lsp.CodeAction] = []
        if is_wanted(lsp.CodeActionKind.QuickFix.value, only):
            for pitfall in found:
                if _overlap(view.range(pitfall.start, pitfall.end), params.range):
                    actions += _quick_fixes(pitfall, view)
        if is_wanted(FIX_ALL_KIND, only) and any(fix.is_safe for pitfall in found for fix in pitfall.fixes):
            action = lsp.CodeAction("Fix all MLX pitfalls that are safe to fix", FIX_ALL_KIND, data={"uri": uri})
            actions.append(action if self._session.client.can.resolves_edits else await self.resolve(action))
        return actions

    async def resolve(self, action: lsp.CodeAction) -> lsp.CodeAction:
        """Return a code action with its edit, computed only now: fixing a whole document checks it several times."""
        data: Any = action.data
        view = self._session.view(data["uri"]) if isinstance(data, dict) and "uri" in data else None
        if view is not None and action.edit is None:
            after = await self._session.fixed(view)
            action.edit = workspace_edit(edits_between(view.buffer.text, after), view)
        return action


def _quick_fixes(pitfall: Pitfall, view: View) -> Iterator[lsp.CodeAction]:
    diagnostic = diagnostic_of(pitfall, view)
    ignore = ignoring(view.buffer, pitfall)
    for fix in (*pitfall.fixes, *([ignore] if ignore is not None else [])):
        is_preferred = (fix.is_safe and fix == pitfall.fixes[0]) or None
        edit = workspace_edit(fix.edits, view)
        yield lsp.CodeAction(fix.title, lsp.CodeActionKind.QuickFix, [diagnostic], is_preferred, edit=edit)


def _overlap(one: lsp.Range, other: lsp.Range) -> bool:
    return one.start <= other.end and other.start <= one.end


def register(server: LanguageServer, session: Session) -> None:
    """Register the requests with the server."""
    handler = FixHandler(session)
    session.callbacks.code_actions.append(handler.actions)

    @server.feature(lsp.TEXT_DOCUMENT_CODE_ACTION)
    async def code_action(params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        return [action for actions in session.callbacks.code_actions for action in await actions(params)]

    @server.feature(lsp.CODE_ACTION_RESOLVE)
    async def code_action_resolve(action: lsp.CodeAction) -> lsp.CodeAction:
        return await handler.resolve(action)
