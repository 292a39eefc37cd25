"""Diagnostics through their handler: asked for, or published when the user pauses."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types as lsp

from tenny_lsp.lsp import pitfall_cache, shape_checks
from tenny_lsp.lsp.handlers import diagnostics
from tests.unit.lsp.fakes import URI, Editor, use_shortest_slices

CODE = "import mlx.core as mx\ny = mx.sum(mx.zeros(3), dim=0)\n"
SHAPES = "import mlx.core as mx\n\nx = mx.zeros((2, 3))\ny = x @ x\n"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnostics, "_DEBOUNCE_S", 0)
    monkeypatch.setattr(shape_checks, "_QUIET_S", 0)
    use_shortest_slices(monkeypatch)


async def codes(editor: Editor) -> list[str]:
    params = lsp.DocumentDiagnosticParams(lsp.TextDocumentIdentifier(URI))
    report = await editor.request(lsp.TEXT_DOCUMENT_DIAGNOSTIC, params)
    return [str(found.code) for found in report.items]


async def published(editor: Editor, count: int) -> list[tuple[str, int, int | None]]:
    """Returns the first publications: the document, the number of diagnostics, the version."""
    while len(editor.client.published) < count:
        await asyncio.sleep(0.001)
    return [(uri, len(messages), version) for uri, messages, version in editor.client.published]


async def test_a_client_that_asks_is_answered_and_told_nothing() -> None:
    editor = Editor(diagnostics, pulls_diagnostics=True)
    editor.open(CODE)

    assert await codes(editor) == ["dim-keyword"]
    editor.edit("import mlx.core as mx\n")
    assert await codes(editor) == []
    assert editor.client.published == []


async def test_a_document_that_is_not_there_has_none() -> None:
    assert await codes(Editor(diagnostics)) == []


async def test_a_client_that_does_not_ask_is_told_and_untold() -> None:
    editor = Editor(diagnostics)
    editor.open(CODE)
    assert await published(editor, 1) == [(URI, 1, 1)]

    editor.edit("import mlx.core as mx\n")
    assert (await published(editor, 2))[1] == (URI, 0, 2)
    editor.close()
    assert (await published(editor, 3))[2] == (URI, 0, None)


async def test_only_the_last_of_several_edits_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnostics, "_DEBOUNCE_S", 0.01)
    editor = Editor(diagnostics)
    editor.open(CODE)
    editor.edit("import mlx.core as mx\n")

    assert await published(editor, 1) == [(URI, 0, 2)]


async def test_settings_that_change_what_is_shown() -> None:
    editor = Editor(diagnostics)
    editor.open(CODE)
    await published(editor, 1)

    editor.session.configure({"pitfalls": {"ignore": ["dim-keyword", "no-such-pitfall"]}})
    editor.session.invalidate()

    assert (await published(editor, 2))[1] == (URI, 0, 1)


async def test_a_client_that_asks_is_told_to_ask_again() -> None:
    editor = Editor(diagnostics, pulls_diagnostics=True, refreshes_diagnostics=True)

    editor.session.invalidate()

    assert editor.client.refreshed == ["diagnostics"]


async def test_closing_ends_what_is_scheduled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnostics, "_DEBOUNCE_S", 60)
    editor = Editor(diagnostics)
    editor.open(CODE)

    await asyncio.wait_for(editor.session.close(), 5)

    assert editor.client.published == []


async def refreshed(editor: Editor, count: int) -> None:
    while len(editor.client.refreshed) < count:
        await asyncio.sleep(0.001)


async def until_quiet(editor: Editor) -> None:
    """Wait until nothing is scheduled any more: one task is the test's own."""
    while len(asyncio.all_tasks()) > 1:
        await asyncio.sleep(0.001)


async def test_shapes_are_told_after_the_pause_and_untold_when_they_fit() -> None:
    editor = Editor(diagnostics)
    editor.open(SHAPES)

    assert await published(editor, 2) == [(URI, 0, 1), (URI, 1, 1)]
    assert "shapes" in editor.client.published[1][1][0]
    editor.edit(SHAPES.replace("x @ x", "x @ x.T"))
    await until_quiet(editor)
    assert [found[1] for found in await published(editor, 3)][2:] == [0]


async def test_a_client_that_asks_asks_again_for_shapes() -> None:
    editor = Editor(diagnostics, pulls_diagnostics=True, refreshes_diagnostics=True)
    editor.open(SHAPES)

    assert await codes(editor) == []
    await refreshed(editor, 1)
    assert await codes(editor) == ["shape-mismatch"]
    await until_quiet(editor)
    assert editor.client.refreshed == ["diagnostics"]
    assert editor.client.published == []


