"""What is offered where, in which order, and when nothing is said."""

import math
from collections.abc import Mapping, Sequence

import pytest

from tenny_lsp.features.candidates import CompletionCandidate
from tenny_lsp.features.completion import Completions, completions, documentation, read_ahead
from tenny_lsp.features.ranking import ASKED, Score, mixed, read_before
from tenny_lsp.inference.queries import Queries
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.mlx_api.usage_contexts import _uses_in
from tenny_lsp.source.buffer import Buffer

IMPORTS = "import mlx.core as mx\nimport mlx.nn as nn\nimport mlx.optimizers as optim\n"
MODEL = IMPORTS + "class Net(nn.Module):\n    def __init__(self):\n        self.fc = nn.Linear(2, 3)\n"


class Opinion:
    """A model that likes one name, and keeps what it was asked."""

    def __init__(self, favourite: str | None) -> None:
        self.favourite = favourite
        self.asked: list[tuple[str, list[str]]] = []

    async def __call__(self, text: str, names: Sequence[str]) -> Mapping[str, float] | None:
        self.asked.append((text, list(names)))
        return None if self.favourite is None else {name: -20.0 * (name != self.favourite) for name in names}


async def complete(code: str, index: ApiIndex, score: Score | None = None) -> Completions | None:
    return await completions(Queries(Buffer(code.replace("‸", "")), index), code.index("‸"), score)


async def offered(code: str, index: ApiIndex, score: Score | None = None) -> list[CompletionCandidate]:
    found = await complete(code, index, score)
    return list(found.candidates) if found is not None else []


async def names(code: str, index: ApiIndex, score: Score | None = None) -> list[str]:
    return [candidate.name for candidate in await offered(code, index, score)]


@pytest.mark.parametrize(
    ("code", "first"),
    [
        ("x = mx.concat‸", "concatenate"),
        ("class Net(nn.‸", "Module"),
        ("optimizer = optim.‸", "AdamW"),
        ("x = mx.random.‸", "normal"),
        ("x = mx.zeros((2, 3))\nx = x.reshape(B, L, H, -1).‸", "transpose"),
        ("x = x.astype(mx.‸", "float32"),
        ("import mlx.‸", "core"),
        ("from mlx import ‸", "core"),
        ("from mlx.core import ‸", "array"),
    ],
)
async def test_what_real_code_writes_comes_first(code: str, first: str, mlx_index: ApiIndex) -> None:
    assert first in (await names(IMPORTS + code, mlx_index))[:3]


@pytest.mark.parametrize(
    "code",
    [
        IMPORTS + "# mx.‸",
        IMPORTS + "s = 'mx.‸",
        IMPORTS + "s = f'mx.‸'",
        IMPORTS + "unknown.‸",
        IMPORTS + "mx = 3\nmx.‸",
        IMPORTS + "y = 1.‸",
        IMPORTS + "x = ‸",
        IMPORTS + "print(‸",
        IMPORTS + "def f(a, ‸",
        IMPORTS + "mx.sum([a, ‸",
        "import numpy as np\nnp.‸",
        "import torch.nn as nn\nnn.‸",
        "import ‸",
        "import os.‸",
        "from numpy import ‸",
        "mx.‸",
        "",
    ],
)
async def test_elsewhere_nothing_is_said(code: str, mlx_index: ApiIndex) -> None:
    assert await complete(code if "‸" in code else "‸", mlx_index) is None


async def test_in_the_braces_of_an_f_string_there_is_code(mlx_index: ApiIndex) -> None:
    assert "mean" in await names(IMPORTS + "f'loss {mx.‸}'", mlx_index)


async def test_members_of_values(mlx_index: ApiIndex) -> None:
    assert {"reshape", "shape", "T"} <= set(await names(IMPORTS + "x = mx.ones(3)\nx.‸", mlx_index))
    layer = await names(MODEL + "    def f(self):\n        self.fc.‸", mlx_index)
    assert {"parameters", "to_quantized"} <= set(layer)
    assert layer == [name for name in layer if not name.startswith("_")]


async def test_of_a_users_own_class_only_what_is_mlxs_and_last(mlx_index: ApiIndex) -> None:
    found = await offered(MODEL + "    def f(self):\n        self.‸", mlx_index)

    assert "parameters" in {candidate.name for candidate in found}
    assert "fc" not in {candidate.name for candidate in found}
    assert all(candidate.is_background for candidate in found)


