"""``tenny.roastComment`` through its handler: the remark, and the conversation about it."""

import asyncio
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types as lsp

from tenny_lsp import locations
from tenny_lsp.errors import ModelUnavailable
from tenny_lsp.features.history import History
from tenny_lsp.features.repertoire import repertoire
from tenny_lsp.lsp.handlers import roast
from tenny_lsp.model.protocol import ALL_ABILITIES, EMBEDDED_ABILITIES, Abilities
from tests.unit.lsp.fakes import URI, Editor, FakeModel

CODE = "x = 1\n# the cache is never cleared, good luck\ny = 2\n"
ON_COMMENT = lsp.Position(1, 5)
REMARK = "Your cache has a retirement plan; the server has an out of memory killer."


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roast, "_PAUSE_AFTER_ANSWER_S", 0)


def editor(folder: Path, model: FakeModel | None = None) -> Editor:
    made = Editor(roast, model=model, options={"roast": {"adapterPath": str(folder)}})
    made.open(CODE)
    return made


async def said(editor: Editor, place: lsp.Position | lsp.Range = ON_COMMENT) -> dict[str, Any] | None:
    """Returns the command's result, once its conversation is over."""
    result: dict[str, Any] | None = await asyncio.create_task(editor.command("tenny.roastComment", URI, place))
    for _ in range(20):
        await asyncio.sleep(0.005)
    return result


async def test_a_hand_written_remark_without_a_model(tmp_path: Path) -> None:
    made = editor(tmp_path)

    result = await said(made)

    assert result is not None and result["comment"] == "the cache is never cleared, good luck"
    assert result["sentiment"] == "Negative"
    assert result["roast"] in {written.response for written in repertoire().reserve}
    assert made.client.asked == [result["roast"]] and made.client.titles == ["Tenny reads your comment"]


@pytest.mark.parametrize(("can", "begins"), [(ALL_ABILITIES, True), (EMBEDDED_ABILITIES, False)])
async def test_a_model_that_writes_is_loaded_while_the_remarks_are_read(
    can: Abilities, begins: bool, tmp_path: Path
) -> None:
    model = FakeModel(REMARK, can=can)

    assert await said(editor(tmp_path, model)) is not None
    assert model.has_begun_to_load == begins


async def test_the_models_own_remark_inserted_below_the_comment(tmp_path: Path) -> None:
    made = editor(tmp_path, FakeModel(REMARK))
    made.client.choices.append(roast.INSERT)

    result = await said(made)

    assert result is not None and result["roast"] == REMARK
    (edit,) = made.client.edits
    assert edit.range.start == lsp.Position(1, 39) and edit.new_text == f"\n# {REMARK}"


async def test_again_says_something_else(tmp_path: Path) -> None:
    made = editor(tmp_path)
    made.client.choices += [roast.AGAIN, roast.DISMISS]

    await said(made)

    first, second = made.client.asked
    assert first != second


async def test_what_the_terminal_has_said_is_not_said_again_and_what_is_said_here_is_remembered(tmp_path: Path) -> None:
    comment = "# the cache is never cleared, good luck"
    first = (await said(editor(tmp_path)) or {})["roast"]

    second = (await said(editor(tmp_path)) or {})["roast"]

    assert first != second
    assert History(locations.history_file()).said(comment) == [first, second]


async def test_without_a_model_as_in_a_workspace_that_is_not_trusted_git_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    async def ages(path: Path, text: str, lines: Collection[int]) -> dict[int, int]:
        asked.extend(lines)
        return {1: 7}

    monkeypatch.setattr(roast, "ages", ages)
    made = editor(tmp_path)
    made.open("x = 1\n# TODO: port it\n")
    result = await said(made)
    assert asked == [1] and result is not None and "seven years" in result["roast"].lower()

    made.session.configure({"model": {"enabled": False}})
    result = await said(made)
    assert asked == [1] and result is not None and "years" not in result["roast"]


async def test_a_model_that_fails_leaves_the_hand_written_ones(tmp_path: Path) -> None:
    made = editor(tmp_path, FakeModel(ModelUnavailable("It is gone", "Call it back.")))

    result = await said(made)

    assert result is not None and result["roast"] in {written.response for written in repertoire().reserve}


async def test_nothing_is_inserted_into_a_text_that_has_changed(tmp_path: Path) -> None:
    made = editor(tmp_path)

    class Changing(type(made.client)):  # type: ignore[misc]
        async def ask(self, text: str, choices: Any) -> str | None:
            made.edit("x = 1\n")
            return roast.INSERT

    made.client.__class__ = Changing
    await said(made)

    assert made.client.shown == ["The text has changed: nothing was inserted."] and made.client.edits == []


async def test_an_editor_that_refuses_the_edit(tmp_path: Path) -> None:
    made = editor(tmp_path)
    made.client.accepts_edits = False
    made.client.choices.append(roast.INSERT)

    await said(made)

    assert made.client.shown == ["The editor did not insert it."]


async def test_there_is_no_comment(tmp_path: Path) -> None:
    made = editor(tmp_path)

    assert await said(made, lsp.Position(0, 0)) is None
    assert made.client.shown == ["There is no comment here."]


async def test_a_selection_is_roasted_as_it_stands(tmp_path: Path) -> None:
    result = await said(editor(tmp_path), lsp.Range(lsp.Position(0, 0), lsp.Position(0, 5)))

    assert result is not None and result["comment"] == "x = 1"


async def test_the_action_is_offered_on_comments_unless_it_is_switched_off(tmp_path: Path) -> None:
    made = editor(tmp_path)
    params = lsp.CodeActionParams(
        lsp.TextDocumentIdentifier(URI), lsp.Range(ON_COMMENT, ON_COMMENT), lsp.CodeActionContext([])
    )
    (offer,) = made.session.callbacks.code_actions

    (action,) = await offer(params)
    assert action.title == "Tenny: roast this comment" and action.command is not None
    assert action.command.arguments == [URI, ON_COMMENT]
    made.session.configure({"roast": {"enabled": False}})
    assert await offer(params) == []


async def test_the_end_of_the_session_ends_the_conversation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roast, "_PAUSE_AFTER_ANSWER_S", 60)
    made = editor(tmp_path)
    await said(made)

    await asyncio.wait_for(made.session.close(), 5)

    assert made.client.asked == []
