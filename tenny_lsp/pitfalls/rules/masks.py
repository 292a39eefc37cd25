"""Masks of ones and zeros given to attention, which adds numbers to the scores."""

from collections.abc import Iterator
from functools import partial

from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, atom, replaced
from tenny_lsp.pitfalls.origins import origin
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, Search, rule
from tenny_lsp.pitfalls.values import is_mask, literal_of
from tenny_lsp.source.syntax import Node, field, text_of

_ATTENTION = "mlx.core.fast.scaled_dot_product_attention"
#: Layer → the place of the mask among the arguments of its call.
_LAYERS = {"mlx.nn.MultiHeadAttention": 3, "mlx.nn.TransformerEncoder": 1, "mlx.nn.TransformerEncoderLayer": 1}
#: What leaves ones and zeros what they are.
_KEPT = {"reshape", "expand_dims", "squeeze", "broadcast_to", "repeat", "tile", "stop_gradient"}
_ONES = {"mlx.core.ones", "mlx.core.ones_like"}
#: What ``1 - mask`` makes of a mask.
_OTHER = {"lower": "upper", "upper": "lower", "unknown": "unknown"}
_DEEPEST = 8
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
    words=("scaled_dot_product_attention", "nn.MultiHeadAttention(", "nn.TransformerEncoder"),
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
    kind = _ones_and_zeros(context, mask)
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


def _ones_and_zeros(context: RuleContext, node: Node | None, depth: int = 0) -> str:
    """Return which numbers a mask of ones and zeros has where attention may look; empty where it may be another.

    ``lower`` for ones there, ``upper`` for zeros, ``unknown`` where the text does not tell.
    """
    found = origin(context, node) if depth < _DEEPEST else None
    if found is None:
        return ""
    if found.type == "subscript":
        keys = found.children_by_field_name("subscript")
        is_whole = all(key.type in ("none", "slice", "ellipsis") for key in keys)
        return _ones_and_zeros(context, field(found, "value"), depth + 1) if is_whole else ""
    if found.type == "binary_operator":  # ``1 - mask``
        left, right, operator = (field(found, part) for part in ("left", "right", "operator"))
        is_other = operator is not None and operator.type == "-" and literal_of(left) in (1, 1.0)
        return _OTHER.get(_ones_and_zeros(context, right, depth + 1), "") if is_other else ""
    call = call_of(found)
    name = context.name(call.function) if call is not None else ""
    if call is None or not name.startswith("mlx.core."):
        return ""
    short, is_method = call.name, name.startswith("mlx.core.array.")
    first = call.owner if is_method else next(iter(call.arguments), None)
    if short in ("tril", "triu"):
        return ("lower" if short == "tril" else "upper") if _are_ones(context, first) else ""
    if short == "tri":
        return "lower" if "dtype" not in call.keywords and len(call.arguments) < 4 else ""
    if short in _KEPT:
        return _ones_and_zeros(context, first, depth + 1)
    if short == "astype" and call.arguments:
        return _converted(context, first, call.arguments[0], depth)
    if short == "where" and len(call.arguments) == 3:
        chosen = [literal_of(one) for one in call.arguments[1:]]
        are_numbers = all(type(one) in (int, float) for one in chosen)
        return "unknown" if are_numbers and sorted(chosen, key=str) in ([0, 1], [0.0, 1.0]) else ""
    if short != "array" or len(call.arguments) != 1 or call.keywords:
        return ""
    return "lower" if _has_both(literal_of(first)) else _of_numpy(context, first)


def _of_numpy(context: RuleContext, node: Node | None) -> str:
    """Return what ``_ones_and_zeros`` does, for a triangle that NumPy makes of ones: ``np.tril(np.ones((n, n)))``."""
    call = call_of(origin(context, node))
    name = context.external(call.function) if call is not None else ""
    if call is None or name not in ("numpy.tril", "numpy.triu", "numpy.tri"):
        return ""
    if name == "numpy.tri":
        return "lower" if "dtype" not in call.keywords and len(call.arguments) < 4 else ""
    inner = call_of(origin(context, call.arguments[0])) if call.arguments else None
    is_plain = inner is not None and len(inner.arguments) == 1 and "dtype" not in inner.keywords
    if inner is None or not is_plain or context.external(inner.function) != "numpy.ones":
        return ""
    return "lower" if name == "numpy.tril" else "upper"


def _converted(context: RuleContext, array: Node | None, dtype: Node, depth: int) -> str:
    """Return what a conversion to numbers makes of booleans, or of ones and zeros."""
    name = context.name(dtype)
    is_number = text_of(dtype).endswith(".dtype") or (name.startswith("mlx.core.") and name != "mlx.core.bool_")
    if not is_number or array is None:
        return ""
    inner = origin(context, array)
    return "lower" if inner is not None and is_mask(context, inner) else _ones_and_zeros(context, array, depth + 1)


def _are_ones(context: RuleContext, node: Node | None) -> bool:
    call = call_of(origin(context, node))
    if call is None:
        return False
    dtype = call.value("dtype") or next(iter(call.arguments[1:2]), None)
    name = context.name(call.function)
    if name == "mlx.core.full":
        return len(call.arguments) > 1 and literal_of(call.arguments[1]) in (1, 1.0) and "dtype" not in call.keywords
    return name in _ONES and context.name(dtype) != "mlx.core.bool_"


def _has_both(value: object) -> bool:
    """Return whether nested lists hold ones and zeros, both of them and nothing else, as numbers."""
    found: list[object] = []
    waiting = [value] if isinstance(value, list) else []
    while waiting:
        for part in waiting.pop():
            (waiting if isinstance(part, list) else found).append(part)
    return all(type(one) in (int, float) for one in found) and {*found} == {0, 1}


RULES = (number_mask,)
