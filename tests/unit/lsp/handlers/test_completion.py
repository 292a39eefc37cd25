"""``textDocument/completion`` and ``completionItem/resolve`` through their handler."""

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
