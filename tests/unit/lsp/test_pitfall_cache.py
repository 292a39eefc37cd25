"""The pitfalls of open documents are found in slices: other requests go on, and what is found is the same."""

import asyncio
from typing import Any

import pytest
from lsprotocol import types as lsp

from tenny_lsp.lsp import pitfall_cache
from tenny_lsp.lsp.handlers import hover
from tenny_lsp.pitfalls.rule import Pitfall
from tests.unit.lsp.fakes import URI, Editor, use_shortest_slices

CODE = "import mlx.core as mx\n\n\ndef f(x):\n    return mx.sum(mx.zeros(3), dim=0)\n\n\ny = mx.softmax(f(1), dim=1)\n"


@pytest.fixture(autouse=True)
def _shortest_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    use_shortest_slices(monkeypatch)


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts of which a check has begun."""
    texts, check = list[str](), pitfall_cache.check_while_typing

    def noted(buffer: Any, *others: Any) -> Any:
        texts.append(buffer.text)
        return check(buffer, *others)

    monkeypatch.setattr(pitfall_cache, "check_while_typing", noted)
    return texts


async def pitfalls(editor: Editor) -> list[Pitfall]:
    view = editor.session.view(URI)
    assert view is not None
    return await editor.session.pitfalls(view)


async def test_a_hover_does_not_wait_for_the_check_of_another_document() -> None:
    editor = Editor(hover)
    editor.open(CODE)
    editor.open("import mlx.core as mx\n\nmx.exp\n", "file:///other.py")
    checking = asyncio.create_task(pitfalls(editor))
    await asyncio.sleep(0)

    place = lsp.HoverParams(lsp.TextDocumentIdentifier("file:///other.py"), lsp.Position(2, 4))
    answer = await editor.request(lsp.TEXT_DOCUMENT_HOVER, place)

    assert "mlx.core.exp" in answer.contents.value
    assert not checking.done()
    assert [found.code for found in await checking] == ["dim-keyword", "dim-keyword"]


async def test_two_that_ask_at_once_share_one_check(checked: list[str]) -> None:
    editor = Editor()
    editor.open(CODE)

    one, other = await asyncio.gather(pitfalls(editor), pitfalls(editor))

    assert one is other
    assert checked == [CODE]


async def test_one_that_gives_up_leaves_the_check_to_the_next(checked: list[str]) -> None:
    editor = Editor()
    editor.open(CODE)
    given_up, waiting = (asyncio.create_task(pitfalls(editor)) for _ in range(2))
    while not checked:
        await asyncio.sleep(0)

    given_up.cancel()

    assert len(await waiting) == 2
    assert given_up.cancelled() and checked == [CODE, CODE]


async def test_an_edit_during_a_check_is_checked_after_it(checked: list[str]) -> None:
    editor = Editor()
    editor.open(CODE)
    before = asyncio.create_task(pitfalls(editor))
    while not checked:
        await asyncio.sleep(0)
    edited = CODE.replace("dim=1", "axis=-1")

    editor.edit(edited)
    after = asyncio.create_task(pitfalls(editor))

    assert [len(await before), len(await after)] == [2, 1]
    assert checked == [CODE, edited]


async def test_nothing_is_kept_of_a_document_that_is_closed_during_its_check(checked: list[str]) -> None:
    editor = Editor()
    editor.open(CODE)
    checking = asyncio.create_task(pitfalls(editor))
    while not checked:
        await asyncio.sleep(0)

    editor.close()
    await checking
    editor.open(CODE)
    await pitfalls(editor)

    assert checked == [CODE, CODE]
