"""``tenny.loadModel`` and ``tenny.unloadModel`` through their handler."""

from tenny_lsp.errors import ModelUnavailable
from tenny_lsp.lsp.handlers import model
from tests.unit.lsp.fakes import Editor, FakeModel


async def test_the_model_is_loaded_and_unloaded() -> None:
    fake = FakeModel()
    editor = Editor(model, model=fake)

    await editor.command("tenny.loadModel")
    assert fake.state.phase == "ready"
    await editor.command("tenny.unloadModel")
    await editor.session.close()

    assert fake.is_closed and editor.session.model is None


async def test_why_it_could_not_be_loaded_is_the_status() -> None:
    editor = Editor(model, model=FakeModel(ModelUnavailable("It is gone", "Call it back.")), wants_status=True)
    await editor.session.index()
    editor.session.status.open()

    await editor.command("tenny.loadModel")

    assert editor.client.notified[-1]["reason"] == "It is gone. Call it back."