async def test_private_names_are_for_those_who_ask(mlx_index: ApiIndex) -> None:
    code = MODEL + "    def f(self):\n        self.fc.‸"

    assert not [name for name in await names(code, mlx_index) if name.startswith("_")]
    assert "__call__" in await names(code.replace("‸", "__‸"), mlx_index)


@pytest.mark.parametrize(
    ("code", "keywords"),
    [
        ("mx.softmax(x, ‸", ["axis=", "precise=", "stream="]),
        ("mx.softmax(x, axis=1, ‸)", ["precise=", "stream="]),
        ("mx.softmax(x, pre‸, axis=1)", ["precise=", "stream="]),
        ("nn.Linear(‸", ["input_dims=", "output_dims=", "bias="]),
        ("nn.Linear(2, 3, ‸)", ["bias="]),
    ],
)
async def test_keywords_that_are_not_given_yet(code: str, keywords: list[str], mlx_index: ApiIndex) -> None:
    assert await names(IMPORTS + code, mlx_index) == keywords


@pytest.mark.parametrize("code", ["mx.zeros(2, dtype=‸)", "mx.zeros(2, dtype=mx‸", "mx.ones(3).astype(‸"])
async def test_types_where_a_type_is_wanted(code: str, mlx_index: ApiIndex) -> None:
    found = await offered(IMPORTS + code, mlx_index)

    assert found[0].name == "mx.float32" and found[0].kind == "type"
    assert {"mx.int32", "mx.bfloat16", "mx.bool_"} <= {candidate.name for candidate in found}


async def test_no_types_for_another_keyword(mlx_index: ApiIndex) -> None:
    assert await complete(IMPORTS + "mx.zeros(2, stream=‸)", mlx_index) is None


async def test_names_of_other_libraries_lead_to_mlxs(mlx_index: ApiIndex) -> None:
    found = await offered(IMPORTS + "x = mx.c‸", mlx_index)

    alias = next(candidate for candidate in found if candidate.typed_as == "cat")
    assert (alias.name, alias.entry, alias.foreign) == ("concatenate", "mlx.core.concatenate", "torch.cat")
    method = await offered(IMPORTS + "x = mx.ones(3)\nx.p‸", mlx_index)
    assert ("transpose", "permute") in {(candidate.name, candidate.typed_as) for candidate in method}


@pytest.mark.parametrize(
    ("code", "name", "typed_as"),
    [
        ("mx.sum(x, d‸", "axis=", "dim="),
        ("mx.sum(x, kd‸", "keepdims=", "keepdim="),
        ("mx.ones(3).sum(dim‸)", "axis=", "dim="),
        ("nn.Linear(in‸", "input_dims=", "in_features="),
        ("optim.Adam(l‸", "learning_rate=", "lr="),
    ],
)
async def test_keywords_of_other_libraries_lead_to_mlxs(
    code: str, name: str, typed_as: str, mlx_index: ApiIndex
) -> None:
    found = await offered(IMPORTS + code, mlx_index)

    assert (name, typed_as) in {(candidate.name, candidate.typed_as) for candidate in found}
    aliased = [candidate.name for candidate in found if candidate.foreign]
    assert len(set(aliased)) == len(aliased)


async def test_a_keyword_that_is_given_has_no_other_names(mlx_index: ApiIndex) -> None:
    found = await offered(IMPORTS + "mx.sum(x, axis=0, d‸", mlx_index)

    assert "dim=" not in {candidate.typed_as for candidate in found}


@pytest.mark.parametrize(("typed", "has"), [("c", True), ("ca", True), ("ct", True), ("CAT", True), ("conc", False)])
async def test_names_of_other_libraries_are_those_that_may_be_meant(typed: str, has: bool, mlx_index: ApiIndex) -> None:
    found = await offered(f"{IMPORTS}x = mx.{typed}‸", mlx_index)

    assert ("cat" in [candidate.typed_as for candidate in found]) == has


async def test_the_next_letter_brings_more_only_after_the_dot(mlx_index: ApiIndex) -> None:
    empty, typed = await complete(IMPORTS + "mx.‸", mlx_index), await complete(IMPORTS + "mx.c‸", mlx_index)

    assert empty is not None and empty.is_incomplete
    assert typed is not None and not typed.is_incomplete


