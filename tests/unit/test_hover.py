"""A hover's card: facts at once, prose when the model has it and it is grounded."""

import asyncio

import pytest

from tenny_lsp.features.hover import HoverCard, facts, hover
from tenny_lsp.mlx_api.entry import ApiEntry, Item, Parameter, Signature
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.model.prompts import hover_question, prompt_of
from tenny_lsp.source.buffer import Buffer

CODE = "import mlx.nn as nn\nact = nn.ReLU()\n"
PLACE = CODE.index("ReLU")


class Asked:
    """Answers every prompt alike and keeps them."""

    def __init__(self, answer: str | None) -> None:
        self.prompts: list[str] = []
        self._answer = answer

    async def __call__(self, prompt: str) -> str | None:
        self.prompts.append(prompt)
        return self._answer


async def card(index: ApiIndex, ask: Asked | None, code: str = CODE, place: int = PLACE) -> HoverCard | None:
    return await hover(Buffer(code), place, index, ask)


async def test_grounded_prose_stands_under_the_facts(mlx_index: ApiIndex) -> None:
    bare = await card(mlx_index, None)
    ask = Asked("mlx.nn.ReLU Keeps what is positive. And no more. Really.")

    shown = await card(mlx_index, ask)

    assert bare is not None and shown is not None
    assert shown.markdown == bare.markdown + "\n\n---\n\n**Tenny:** Keeps what is positive. And no more."
    documentation = "nn.ReLU()\nApplies the Rectified Linear Unit. Simply mx.maximum(x, 0).\n"
    assert ask.prompts == [prompt_of("What is nn.ReLU in mlx?", documentation)]
    assert CODE[shown.start : shown.end] == "ReLU"


@pytest.mark.parametrize(
    "answer",
    [None, "", "Applies mx.rectify.", "mlx.nn.Tanh Squashes.", "It was cut"],
    ids=["late", "empty", "invented", "other", "cut"],
)
async def test_anything_else_leaves_the_facts_alone(answer: str | None, mlx_index: ApiIndex) -> None:
    assert await card(mlx_index, Asked(answer)) == await card(mlx_index, None)


async def test_an_alias_is_asked_for_by_its_public_name(mlx_index: ApiIndex) -> None:
    ask = Asked(None)

    await card(mlx_index, ask, "import mlx.core as mx\nmx.acos", 28)

    assert [prompt.endswith(prompt_of(hover_question("mlx.core.arccos"))) for prompt in ask.prompts] == [True]


@pytest.mark.parametrize("code", ["", "x", "import numpy as mx\nmx.abs", "import mlx.core as mx\nmx.absolute"])
async def test_the_model_is_not_asked_about_other_names(code: str, mlx_index: ApiIndex) -> None:
    ask = Asked("Anything.")

    assert await card(mlx_index, ask, code, len(code)) is None
    assert ask.prompts == []


async def test_the_model_is_not_asked_about_what_is_not_documented(mlx_index: ApiIndex) -> None:
    silent = next(e for e in mlx_index if not e.summary and e.kind == "module" and e.name.count(".") == 1)
    ask = Asked("Anything.")

    shown = await card(mlx_index, ask, f"import {silent.name}", len(f"import {silent.name}"))

    assert shown is not None and "Anything" not in shown.markdown
    assert ask.prompts == []


async def test_a_cancelled_hover_cancels_what_it_asks(mlx_index: ApiIndex) -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def ask(prompt: str) -> str | None:
        started.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()

    task = asyncio.create_task(hover(Buffer(CODE), PLACE, mlx_index, ask))
    await started.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


def test_the_parts_of_a_card_and_their_order() -> None:
    entry = ApiEntry(
        name="shop.sell",
        kind="function",
        signatures=(Signature((Parameter("what", "positional or keyword", "str"),), "tuple[int, str]"),),
        summary="Sells :func:`it`.",
        body=(("", "At a price."), ("Raises", "- ``KeyError``: if it is gone."), ("Empty", " ")),
        parameters=(Item("what", "str", "The thing,\n\n* old\n* new"), Item("more", "", "")),
        returns=(Item("", "int", "The price."), Item("", "str", "The receipt.")),
        path="shop/till.py",
        line=3,
    )
    index = ApiIndex("shop", "1.2", {"shop.sell": entry.to_json()})

    assert facts(entry, index) == (
        "```python\nshop.sell(what: str) -> tuple[int, str]\n```\n\n"
        "Sells `it`.\n\n"
        "At a price.\n\n"
        "**Parameters**\n\n- `what` (`str`): The thing,\n  \n  - old\n  - new\n- `more`\n\n"
        "**Returns**\n\n- (`int`): The price.\n- (`str`): The receipt.\n\n"
        "**Raises**\n\n- `KeyError`: if it is gone.\n\n"
        "`shop.sell` · shop 1.2 · `shop/till.py:3`"
    )


def test_a_snapshot_says_that_it_is_one() -> None:
    entry = ApiEntry("mlx.core.abs", "function")

    card_ = facts(entry, ApiIndex("mlx", "0.1", {entry.name: entry.to_json()}, from_snapshot=True))

    assert card_.endswith("mlx 0.1 (not installed: shipped snapshot)")
    assert "(https://ml-explore.github.io/mlx/build/html/" in card_
