"""Code actions through their handler: fixes of pitfalls, and what others offer."""

from lsprotocol import types as lsp

from tenny_lsp.lsp.handlers import code_actions, roast
from tests.unit.lsp.fakes import URI, Editor

CODE = "import mlx.core as mx\ny = mx.sum(mx.zeros(3), dim=0)  # TODO: tidy up\n"
LINE = lsp.Range(lsp.Position(1, 0), lsp.Position(1, 50))


async def actions(editor: Editor, *only: str, range_: lsp.Range = LINE) -> list[lsp.CodeAction]:
    context = lsp.CodeActionContext([], list(only) or None)
    params = lsp.CodeActionParams(lsp.TextDocumentIdentifier(URI), range_, context)
    found: list[lsp.CodeAction] = await editor.request(lsp.TEXT_DOCUMENT_CODE_ACTION, params)
    return found


def changed(action: lsp.CodeAction) -> list[str]:
    assert action.edit is not None and action.edit.changes is not None
    return [edit.new_text for edit in action.edit.changes[URI]]


async def test_a_fix_an_ignoring_comment_and_all_fixes_at_once() -> None:
    editor = Editor(code_actions)
    editor.open(CODE)

    fix, ignore, fix_all = await actions(editor)

    assert (fix.title, fix.is_preferred, changed(fix)) == ("Write axis=", True, ["axis"])
    assert (ignore.title, ignore.is_preferred) == ("Ignore dim-keyword here", None)
    assert fix_all.kind == "source.fixAll.tenny" and "axis=0" in "".join(changed(fix_all))
    assert fix.diagnostics is not None and fix.diagnostics[0].code == "dim-keyword"


async def test_the_edit_of_all_fixes_is_resolved_by_clients_that_can() -> None:
    editor = Editor(code_actions, resolves_edits=True)
    editor.open(CODE)

    (action,) = await actions(editor, "source.fixAll")
    assert action.edit is None and action.data == {"uri": URI}
    resolved = await editor.request(lsp.CODE_ACTION_RESOLVE, action)

    assert "axis=0" in "".join(changed(resolved))


async def test_a_strange_action_is_resolved_as_it_is() -> None:
    strange = lsp.CodeAction("Mine", data={"uri": "file:///gone.py"})

    assert await Editor(code_actions).request(lsp.CODE_ACTION_RESOLVE, strange) == strange


async def test_only_what_is_asked_for_and_only_in_the_range() -> None:
    editor = Editor(code_actions)
    editor.open(CODE)
    top = lsp.Range(lsp.Position(0, 0), lsp.Position(0, 3))

    assert [action.kind for action in await actions(editor, "quickfix")] == ["quickfix", "quickfix"]
    assert await actions(editor, "refactor.extract") == []
    assert [action.kind for action in await actions(editor, range_=top)] == ["source.fixAll.tenny"]


async def test_other_handlers_actions_come_after_the_fixes() -> None:
    editor = Editor(code_actions, roast)
    editor.open(CODE)
    comment = lsp.Range(lsp.Position(1, 36), lsp.Position(1, 36))

    kinds = [action.kind for action in await actions(editor, range_=comment)]

    assert kinds == ["source.fixAll.tenny", "refactor.rewrite.tenny"]


async def test_a_document_that_is_not_there_has_none() -> None:
    assert await actions(Editor(code_actions, roast)) == []