@pytest.mark.parametrize(
    ("code", "name", "takes"),
    [
        ("x = mx.‸", "zeros", "arguments"),
        ("x = nn.‸", "ReLU", "nothing"),
        ("x = mx.‸", "float32", ""),
        ("x = mx.ze‸(3)", "zeros", ""),
        ("@mx.‸", "compile", ""),
        ("class Net(nn.‸", "Module", ""),
        ("def f(x: mx.‸", "array", ""),
        ("def f() -> mx.‸", "array", ""),
        ("from mlx.core import ‸", "zeros", ""),
        ("f = mx.vmap(mx.‸", "sum", ""),
        ("f = mx.sum(mx.‸", "exp", "arguments"),
        ("d = {'a': mx.‸", "zeros", "arguments"),
    ],
)
async def test_parentheses_where_a_call_is_likely(code: str, name: str, takes: str, mlx_index: ApiIndex) -> None:
    found = await offered(IMPORTS + code, mlx_index)

    assert next(candidate for candidate in found if candidate.name == name).takes == takes


async def test_what_mlx_calls_deprecated_is_marked(mlx_index: ApiIndex) -> None:
    found = {candidate.name: candidate for candidate in await offered(IMPORTS + "mx.metal.‸", mlx_index)}

    assert found["clear_cache"].replaced_by == "mx.clear_cache"
    assert found["start_capture"].replaced_by == found["is_available"].replaced_by == ""
    assert (documentation("mlx.core.metal.clear_cache", "", mlx_index) or "").startswith("Deprecated: use")


async def test_documentation_says_what_the_foreign_name_is_here(mlx_index: ApiIndex) -> None:
    said = documentation("mlx.core.concatenate", "torch.cat", mlx_index)

    assert said is not None and said.startswith("`torch.cat` is `mx.concatenate` in MLX.")
    assert said.count("dim is called axis") == 1
    assert "mx.concatenate(" in said.replace("`torch.cat` is `mx.concatenate`", "")
    assert documentation("", "", mlx_index) is None
    assert documentation("mlx.core.never", "torch.cat", mlx_index) is None


async def test_the_model_has_a_say(mlx_index: ApiIndex) -> None:
    opinion = Opinion("eval")
    code = IMPORTS + "loss, grads = step(x)\noptimizer.update(model, grads)\nmx.‸"

    found = await names(code, mlx_index, opinion)

    assert found[0] == "eval"
    ((text, asked),) = opinion.asked
    assert text == code.removesuffix("‸")
    assert len(asked) == ASKED and set(asked) < set(found)


async def test_a_late_model_changes_nothing_yet(mlx_index: ApiIndex) -> None:
    late = Opinion(None)
    found, alone = await complete(IMPORTS + "mx.z‸", mlx_index, late), await complete(IMPORTS + "mx.z‸", mlx_index)

    assert found is not None and alone is not None
    assert found.candidates == alone.candidates
    assert found.is_incomplete and not alone.is_incomplete


async def test_the_model_is_asked_the_same_while_a_name_is_typed(mlx_index: ApiIndex) -> None:
    opinion = Opinion("zeros")
    for typed in ("", "z", "ze"):
        await complete(IMPORTS + f"mx.{typed}‸", mlx_index, opinion)

    assert len(set(map(str, opinion.asked))) == 1


def test_counts_and_model_share_the_probability() -> None:
    likely = [math.log(value) for value in (0.5, 0.3, 0.2)]

    scores = mixed(likely, ["a", "b", "c"], {"a": math.log(0.01), "b": math.log(0.03)}, share=0.5)

    assert [math.exp(score) for score in scores] == pytest.approx([0.375, 0.525, 0.1])


def test_a_name_nobody_thinks_of_is_no_error() -> None:
    assert mixed([0.0, -1e9], ["a", "b"], {"a": 0.0})[1] < -100


def test_what_the_model_reads_starts_at_a_line_that_seldom_changes() -> None:
    text = "".join(f"line number {number}\n" for number in range(1000))

    starts = {len(text[:end]) - len(read_before(text, end)) for end in range(9000, 9500)}

    assert len(starts) <= 2
    assert all(read_before(text, end).startswith("line number") for end in (2500, 9000, len(text)))
    assert all(len(read_before(text, end)) < 2100 for end in range(0, len(text), 99))


async def test_what_has_been_read_ahead_need_not_be_read_again(mlx_index: ApiIndex) -> None:
    text = IMPORTS + "".join(f"def f{number}(x):\n    return mx.abs(x) + {number}\n" for number in range(50))

    assert len(list(read_ahead(text, mlx_index))) == 50
    before = _uses_in.cache_info()
    await offered(f"{text}y = mx.‸", mlx_index)

    after = _uses_in.cache_info()
    assert (after.hits - before.hits, after.misses) == (50, before.misses)
