"""Masks given to attention that mask nothing, or what it should see."""

from collections.abc import Iterator
from functools import partial

from tenny_lsp.pitfalls.calls import Call
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, atom, replaced
from tenny_lsp.pitfalls.number_masks import is_future, ones_and_zeros
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, Search, rule
from tenny_lsp.source.syntax import Node

_ATTENTION = "mlx.core.fast.scaled_dot_product_attention"
_ATTENTIONS = ("scaled_dot_product_attention", "nn.MultiHeadAttention(", "nn.TransformerEncoder")
#: Layer → the place of the mask among the arguments of its call.
_LAYERS = {"mlx.nn.MultiHeadAttention": 3, "mlx.nn.TransformerEncoder": 1, "mlx.nn.TransformerEncoderLayer": 1}
_Q = "q = mx.arange(24.0).reshape(1, 1, 3, 8) / 9\n"
_SCORES = "y = mx.fast.scaled_dot_product_attention(q, q, q, scale=1.0, mask={})"
_FIRST = "mx.allclose(y[0, 0, 0], q[0, 0, 0]).item()"
_HEADS = "mha = nn.MultiHeadAttention(8, 2)\nz = q[0]\n"
_FIRST_HEAD = "z.shape == (1, 3, 8) and mx.allclose(y[0, 0], mha(z[:, :1], z[:, :1], z[:, :1])[0, 0], atol=1e-4).item()"


@rule(
    "number-mask",
    "warning",
    "A mask of ones and zeros given to attention",
    PYTHON + "_autosummary/mlx.core.fast.scaled_dot_product_attention.html",
    scope="file",
    calls=("*",),
    words=_ATTENTIONS,
    examples=(
        Example(
            _Q + _SCORES.format("mx.tril(mx.ones((3, 3)))"),
            _Q + _SCORES.format("mx.tril(mx.ones((3, 3))).astype(mx.bool_)"),
            _FIRST, "wrong",
        ),
        Example(
            _Q + "i = mx.arange(3)\nmask = (i[:, None] >= i).astype(mx.float32)\n" + _SCORES.format("mask[None]"),
            _Q + "i = mx.arange(3)\nmask = (i[:, None] >= i).astype(mx.float32)\n"
            + _SCORES.format("mask[None].astype(mx.bool_)"),
            _FIRST, "wrong",
        ),
        Example(
            _Q + "def causal(n):\n    return mx.tri(n)\n" + _SCORES.format("causal(3)"),
            _Q + "def causal(n):\n    return mx.tri(n)\n" + _SCORES.format("causal(3).astype(mx.bool_)"),
            _FIRST, "wrong",
        ),
        Example(
            _Q + _SCORES.format("mx.array(np.tril(np.ones((3, 3))))"),
            _Q + _SCORES.format("mx.array(np.tril(np.ones((3, 3)))).astype(mx.bool_)"),
            _FIRST, "wrong",
        ),
        Example(
            _Q + "mask = 1 - mx.triu(mx.ones((3, 3)), k=1)\n" + _SCORES.format("mask"),
            _Q + "mask = 1 - mx.triu(mx.ones((3, 3)), k=1)\n" + _SCORES.format("mask.astype(mx.bool_)"),
            _FIRST, "wrong",
        ),
        Example(
            _Q + "mask = mx.array([[1, 0, 0], [1, 1, 0], [1, 1, 1]])\n" + _SCORES.format("mask"),
            _Q + "mask = mx.array([[1, 0, 0], [1, 1, 0], [1, 1, 1]])\n" + _SCORES.format("mask.astype(mx.bool_)"),
            _FIRST, "wrong",
        ),
        Example(
            _Q + _HEADS.replace("z = q[0]", "z = q[:, 0]") + "y = mha(z, z, z, mx.triu(mx.ones((3, 3)), k=1))",
            _Q + _HEADS.replace("z = q[0]", "z = q[:, 0]") + "y = mha(z, z, z, mx.triu(mx.ones((3, 3)), k=1) == 0)",
            _FIRST_HEAD, "wrong",
        ),
    ),
)  # fmt: skip
def number_mask(context: RuleContext, call: Call) -> Search | None:
    """Find masks of ones and zeros that are numbers, not booleans: attention adds them to its scores."""
    mask = _mask(context, call)
    return partial(_of_numbers, context, mask) if mask is not None and mask.type != "string" else None


