"""The counts that rank completions: their file, and what they make likely."""

import math

import pytest

from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.mlx_api.usage import (
    FEATURES,
    Counted,
    Usage,
    key_of,
    load_usage,
    members_of,
    normalized,
    to_bytes,
)
from tenny_lsp.mlx_api.usage_contexts import ARRAY, KINDS, Use, uses_before

NAMES = ["abs", "exp", "ones", "zeros"]
WEIGHTS = {"modules": (1.0,) * len(FEATURES), "arrays": (1.0,) * len(FEATURES)}
IMPORTS = "import mlx.core as mx\nimport mlx.nn as nn\n\n"


def use(name: str = "", context: str = "", words: frozenset[str] = frozenset()) -> Use:
    return Use("mlx.core", name, (context,) * len(KINDS), words)


def usage(contexts: dict[int, dict[str, int]] | None = None) -> Usage:
    return Usage(to_bytes(Counted({"mlx.core": {"zeros": 60, "abs": 20}}, contexts or {}, WEIGHTS)))


def ranked(counts: Usage, place: Use, earlier: list[Use] | None = None) -> list[str]:
    scores = counts.scores(place, earlier or [], NAMES)
    return [name for _, name in sorted(zip(scores, NAMES, strict=True), reverse=True)]


def test_without_context_the_frequency_decides() -> None:
    assert ranked(usage(), use())[:2] == ["zeros", "abs"]


def test_scores_are_log_probabilities() -> None:
    assert sum(map(math.exp, usage().scores(use(), [], NAMES))) == pytest.approx(1)


def test_what_has_followed_a_context_is_likelier_there() -> None:
    counts = usage({key_of("mlx.core", 0, "= x"): {"exp": 300, "gone": 7}, key_of("mlx.core", 0, "= y"): {"ones": 4}})

    assert ranked(counts, use(context="= x"))[0] == "exp"
    assert ranked(counts, use(context="= y"))[0] == "ones"
    assert ranked(counts, use(context="= z"))[0] == "zeros"


def test_what_the_file_did_in_such_a_place_it_does_again() -> None:
    assert ranked(usage(), use(context="a"), [use("exp", "a"), use("zeros", "b")])[0] == "exp"


def test_a_name_that_says_what_is_assigned_to_comes_first() -> None:
    assert ranked(usage(), use(words=frozenset({"exp"}))) == ["zeros", "abs", "exp", "ones"]


def test_nothing_to_choose_from_is_no_error() -> None:
    assert usage().scores(use(), [], []) == []
    assert normalized([]) == []


def test_the_shipped_counts_know_mlx_code(mlx_index: ApiIndex) -> None:
    members = members_of(mlx_index)
    shipped = load_usage()

    def best(text: str, owner: str) -> str:
        place, earlier = uses_before(IMPORTS + text, owner, members)
        names = sorted(members.of[owner])
        scores = shipped.scores(place, earlier, names)
        return names[scores.index(max(scores))]

    assert best("class Block(", "mlx.nn") == "Module"
    assert best("loss_and_grad = ", "mlx.nn") == "value_and_grad"
    assert best("x = y.astype(", "mlx.core") in ("float32", "float16")
    assert best("queries = queries.reshape(B, L, self.n_heads, -1)", ARRAY) == "transpose"


def test_the_shipped_counts_are_small_and_of_names_that_exist(mlx_index: ApiIndex) -> None:
    members = members_of(mlx_index)

    assert {"mlx.core", "mlx.core.fast", "mlx.nn", "mlx.nn.losses", "mlx.optimizers", ARRAY} <= members.of.keys()
    assert "__init__" not in members.of["mlx.core.fast"]
    assert load_usage().frequency("mlx.core", "array") > 1000
    assert load_usage().frequency("mlx.core", "cat") == 0
