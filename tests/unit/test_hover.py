"""A hover's card: facts at once, prose when the model has it and it is grounded."""

import asyncio

import pytest

from tenny_lsp.features.cards import facts
from tenny_lsp.features.hover import HoverCard, hover
from tenny_lsp.inference.queries import Queries
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
    return await hover(Queries(Buffer(code), index), place, ask)


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


@pytest.mark.parametrize(
    ("answer", "is_shown"),
    [
        ("Applies the Rectified Linear Unit.", False),
        ("It applies the rectified linear unit, simply put.", False),
        ("Negative inputs become zero and gradients vanish there.", True),
    ],
)
async def test_a_sentence_that_repeats_the_card_is_not_shown(answer: str, is_shown: bool, mlx_index: ApiIndex) -> None:
    found = await card(mlx_index, Asked(f"mlx.nn.ReLU {answer}"))

    assert found is not None and ("**Tenny:**" in found.markdown) == is_shown


async def test_an_alias_is_asked_for_by_its_public_name(mlx_index: ApiIndex) -> None:
    ask = Asked(None)

    await card(mlx_index, ask, "import mlx.core as mx\nmx.acos", 28)

    assert [prompt.endswith(prompt_of(hover_question("mx.arccos"))) for prompt in ask.prompts] == [True]


@pytest.mark.parametrize("code", ["", "x", "import numpy as mx\nmx.abs", "import mlx.core as mx\nmx.nonsense"])
async def test_the_model_is_not_asked_about_other_names(code: str, mlx_index: ApiIndex) -> None:
    ask = Asked("Anything.")

    assert await card(mlx_index, ask, code, len(code)) is None
    assert ask.prompts == []


@pytest.mark.parametrize(
    ("code", "begin"),
    [
        ("import mlx.core as mx\nmx.cat", "`torch.cat` is `mx.concatenate` in MLX. dim is called axis."),
        ("import mlx.core as mx\nmx.zeros(3).unsqueeze", "`torch.Tensor.unsqueeze` is `mx.expand_dims` in MLX."),
        ("import mlx.core as mx\nmx.zeros(3).numpy", "`torch.Tensor.numpy` has no equivalent in MLX: `np"),
        ("import mlx.nn as nn\nnn.Conv2D", "`Conv2D` is spelt `nn.Conv2d` in MLX.\n\n```python\nclass nn.Conv2d("),
        ("from mlx.nn import BatchNorm2d", "`torch.nn.BatchNorm2d` is `nn.BatchNorm` in MLX."),
        ("import mlx.nn as nn\nclass A(nn.Module): ...\nA().cuda", "`torch.nn.Module.cuda` has no equivalent"),
        ("import mlx.nn as nn\nnn.Linear(1, 2).state_dict", "`torch.nn.Module.state_dict` is `nn.Module.parame"),
        ("import mlx.nn as nn\nclass A(nn.Module):\n    def f(self, half):\n        self.half = half\nA().half", None),
        ("import mlx.nn as nn\nclass A(Mixin, nn.Module): ...\nA().cuda", None),
        ("import mlx.nn as nn\nclass A(nn.Module):\n    def cuda(self): ...\nclass B(A): ...\nB().cuda", None),
        ("import mlx.core as mx\nmx.sum(x, axis", None),
        ("import mlx.nn as nn\nfc = nn.Linear(1, 2)\nfc", "```python\nfc: nn.Linear\n```\n\nApplies an"),
        ("import mlx.optimizers as o\nopt = o.Adam(1)\nopt", "```python\nopt: optim.Adam\n```\n\nThe Adam optimizer"),
        (
            "import mlx.core as mx\nx = mx.zeros(3)\nx",
            "```python\nx: mx.array, (3,) float32\n```\n\nfrom `mx.zeros(3)`",
        ),
        ("import mlx.core as mx\nx = mx.abs(y)\nx", None),
        ("import mlx.nn as nn\ndef f(m: nn.Module):\n    m", None),
        ("import mlx.core as mx\nt = mx.float32\nx = t.size\nx", None),
    ],
)
async def test_what_is_not_a_name_of_mlx_s_own(code: str, begin: str | None, mlx_index: ApiIndex) -> None:
    ask = Asked("Anything.")

    shown = await card(mlx_index, ask, code, len(code))

    assert (shown and shown.markdown[: len(begin or "")]) == begin
    assert ask.prompts == []


NET = """\
import mlx.core as mx
import mlx.nn as nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 5)
    def __call__(self, x, n):
        h = x * 2
        half = mx.abs(h)[0].sum()
        y = self.fc(x)
        return y
"""


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("x, n", "```python\nx: mx.array\n```\n\nan array: `self.fc` takes it"),
        ("x * 2", "```python\nx: mx.array\n```\n\nan array: `self.fc` takes it"),
        ("x)\n        return", "```python\nx: mx.array\n```\n\nan array: `self.fc` takes it"),
        ("h = x", "```python\nh: mx.array\n```\n\nfrom `x * 2`\n\nan array, as `x` is: `self.fc` takes it"),
        ("h)[0]", "```python\nh: mx.array\n```\n\nfrom `x * 2`\n\nan array, as `x` is: `self.fc` takes it"),
        ("half", "```python\nhalf: mx.array, ()\n```\n\nfrom `mx.abs(h)[0].sum()`"),
        ("n):", None),
        ("y =", None),
    ],
)
async def test_a_parameter_without_annotation_says_why_it_is_an_array(
    place: str, shown: str | None, mlx_index: ApiIndex
) -> None:
    found = await card(mlx_index, None, NET, NET.index(place))

    assert (found and found.markdown) == shown


async def test_a_parameter_whose_shape_is_known_says_both(mlx_index: ApiIndex) -> None:
    code = "import mlx.core as mx\ndef f(a):\n    b = a[0] + 1\n    return mx.exp(b)\nf(mx.zeros((2, 3)))\n"

    found = await card(mlx_index, None, code, code.index("a)"))
    assert found is not None and code[found.start : found.end] == "a"
    assert (
        found.markdown == "```python\na: mx.array, (2, 3) float32\n```\n\nan array: every call in this file passes one"
    )

    found = await card(mlx_index, None, code, code.index("b ="))
    assert found is not None
    assert found.markdown == (
        "```python\nb: mx.array, (3,) float32\n```\n\nfrom `a[0] + 1`\n\n"
        "an array, as `a` is: every call in this file passes one"
    )


async def test_a_keyword_argument_shows_its_parameter(mlx_index: ApiIndex) -> None:
    code = "import mlx.core as mx\nmx.random.randint(0, 9, dtype=mx.int8)"

    shown = await card(mlx_index, None, code, code.index("dtype"))

    assert shown is not None and code[shown.start : shown.end] == "dtype"
    assert shown.markdown.startswith("```python\ndtype: Dtype")
    assert "of [mlx.core.random.randint](" in shown.markdown


async def test_a_parameter_of_several_overloads_shows_each_form(mlx_index: ApiIndex) -> None:
    code = "import mlx.core as mx\nmx.arange(start=0, stop=3)"

    shown = await card(mlx_index, None, code, code.index("stop"))

    assert shown is not None
    assert shown.markdown.startswith("```python\nstop: None | int | float\nstop: int | float\n```")


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

    task = asyncio.create_task(hover(Queries(Buffer(CODE), mlx_index), PLACE, ask))
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
