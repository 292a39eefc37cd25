"""Infinity that meets a zero, and comparisons with what is not a number."""

import re
from collections.abc import Iterator
from functools import partial

from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.number_masks import ones_and_zeros
from tenny_lsp.pitfalls.origins import last_value, origin
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, Search, rule
from tenny_lsp.pitfalls.values import is_mask, literal_of
from tenny_lsp.source.syntax import Node, field, text_of, without_parentheses

_INFINITE = re.compile(r"[-+]?\(?[-+]?(?:float\([\"'][-+]?inf(?:inity)?[\"']\)|(?:mx|np|math|numpy|jnp)\.inf)\)?")
_NAN = re.compile(r"""(?:(?:mx|mlx\.core|math|np|numpy)\.nan|float\(["']nan["']\))""")
_NAMED = re.compile(r"(?i)\w*(?:inf|neg|masked|fill|big|large)\w*")
_WHY = "0 times infinity is not a number: every place that is not masked becomes nan. Write"
_M = "m = mx.array([1.0, 0.0])\n"
_NEG = f'NEG_INF = float("-inf")\n{_M}def bias(keep):\n'
_FINITE = "not mx.isnan(y).any().item() and y[1].item() < -1e8"


@rule(
    "infinite-product",
    "warning",
    "A mask multiplied by infinity",
    PYTHON + "_autosummary/mlx.core.where.html",
    scope="file",
    kinds=("binary_operator",),
    words=("inf",),
    examples=(
        Example(f"{_M}y = (1 - m) * -mx.inf", f"{_M}y = mx.where(m, 0.0, -mx.inf)", _FINITE, "wrong"),
        Example(f'{_M}y = (m == 0) * float("-inf")', f'{_M}y = mx.where(m == 0, float("-inf"), 0.0)', _FINITE, "wrong"),
        Example("y = mx.triu(mx.ones((2, 2)), k=1) * -mx.inf\ny = y[0]",
                "y = mx.where(mx.triu(mx.ones((2, 2)), k=1), -mx.inf, 0.0)\ny = y[0]", _FINITE, "wrong"),
        Example(f"{_NEG}    return (1.0 - keep[None]) * NEG_INF\ny = bias(m)[0]",
                f"{_NEG}    return mx.where(keep[None], 0.0, NEG_INF)\ny = bias(m)[0]", _FINITE, "wrong"),
    ),
)  # fmt: skip
def infinite_product(context: RuleContext, node: Node) -> Search | None:
    """Find ones and zeros that are multiplied by infinity: where they are 0 the product is not a number."""
    left, operator, right = (field(node, part) for part in ("left", "operator", "right"))
    if operator is None or operator.type != "*" or left is None or right is None:
        return None
    for mask, number in ((left, right), (right, left)):
        text = text_of(number)
        if _INFINITE.fullmatch(text) or (number.type == "identifier" and _NAMED.fullmatch(text)):
            return partial(_multiplied, context, node, mask, number)
    return None


def _multiplied(context: RuleContext, node: Node, mask: Node, number: Node, _: Node) -> Iterator[Finding]:
    infinite = last_value(context, number) if number.type == "identifier" else number
    if infinite is None or _INFINITE.fullmatch(text_of(infinite)) is None:
        return
    kept = _subtracted(mask)
    named = last_value(context, mask) if mask.type == "identifier" else None
    if named is not None and _subtracted(named) is not None:
        yield Finding(node, f"{_WHY} `mx.where`.")
        return
    found = origin(context, mask) if kept is None else None
    if kept is None and (found is None or not (is_mask(context, found) or ones_and_zeros(context, mask))):
        return
    mx, inner = context.alias("mlx.core", node), without_parentheses(mask)
    infinity = text_of(number)
    chosen = f"{text_of(kept)}, 0.0, {infinity}" if kept is not None else f"{text_of(inner)}, {infinity}, 0.0"
    text = f"{mx}.where({chosen})"
    yield Finding(
        node, f"{_WHY} `{text}`.",
        (Fix(f"Write {text}", (replaced(node, text),), is_safe=False),) if mx else (),
    )  # fmt: skip


def _subtracted(node: Node) -> Node | None:
    """Return ``mask`` of ``1 - mask``; None where an expression is another."""
    node = without_parentheses(node)
    left, operator, right = (field(node, part) for part in ("left", "operator", "right"))
    is_one = operator is not None and operator.type == "-" and literal_of(left) in (1, 1.0)
    return right if is_one and right is not None and literal_of(right) is None else None


@rule(
    "compared-with-nan",
    "warning",
    "A comparison with nan",
    PYTHON + "_autosummary/mlx.core.isnan.html",
    kinds=("comparison_operator",),
    words=("nan",),
    examples=(
        Example("x[0, 0] = mx.nan\ny = x == mx.nan", "x[0, 0] = mx.nan\ny = mx.isnan(x)", "y.any().item()", "wrong"),
        Example("x[0, 0] = mx.nan\ny = mx.where(x != float('nan'), x, 0)",
                "x[0, 0] = mx.nan\ny = mx.where(~mx.isnan(x), x, 0)", "y.sum().item() == 15", "wrong"),
        Example("x[0, 0] = mx.nan\ny = (x.sum() == np.nan)", "x[0, 0] = mx.nan\ny = (mx.isnan(x.sum()))", "y.item()",
                "wrong"),
    ),
)  # fmt: skip
def compared_with_nan(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find ``x == mx.nan``, which is false of every number, nan itself among them."""
    operators = [child.type for child in node.children if not child.is_named]
    if operators not in (["=="], ["!="]) or len(node.named_children) != 2:
        return
    left, right = node.named_children
    array, nan = (right, left) if _NAN.fullmatch(text_of(left)) else (left, right)
    if not _NAN.fullmatch(text_of(nan)) or not context.is_array(array):
        return
    mx, sign = context.alias("mlx.core", node), "" if operators == ["=="] else "~"
    text = f"{sign}{mx}.isnan({text_of(array)})"
    fixes = (Fix(f"Write {text}", (replaced(node, text),), is_safe=False),) if mx else ()
    always = "false" if operators == ["=="] else "true"
    yield Finding(node, f"Nothing equals nan, not even nan: this is {always} everywhere. `mx.isnan` finds it.", fixes)


RULES = (infinite_product, compared_with_nan)
