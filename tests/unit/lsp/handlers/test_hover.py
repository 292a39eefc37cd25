"""``textDocument/hover`` through its handler."""

import asyncio

from lsprotocol import types as lsp

from tenny_lsp.errors import ModelUnavailable
from tenny_lsp.lsp.handlers import hover
from tenny_lsp.model.protocol import EMBEDDED_ABILITIES
from tests.unit.lsp.fakes import Editor, FakeModel

CODE = "import mlx.nn as nn\nact = nn.ReLU()\nother = len(act)\n"
PATIENT = {"hover": {"deadlineMs": 5000}}


async def card(editor: Editor, line: int = 1, character: int = 10) -> lsp.Hover | None:
    found: lsp.Hover | None = await editor.at(lsp.TEXT_DOCUMENT_HOVER, lsp.HoverParams, line, character)
    return found


def text(hover: lsp.Hover | None) -> str:
    assert hover is not None and isinstance(hover.contents, lsp.MarkupContent)
    return hover.contents.value


async def test_facts_without_a_model() -> None:
    editor = Editor(hover)
    editor.open(CODE)

    found = await card(editor)

    assert "Rectified Linear Unit" in text(found) and "**Tenny:**" not in text(found)
    assert found is not None and found.range == lsp.Range(lsp.Position(1, 9), lsp.Position(1, 13))


async def test_the_sentence_of_a_model_that_answers_in_time() -> None:
    model = FakeModel("mlx.nn.ReLU Keeps what is positive.")
    editor = Editor(hover, model=model, options=PATIENT)
    editor.open(CODE)

    assert text(await card(editor)).endswith("**Tenny:** Keeps what is positive.")
    await editor.session.close()


async def test_a_base_that_cannot_write_is_not_asked() -> None:
    model = FakeModel("mlx.nn.ReLU Keeps what is positive.", can=EMBEDDED_ABILITIES)
    editor = Editor(hover, model=model, options=PATIENT)
    editor.open(CODE)

    assert "**Tenny:**" not in text(await card(editor))
    assert model.prompts == []
    await editor.session.close()


async def test_a_model_that_fails_leaves_the_facts_and_a_reason_in_the_status() -> None:
    editor = Editor(
        hover, model=FakeModel(ModelUnavailable("It is torn", "Mend it.")), options=PATIENT, wants_status=True
    )
    editor.open(CODE)
    await editor.session.index()
    editor.session.status.open()

    assert "Rectified" in text(await card(editor))
    assert editor.client.notified[-1]["reason"] == "It is torn. Mend it."
    await editor.session.close()


async def test_nothing_off_mlx_names() -> None:
    editor = Editor(hover)
    editor.open(CODE)

    assert await card(editor, 2, 9) is None  # len
    assert await card(editor, 1, 4) is None  # a space
    assert (
        await editor.request(
            lsp.TEXT_DOCUMENT_HOVER, lsp.HoverParams(lsp.TextDocumentIdentifier("file:///gone.py"), lsp.Position(0, 0))
        )
        is None
    )


async def test_plain_text_for_clients_without_markdown() -> None:
    editor = Editor(hover, reads_markdown=False)
    editor.open(CODE)

    found = await card(editor)

    assert found is not None and isinstance(found.contents, lsp.MarkupContent)
    assert found.contents.kind == lsp.MarkupKind.PlainText and "```" not in found.contents.value


async def test_the_end_of_the_session_ends_the_question() -> None:
    asked = asyncio.Event()

    class Endless(FakeModel):
        async def complete(self, prompt: str, *, max_tokens: int = 96) -> str:
            asked.set()
            await asyncio.Event().wait()
            raise AssertionError

    editor = Editor(hover, model=Endless(), options={"hover": {"deadlineMs": 1}})
    editor.open(CODE)
    await card(editor)
    await asked.wait()

    await asyncio.wait_for(editor.session.close(), 5)
