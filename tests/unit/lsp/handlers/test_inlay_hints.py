"""``textDocument/inlayHint`` through its handler."""

import asyncio

import pytest
from lsprotocol import types as lsp

from tenny_lsp.inference.shapes.values import Array
from tenny_lsp.lsp.handlers import inlay_hints
from tests.unit.lsp.fakes import URI, Editor, use_shortest_slices

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


async def test_other_questions_are_answered_while_hints_are_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    use_shortest_slices(monkeypatch)
    editor = Editor(inlay_hints)
    editor.open(CODE)
    view = editor.session.view(URI)
    assert view is not None
    queries = await editor.session.queries(view)
    asked = asyncio.create_task(hints(editor))

    seen = list[tuple[bool, object]]()
    while not asked.done():
        found = queries.shapes.array_at(CODE.index("y ="))
        seen.append((asked.done(), found.array if found is not None else None))
        await asyncio.sleep(0)

    assert len(seen) > 2
    assert set(seen) == {(False, Array((2, 4), "float32"))}
    assert await asked == await hints(editor)


async def test_what_is_asked_after_a_cancelled_request_is_answered_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    use_shortest_slices(monkeypatch)
    editor = Editor(inlay_hints)
    for slices in range(12):
        editor.open(f"import mlx.core as mx\n\ndef f(a):\n    b = a + 1\n\nf(mx.zeros((2, 3)))\n# {slices}\n")
        asked = asyncio.create_task(hints(editor))
        for _ in range(slices + 1):
            await asyncio.sleep(0)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)

        assert await hints(editor) == [(3, 5, ": (2, 3) float32")], slices


async def test_hints_that_take_too_long_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inlay_hints, "_MOST_S", 0.0)
    editor = Editor(inlay_hints)
    editor.open(CODE)

    assert await hints(editor) == []
