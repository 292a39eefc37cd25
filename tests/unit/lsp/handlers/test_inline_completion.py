"""``textDocument/inlineCompletion`` through its handler."""

import asyncio

import pytest
from lsprotocol import types as lsp

from tenny_lsp.errors import ModelUnavailable
from tenny_lsp.lsp.handlers import inline_completion
from tenny_lsp.model.protocol import ALL_ABILITIES, EMBEDDED_ABILITIES, Abilities
from tests.unit.lsp.fakes import Editor, FakeModel

CODE = "import mlx.core as mx\nx = \n"
INVOKED = lsp.InlineCompletionContext(lsp.InlineCompletionTriggerKind.Invoked)
AUTOMATIC = lsp.InlineCompletionContext(lsp.InlineCompletionTriggerKind.Automatic)


async def text(editor: Editor, context: lsp.InlineCompletionContext = INVOKED) -> str | None:
    method, kind = lsp.TEXT_DOCUMENT_INLINE_COMPLETION, lsp.InlineCompletionParams
    found = await editor.at(method, kind, 1, 4, context=context)
    return found.items[0].insert_text if found is not None else None


def editor(model: FakeModel | None, **inline: object) -> Editor:
    made = Editor(inline_completion, model=model, options={"inline": inline})
    made.open(CODE)
    return made


@pytest.mark.parametrize(
    ("enabled", "can", "is_shown"),
    [
        ("auto", ALL_ABILITIES, True),
        ("auto", EMBEDDED_ABILITIES, False),
        ("on", EMBEDDED_ABILITIES, True),
        ("off", ALL_ABILITIES, False),
    ],
)
async def test_when_it_is_on(enabled: str, can: Abilities, is_shown: bool) -> None:
    shown = await text(editor(FakeModel("mx.zeros(3)\n", can=can), enabled=enabled))

    assert shown == ("mx.zeros(3)" if is_shown else None)


async def test_nothing_without_a_model() -> None:
    assert await text(editor(None, enabled="on")) is None


async def test_a_model_that_fails_is_no_error() -> None:
    assert await text(editor(FakeModel(ModelUnavailable("It is gone", "Call it back.")))) is None


async def test_a_later_request_ends_the_one_before() -> None:
    model = FakeModel("mx.zeros(3)\n")
    made = editor(model, debounceMs=60_000)

    first = asyncio.create_task(text(made, AUTOMATIC))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert await text(made) == "mx.zeros(3)"
    assert await asyncio.wait_for(first, 5) is None


async def test_the_end_of_the_session_ends_it() -> None:
    made = editor(FakeModel("mx.zeros(3)\n"), debounceMs=60_000)
    waiting = asyncio.create_task(text(made, AUTOMATIC))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    await asyncio.wait_for(made.session.close(), 5)

    assert await waiting is None