async def test_a_client_that_asks_but_cannot_be_told_to_gets_shapes_unasked() -> None:
    editor = Editor(diagnostics, pulls_diagnostics=True)
    editor.open(SHAPES + "z = mx.sum(x, dim=0)\n")

    assert await published(editor, 1) == [(URI, 1, 1)]
    assert await codes(editor) == ["dim-keyword"]

    editor.edit("# A comment.\n" + SHAPES + "z = mx.sum(x, dim=0)\n")
    assert await published(editor, 2) == [(URI, 1, 1), (URI, 1, 2)]
    await until_quiet(editor)
    editor.edit(SHAPES.replace("x @ x", "x @ x.T"))
    editor.close()
    assert [len(messages) for _, messages, _ in editor.client.published] == [1, 1, 0, 0]


async def test_nothing_is_told_again_that_has_been_told(monkeypatch: pytest.MonkeyPatch) -> None:
    editor = Editor(diagnostics, pulls_diagnostics=True, refreshes_diagnostics=True)
    editor.open(SHAPES)
    await refreshed(editor, 1)

    editor.edit("# A comment.\n" + SHAPES)
    assert await codes(editor) == ["shape-mismatch"], "carried over"
    await until_quiet(editor)
    editor.session.saved(URI)
    await until_quiet(editor)

    assert editor.client.refreshed == ["diagnostics"]


async def test_an_edit_ends_the_check_of_the_text_before(monkeypatch: pytest.MonkeyPatch) -> None:
    searched = list[str]()
    find = pitfall_cache.shape_pitfalls

    def noted(evaluator: Any, rules: Any, checked: Any, pause: Any) -> Any:
        text = evaluator.buffer.text
        searched.append("begun" if text == SHAPES else "begun again")
        found = find(evaluator, rules, checked, pause)
        searched.append("ended" if text == SHAPES else "ended again")
        return found

    monkeypatch.setattr(pitfall_cache, "shape_pitfalls", noted)
    editor = Editor(diagnostics, pulls_diagnostics=True, refreshes_diagnostics=True)
    editor.open(SHAPES)
    while not searched:
        await asyncio.sleep(0)
    editor.edit("import mlx.core as mx\n\n\n" + SHAPES.replace("x @ x", "x @ x.T @ x.T"))
    assert await codes(editor) == []
    await refreshed(editor, 1)

    assert searched == ["begun", "begun again", "ended again"]
    params = lsp.DocumentDiagnosticParams(lsp.TextDocumentIdentifier(URI))
    (found,) = (await editor.request(lsp.TEXT_DOCUMENT_DIAGNOSTIC, params)).items
    assert found.range.start.line == 6


async def test_a_text_that_does_not_parse_is_not_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    editor = Editor(diagnostics, pulls_diagnostics=True, refreshes_diagnostics=True)
    editor.open(SHAPES + "z = (\n")

    await until_quiet(editor)

    assert editor.client.refreshed == []
    assert await codes(editor) == []


async def test_settings_that_ignore_shapes() -> None:
    editor = Editor(diagnostics)
    editor.open(SHAPES)
    await published(editor, 2)

    editor.session.configure({"pitfalls": {"ignore": ["shape-mismatch"]}})
    editor.session.invalidate()

    assert (await published(editor, 3))[2] == (URI, 0, 1)
    await until_quiet(editor)
    assert len(editor.client.published) == 3


async def test_a_saved_file_is_read_again_by_those_that_import_it(tmp_path: Path) -> None:
    made, used = tmp_path / "made.py", tmp_path / "used.py"
    made.write_text("import mlx.core as mx\n\nw = mx.zeros((3, 4))\n", "utf-8")
    text = "import mlx.core as mx\nfrom made import w\n\ny = mx.zeros((2, 3)) @ w\n"
    used.write_text(text, "utf-8")
    editor = Editor(diagnostics, pulls_diagnostics=True, refreshes_diagnostics=True)
    editor.open(text, used.as_uri())
    await until_quiet(editor)
    assert editor.client.refreshed == []

    made.write_text("import mlx.core as mx\n\nw = mx.zeros((5, 4))\n# changed\n", "utf-8")
    editor.session.saved(made.as_uri())

    await refreshed(editor, 1)


async def test_closing_ends_the_check_of_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shape_checks, "_QUIET_S", 60)
    editor = Editor(diagnostics, pulls_diagnostics=True, refreshes_diagnostics=True)
    editor.open(SHAPES)
    editor.close()

    await asyncio.sleep(0)

    assert len(asyncio.all_tasks()) == 1, "the test's own"


async def test_the_check_stops_where_a_file_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pitfall_cache, "_MOST_S", 0.0)
    editor = Editor(diagnostics, pulls_diagnostics=True, refreshes_diagnostics=True)
    editor.open(SHAPES)

    await until_quiet(editor)

    assert editor.client.refreshed == []
