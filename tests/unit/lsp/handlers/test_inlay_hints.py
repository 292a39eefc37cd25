"""``textDocument/inlayHint`` through its handler."""

from lsprotocol import types as lsp

from tenny_lsp.lsp.handlers import inlay_hints
from tests.unit.lsp.fakes import URI, Editor

CODE = """\
import mlx.core as mx
import mlx.nn as nn

x = mx.zeros((2, 3), dtype=mx.float16)
fc = nn.Linear(3, 5)
y = x @ mx.ones((3, 4))
print(fc(x))
unknown = load()
"""


async def hints(editor: Editor, first: int = 0, last: int = 99) -> list[tuple[int, int, object]]:
    span = lsp.Range(lsp.Position(first, 0), lsp.Position(last, 0))
    params = lsp.InlayHintParams(lsp.TextDocumentIdentifier(URI), span)
    found = await editor.request(lsp.TEXT_DOCUMENT_INLAY_HINT, params)
    return [(hint.position.line, hint.position.character, hint.label) for hint in found]


async def test_behind_assigned_arrays_and_calls_of_layers() -> None:
    editor = Editor(inlay_hints)
    editor.open(CODE)

    assert await hints(editor) == [(3, 1, ": (2, 3) float16"), (5, 1, ": (2, 4) float32"), (6, 11, "→ (2, 5)")]


async def test_only_in_the_lines_that_are_shown() -> None:
    editor = Editor(inlay_hints)
    editor.open(CODE)

    assert [line for line, _, _ in await hints(editor, 5, 6)] == [5]


async def test_none_where_they_are_off_or_nothing_is_open() -> None:
    editor = Editor(inlay_hints, options={"shapes": {"inlayHints": False}})

    assert await hints(editor) == []
    editor.open(CODE)
    assert await hints(editor) == []


async def test_a_client_that_shows_hints_is_told_to_ask_again() -> None:
    editor = Editor(inlay_hints, refreshes_hints=True)
    editor.open(CODE)

    editor.session.configure({"shapes": {"inlayHints": False}})
    editor.session.invalidate()

    assert editor.client.refreshed == ["hints"]
    assert await hints(editor) == []


async def test_one_that_cannot_is_not_told() -> None:
    editor = Editor(inlay_hints)

    editor.session.invalidate()

    assert editor.client.refreshed == []
