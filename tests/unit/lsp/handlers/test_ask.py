"""``tenny.ask`` through its handler."""

import pytest

from tenny_lsp.errors import ModelUnavailable
from tenny_lsp.lsp.handlers import ask
from tenny_lsp.mlx_api.index import ApiIndex
from tests.unit.lsp.fakes import Editor, FakeModel

QUESTION = "how do I join arrays with mx.concatenate?"


async def test_the_documentation_answers_and_is_shown() -> None:
    editor = Editor(ask)

    answer = await editor.command("tenny.ask", QUESTION)

    assert answer["generated"] is False and "oncatenate" in answer["answer"]
    assert answer["sources"][0]["name"] == "mlx.core.concatenate"
    assert editor.client.shown == [f"{answer['answer']}\n\n```python\n{answer['code']}\n```"]


async def test_a_client_that_shows_it_itself() -> None:
    editor = Editor(ask)

    await editor.command("tenny.ask", QUESTION, False)

    assert editor.client.shown == []


async def test_a_recipe_is_shown_with_its_code_as_markdown() -> None:
    editor = Editor(ask)

    answer = await editor.command("tenny.ask", "how do I accumulate gradients?")

    assert "tree_map" in answer["code"]
    assert editor.client.shown == [f"{answer['answer']}\n\n```python\n{answer['code']}\n```"]


async def test_the_models_answer() -> None:
    editor = Editor(ask, model=FakeModel("mlx.core.concatenate Joins arrays along an axis."))

    answer = await editor.command("tenny.ask", QUESTION)

    assert answer["generated"] is True and answer["answer"].endswith("Joins arrays along an axis.")


async def test_the_model_is_loaded_while_the_documentation_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    model = FakeModel("mlx.core.concatenate Joins arrays along an axis.")
    editor = Editor(ask, model=model)
    read = editor.session.index

    async def index() -> ApiIndex:
        assert model.has_begun_to_load
        return await read()

    monkeypatch.setattr(editor.session, "index", index)

    assert (await editor.command("tenny.ask", QUESTION))["generated"] is True


async def test_a_model_that_fails_leaves_the_documentation() -> None:
    editor = Editor(ask, model=FakeModel(ModelUnavailable("It is gone", "Call it back.")))

    assert (await editor.command("tenny.ask", QUESTION))["generated"] is False


async def test_what_nobody_knows() -> None:
    editor = Editor(ask)

    answer = await editor.command("tenny.ask", "what is the best pizza in Naples?")

    assert answer == {"answer": None, "code": "", "generated": False, "sources": []}
    assert editor.client.shown[0].startswith("Nothing in the documentation of MLX")