def _mask(context: RuleContext, call: Call) -> Node | None:
    """Return the mask that a call gives to attention; None where it gives none, or is another call."""
    mask = call.value("mask")
    if mask is not None and call.name == "scaled_dot_product_attention":
        return mask if context.name(call.function) == _ATTENTION else None
    if not any(map(context.file.mentions, ("nn.MultiHeadAttention(", "nn.TransformerEncoder"))):
        return None
    if (mask is None and len(call.arguments) not in (2, 4)) or call.name[:1].isupper():
        return None
    for layer, place in _LAYERS.items():
        given = mask or next(iter(call.arguments[place : place + 1]), None)
        if given is not None and given.type not in ("none", "string", "integer") and context.is_a(call.function, layer):
            return given
    return None


def _of_numbers(context: RuleContext, mask: Node, _: Node) -> Iterator[Finding]:
    kind = ones_and_zeros(context, mask)
    if not kind:
        return
    mx, fixes = context.alias("mlx.core", mask), tuple[Fix, ...]()
    text = f"{atom(mask)} == 0" if kind == "upper" else f"{atom(mask)}.astype({mx}.bool_)"
    if kind != "unknown" and (mx or kind == "upper"):
        fixes = (Fix(f"Give {text}", (replaced(mask, text),), is_safe=False),)
    yield Finding(
        mask, "Attention adds a mask of numbers to its scores: ones and zeros mask nothing. Give booleans, True where "
        "attention may look, or 0 and `-inf`.", fixes,
    )  # fmt: skip


_TRIANGLE = "mask = mx.triu(mx.ones((3, 3)), k=1)"
_CAUSAL = "def causal(n):\n    return mx.triu(mx.ones((n, n), dtype=mx.bool_), k=1)\n"


@rule(
    "reversed-mask",
    "warning",
    "PyTorch's mask of what attention may not see",
    PYTHON + "_autosummary/mlx.core.fast.scaled_dot_product_attention.html",
    scope="file",
    calls=("*",),
    words=_ATTENTIONS,
    examples=(
        Example(
            f"{_Q}{_TRIANGLE}.astype(mx.bool_)\n" + _SCORES.format("mask"),
            f"{_Q}{_TRIANGLE}.astype(mx.bool_)\n" + _SCORES.format("~mask"), _FIRST, "wrong",
        ),
        Example(
            f"{_Q}{_TRIANGLE} > 0\n" + _SCORES.format("mask[None, None]"),
            f"{_Q}{_TRIANGLE} > 0\n" + _SCORES.format("~mask[None, None]"), _FIRST, "wrong",
        ),
        Example(
            f"{_Q}i = mx.arange(3)\n" + _SCORES.format("i[None, :] > i[:, None]"),
            f"{_Q}i = mx.arange(3)\n" + _SCORES.format("~(i[None, :] > i[:, None])"), _FIRST, "wrong",
        ),
        Example(
            _Q + _CAUSAL + _SCORES.format("causal(3)"), _Q + _CAUSAL + _SCORES.format("~causal(3)"), _FIRST, "wrong",
        ),
        Example(
            _Q + _SCORES.format("mx.array(np.triu(np.ones((3, 3), dtype=bool), k=1))"),
            _Q + _SCORES.format("~mx.array(np.triu(np.ones((3, 3), dtype=bool), k=1))"), _FIRST, "wrong",
        ),
    ),
)  # fmt: skip
def reversed_mask(context: RuleContext, call: Call) -> Search | None:
    """Find masks of booleans that are true for the future: MLX's attention looks where its mask is true."""
    mask = _mask(context, call)
    return partial(_of_the_future, context, mask) if mask is not None and mask.type != "string" else None


def _of_the_future(context: RuleContext, mask: Node, _: Node) -> Iterator[Finding]:
    if is_future(context, mask):
        text = f"~{atom(mask)}"
        yield Finding(
            mask, "This is true for what comes later, as PyTorch's masks of what may not be seen; MLX's attention "
            f"looks where its mask is true: the first sees all but itself, and the last sees nothing. Write `{text}`.",
            (Fix(f"Write {text}", (replaced(mask, text),), is_safe=False),),
        )  # fmt: skip


RULES = (number_mask, reversed_mask)
