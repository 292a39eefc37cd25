"""``textDocument/completion`` and ``completionItem/resolve`` through their handler."""

import asyncio
from collections.abc import Sequence

import pytest
from lsprotocol import types as lsp

from tenny_lsp.lsp.handlers import completion
from tests.unit.lsp.fakes import URI, Editor, FakeModel

CODE = "import mlx.core as mx\nx = mx.\n"


async def complete(editor: Editor, line: int = 1, character: int = 7) -> lsp.CompletionList | None:
    found: lsp.CompletionList | None = await editor.at(
        lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionParams, line, character
    )
    return found


async def test_members_in_the_order_of_the_counts() -> None:
    editor = Editor(completion)
    editor.open(CODE)

    found = await complete(editor)

    assert found is not None
    assert {"array", "zeros", "sum"} <= {item.label for item in found.items}
    assert [item.sort_text for item in found.items] == sorted(str(item.sort_text) for item in found.items)
    await editor.session.close()


async def test_the_models_favourite_comes_first() -> None:
    model = FakeModel()
    editor = Editor(completion, model=model, options={"completion": {"deadlineMs": 5000}})
    editor.open(CODE)
    first = await complete(editor)
    assert first is not None
    favourite = first.items[9].label
    model.scores = {favourite: -0.001}
    editor.edit("import mlx.core as mx\nyy = mx.\n")

    found = await complete(editor, 1, 8)

    assert found is not None and found.items[0].label == favourite
    assert any(prompt.endswith("yy = mx.") for prompt in model.prompts)
    await editor.session.close()


class SlowModel(FakeModel):
    """Gives its scores when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.may_answer = asyncio.Event()
        self.scores = {"arange": -0.001}

    async def score(self, text: str, names: Sequence[str]) -> list[float]:
        await self.may_answer.wait()
        return await super().score(text, names)


async def test_the_model_is_not_waited_for() -> None:
    model = SlowModel()
    editor = Editor(completion, model=model)
    editor.open(CODE)

    at_once = await complete(editor)
    model.may_answer.set()
    await editor.idle()
    later = await complete(editor)

    assert at_once is not None and at_once.is_incomplete and at_once.items[0].label != "arange"
    assert later is not None and later.items[0].label == "arange"
    await editor.session.close()


async def test_the_model_is_asked_before_the_dot_is_typed() -> None:
    model = FakeModel()
    model.scores = {"arange": -0.001}
    editor = Editor(completion, model=model)
    editor.open("import mlx.core as mx\nx = mx\n")

    editor.session.typed(URI, lsp.Position(1, 6))
    await editor.idle()
    editor.edit(CODE)

    assert model.prompts == ["import mlx.core as mx\nx = mx."]
    found = await complete(editor)
    assert found is not None and found.items[0].label == "arange"
    await editor.session.close()


@pytest.mark.parametrize(
    ("line", "character"),
    [("x = m", 5), ("x = os", 6), ("x = a.mx", 8), ("x = mx.", 6), ("x = mxs", 6), ("# mx", 4), ("'mx'", 3), ("", 0)],
)
async def test_nothing_is_asked_behind_other_names(line: str, character: int) -> None:
    model = FakeModel()
    editor = Editor(completion, model=model)
    editor.open(f"import mlx.core as mx\nimport os\n{line}\n")

    editor.session.typed(URI, lsp.Position(2, character))
    await editor.idle()

    assert model.prompts == []
    await editor.session.close()


async def test_nothing_where_it_is_not_mlxs_to_say() -> None:
    editor = Editor(completion)
    editor.open("import os\nos.\n")

    assert await complete(editor, 1, 3) is None
    await editor.session.close()


async def test_an_item_is_resolved_with_the_index_of_its_own_document() -> None:
    editor = Editor(completion)
    editor.open(CODE)
    editor.open("import mlx.nn as nn\nnn.\n", "file:///other.py")
    found = await complete(editor)
    assert found is not None
    item = next(item for item in found.items if item.label == "zeros")
    asked: list[str] = []
    index = editor.session.index

    async def noted(uri: str = "") -> object:
        asked.append(uri)
        return await index(uri)

    editor.session.index = noted  # type: ignore[method-assign,assignment]

    resolved = await editor.request(lsp.COMPLETION_ITEM_RESOLVE, item)

    assert asked == [URI] and resolved.documentation.value.startswith("```python\nmx.zeros(")
    await editor.session.close()


async def test_a_document_is_read_ahead_and_closing_ends_that() -> None:
    editor = Editor(completion)
    editor.open(CODE)

    await editor.session.close()
