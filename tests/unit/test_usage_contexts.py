"""What stands around a use of MLX, in finished and unfinished text."""

import pytest

from tenny_lsp.mlx_api.usage_contexts import ARRAY, KINDS, Members, Use, module_aliases, uses, uses_before, words_of

MEMBERS = Members(
    {
        "mlx.core": {"zeros", "ones", "sum", "fast"},
        "mlx.core.fast": {"rope"},
        "mlx.nn": {"Linear", "LayerNorm"},
        ARRAY: {"sum", "reshape"},
    }
)
IMPORTS = "import mlx.core as mx\nimport mlx.nn as nn\n"


def found(text: str) -> list[tuple[str, str]]:
    return [(use.owner, use.name) for use in uses(IMPORTS + text, MEMBERS)]


def context(use: Use, kind: str) -> list[str]:
    return use.contexts[KINDS.index(kind)].split("\t")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = mx.zeros(3)", [("mlx.core", "zeros")]),
        ("x = mx.fast.rope(q)", [("mlx.core", "fast"), ("mlx.core.fast", "rope")]),
        ("y = x.reshape(2).sum()", [(ARRAY, "reshape"), (ARRAY, "sum")]),
        ("y = mx.ones(3).sum()", [("mlx.core", "ones"), (ARRAY, "sum")]),
        ("mx.sum_of", []),
        ("np.sum(x) + self.sum", []),
        ("s = 'mx.zeros'  # mx.ones", []),
        ('"""\nmx.zeros\n"""\nmx.ones(1)', [("mlx.core", "ones")]),
        ("other.mx.zeros", []),
    ],
)
def test_uses_are_found(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


def test_no_use_without_an_import() -> None:
    assert list(uses("mx.zeros(3)\nx.reshape(2)\n", MEMBERS)) == []


@pytest.mark.parametrize(
    ("imports", "aliases"),
    [
        ("import mlx.core as mx", {"mx": "mlx.core"}),
        ("from mlx import nn, optimizers as optim", {"nn": "mlx.nn", "optim": "mlx.optimizers"}),
        ("    import mlx.nn as layers", {"layers": "mlx.nn"}),
        ("import mlx.core\nfrom mlx import utils", {}),
    ],
)
def test_imports_give_modules_their_names(imports: str, aliases: dict[str, str]) -> None:
    assert dict(module_aliases(imports)) == aliases


def test_a_place_is_described_by_what_was_written_before_it() -> None:
    text = (
        IMPORTS + "class Block:\n    def __init__(self):\n        self.up_proj = nn.Linear(2, 3)\n        self.norm2 = "
    )

    use, earlier = uses_before(text, "mlx.nn", MEMBERS)

    assert [(past.owner, past.name) for past in earlier] == [("mlx.nn", "Linear")]
    assert (use.owner, use.name) == ("mlx.nn", "")
    assert context(use, "two tokens") == ["=", "norm"]
    assert context(use, "targets") == ["norm", "up_proj", "Linear"]
    assert context(use, "function") == ["__init__", "="]
    assert use.words == {"norm", "init"}


def test_of_an_array_the_receiver_counts_and_what_stands_before_it() -> None:
    use, _ = uses_before(IMPORTS + "y = mx.sum(q, self.keys", ARRAY, MEMBERS)

    assert context(use, "two tokens") == ["keys", ","]
    assert context(use, "calls") == ["(sum", "", ","]


def test_what_is_written_is_what_was_announced() -> None:
    """Counting and completing see a place alike, or the counts would say nothing of it."""
    text = (
        IMPORTS
        + "def f(x):\n    y = mx.ones((2, 3))\n\n    # about to\n    z = foo(y, axis=1,\n        a=mx.zeros(x.sum"
    )
    written = list(uses(text + "(1))", MEMBERS))

    announced, earlier = uses_before(text[: text.index("mx.zeros")], "mlx.core", MEMBERS)
    array, _ = uses_before(text[: text.rindex(".")], ARRAY, MEMBERS)

    assert announced.contexts == written[1].contexts
    assert array.contexts == written[2].contexts
    assert earlier == written[:1]


def test_a_bracket_left_open_is_forgotten_at_the_next_statement() -> None:
    use, _ = uses_before(IMPORTS + "x = f(1,\nreturn ", "mlx.core", MEMBERS)

    assert context(use, "calls") == ["", "", "return"]


@pytest.mark.parametrize(
    ("name", "words"),
    [("self_attnNorm2", {"self", "attn", "norm"}), ("RMSNorm", {"rmsnorm"}), ("x1", {"x"}), ("_", set())],
)
def test_names_have_words(name: str, words: set[str]) -> None:
    assert words_of(name) == words


def test_a_function_in_a_docstring_disturbs_only_what_is_near() -> None:
    text = 'def f():\n    """Like this:\n\n    def g(x):\n        mx.ones(1)\n    """\n\ndef h():\n    mx.zeros(2)\n'

    assert ("mlx.core", "zeros") in found(text)
