"""Two models in one session: who answers, remarks and explains."""

from pathlib import Path

import pytest
from lsprotocol import types as lsp

from tenny_lsp import locations
from tenny_lsp.lsp.handlers import ask, completion, hover, model, review, roast
from tests.unit.lsp.fakes import URI, Editor, FakeModel

CODE = "import mlx.nn as nn\nact = nn.ReLU()\n# the cache is never cleared, good luck\nnn.\n"
QUESTION = "how do I join arrays with mx.concatenate?"


@pytest.fixture
def small() -> FakeModel:
    """The embedded base."""
    return FakeModel("mlx.nn.ReLU Keeps what is positive.")


@pytest.fixture
def large() -> FakeModel:
    """The base that was fetched."""
    return FakeModel("mlx.core.concatenate Joins arrays along an axis.")


@pytest.fixture
async def editor(small: FakeModel, large: FakeModel, monkeypatch: pytest.MonkeyPatch) -> Editor:
    monkeypatch.setattr(locations, "find_adapter", lambda base, name: Path("/adapters", base, name))
    monkeypatch.setattr(roast, "_PAUSE_AFTER_ANSWER_S", 0)
    handlers = (ask, completion, hover, model, review, roast)
    options = {"hover": {"deadlineMs": 5000}}
    made = Editor(*handlers, model=small, writer=large, options=options, wants_status=True)
    made.open(CODE)
    return made


async def test_questions_go_to_the_one_that_writes(editor: Editor, small: FakeModel, large: FakeModel) -> None:
    answer = await editor.command("tenny.ask", QUESTION)

    assert answer["answer"].endswith("Joins arrays along an axis.")
    assert len(large.prompts) == 1 and small.prompts == []


async def test_hovers_and_completions_go_to_the_other(editor: Editor, small: FakeModel, large: FakeModel) -> None:
    found = await editor.at(lsp.TEXT_DOCUMENT_HOVER, lsp.HoverParams, 1, 10)
    assert found.contents.value.endswith("**Tenny:** Keeps what is positive.")
    await editor.at(lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionParams, 3, 3)

    assert len(small.prompts) == 2 and large.prompts == []
    await editor.session.close()


async def test_remarks_are_of_the_one_that_writes_with_its_own_adapter(
    editor: Editor, small: FakeModel, large: FakeModel
) -> None:
    await editor.command("tenny.roastComment", URI, lsp.Position(2, 5))
    asked = len(large.prompts)
    assert asked and large.adapter == Path("/adapters/smollm2/cynic")

    assert await editor.command("tenny.cynicalReview", URI) == {"remarks": 1}
    assert len(large.prompts) > asked
    assert small.prompts == [] and small.adapter is None


async def test_the_status_names_the_base_that_speaks_and_both_are_loaded(
    editor: Editor, small: FakeModel, large: FakeModel
) -> None:
    await editor.session.index()
    editor.session.status.open()
    large.becomes("loading")
    loading = editor.client.notified[-1]
    await editor.command("tenny.loadModel")
    loaded = editor.client.notified[-1]
    await editor.command("tenny.unloadModel")
    unloaded = editor.client.notified[-1]
    await editor.session.close()

    assert (loading["base"], loading["model"], loading["quiescent"]) == ("smollm2", "the model is being loaded", False)
    assert (loaded["base"], loaded["model"], loaded["quiescent"]) == ("smollm2", "the model is ready", True)
    assert (unloaded["base"], unloaded["model"]) == ("", "no model")
    assert small.is_closed and large.is_closed
