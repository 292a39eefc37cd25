"""Diagnostics through their handler: asked for, or published when the user pauses."""

import asyncio

import pytest
from lsprotocol import types as lsp

from tenny_lsp.lsp.handlers import diagnostics
from tests.unit.lsp.fakes import URI, Editor

CODE = "import mlx.core as mx\ny = mx.sum(mx.zeros(3), dim=0)\n"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnostics, "_DEBOUNCE_S", 0)


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
