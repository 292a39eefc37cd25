"""What a session does by itself: settings, folders with interpreters of their own, its end."""

import logging
from pathlib import Path

import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcInternalError

from tenny_lsp.lsp import indexes
from tenny_lsp.lsp.registration import HANDLERS
from tenny_lsp.mlx_api.index import ApiIndex
from tests.unit.lsp.fakes import URI, Editor, FakeModel

FOLDERS = ("file:///one", "file:///two")


def with_folders(editor: Editor) -> Editor:
    for uri in FOLDERS:
        editor.server.workspace.add_folder(lsp.WorkspaceFolder(uri, uri))
    return editor


def test_a_wrong_setting_is_logged_and_its_default_used(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        session = Editor(options={"hover": {"deadlineMs": "soon"}}).session

    assert session.settings.hover.deadline_ms == 150
    assert "tenny.hover.deadlineMs must be int" in caplog.text


async def test_each_folder_may_have_an_interpreter_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexes, "load_mlx_index", lambda python: ApiIndex("mlx", str(python), {}))
    editor = with_folders(Editor(has_configuration=True))
    invalidated: list[bool] = []
    editor.session.callbacks.invalidated.append(lambda: invalidated.append(True))
    editor.client.pythons = ["/python/one", None]

    await editor.session.follow_folders()
    await editor.session.follow_folders()

    assert invalidated == [True], "the second answer was the same"
    assert (await editor.session.index("file:///one/a.py")).version == str(Path("/python/one"))
    assert (await editor.session.index("file:///two/a.py")).version == "None"


async def test_a_client_that_does_not_say_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    editor = with_folders(Editor(has_configuration=True))
    editor.client.pythons = JsonRpcInternalError("no")

    with caplog.at_level(logging.WARNING):
        await editor.session.follow_folders()

    assert "does not say which interpreter" in caplog.text


def test_a_document_that_cannot_be_read_is_none() -> None:
    assert Editor().session.view("file:///gone.py") is None


async def test_documents_are_told_of_in_order_and_forgotten() -> None:
    editor, told = Editor(), list[str]()
    for name in ("opened", "changed", "closed"):
        getattr(editor.session.callbacks, name).append(lambda uri, name=name: told.append(f"{name} {uri}"))

    editor.open("x = 1\n")
    editor.edit("x = 2\n")
    editor.close()

    assert told == [f"changed {URI}", f"opened {URI}", f"changed {URI}", f"closed {URI}"]


async def test_the_end_waits_for_handlers_and_the_model() -> None:
    model, ended = FakeModel(), list[str]()
    editor = Editor(model=model)

    async def end() -> None:
        ended.append("handler")

    editor.session.callbacks.shutdown.append(end)
    await editor.session.close()

    assert ended == ["handler"] and model.is_closed


def test_every_handler_file_is_registered_and_has_its_test() -> None:
    here = Path(__file__).parent / "handlers"
    package = Path(__file__).parents[3] / "tenny_lsp" / "lsp" / "handlers"
    files = {file.stem for file in package.glob("*.py")} - {"__init__"}

    assert {handler.__name__.rpartition(".")[2] for handler in HANDLERS} == files  # type: ignore[attr-defined]
    assert {file.stem.removeprefix("test_") for file in here.glob("test_*.py")} == files
