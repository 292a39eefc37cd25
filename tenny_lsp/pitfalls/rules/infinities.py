"""Infinity that meets a zero, and comparisons with what is not a number."""

import re
from collections.abc import Iterator

from tenny_lsp.pitfalls.calls import call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.origins import last_value
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.pitfalls.values import is_mask
from tenny_lsp.source.syntax import Node, field, text_of

_INFINITE = re.compile(r"""-?\s*(?:(?:mx|mlx\.core|math|np|numpy)\.inf|float\(["'][-+]?inf(?:inity)?["']\))""")
_NAN = re.compile(r"""(?:(?:mx|mlx\.core|math|np|numpy)\.nan|float\(["']nan["']\))""")
#: Functions that leave or make zeros in an array.
_ZEROED = {f"mlx.core.{name}" for name in ("tril", "triu", "tri", "eye", "identity", "zeros", "ones", "zeros_like")}
#: What leaves the zeros where they are.
_KEPT = ("astype", "reshape", "expand_dims", "squeeze", "broadcast_to", "array")
#: What masks are called.
_MASK = re.compile(r"(?:^|_)masks?$", re.IGNORECASE)
#: Libraries whose arrays a mask may be, too.
_OTHERS = ("numpy", "torch", "jax", "tensorflow")
_DEEPEST = 6


@rule(
    "infinity-times-mask",
    "warning",
    "A mask multiplied by infinity",
    PYTHON + "_autosummary/mlx.core.where.html",
    kinds=("binary_operator",),
    examples=(
        Example("mask = mx.triu(mx.ones((3, 3)), k=1)\ny = mask * -mx.inf",
                "mask = mx.triu(mx.ones((3, 3)), k=1)\ny = mx.where(mask, -mx.inf, 0.0)",
                "not mx.isnan(y).any().item()", "wrong"),
        Example("y = (1 - mx.tril(mx.ones((3, 3)))) * float('-inf')",
                "y = mx.where(1 - mx.tril(mx.ones((3, 3))), float('-inf'), 0.0)", "not mx.isnan(y).any().item()",
                "wrong"),
        Example("y = -mx.inf * (x > 3)", "y = mx.where(x > 3, -mx.inf, 0.0)", "not mx.isnan(y).any().item()", "wrong"),
        Example("def bias(mask):\n    return (1.0 - mask) * -mx.inf\ny = bias(mx.array([1.0, 0.0]))",
                "def bias(mask):\n    return mx.where(1.0 - mask, -mx.inf, 0.0)\ny = bias(mx.array([1.0, 0.0]))",
                "not mx.isnan(y).any().item()", "wrong"),
    ),
)  # fmt: skip
def infinity_times_mask(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find a mask of zeros and ones that is multiplied by infinity: of the zeros it makes nan."""
    operator, left, right = (field(node, part) for part in ("operator", "left", "right"))
    if operator is None or left is None or right is None or operator.type != "*":
        return
    mask, infinity = (right, left) if _INFINITE.fullmatch(text_of(left)) else (left, right)
    if not _INFINITE.fullmatch(text_of(infinity)) or not _has_zeros(context, mask):
        return
    is_own = "mx." in text_of(infinity) or not any(map(context.file.mentions, _OTHERS))
    if not is_own and not context.is_array(node):
        return
    mx, inner = context.alias("mlx.core", node), mask
    while inner.type == "parenthesized_expression" and len(inner.named_children) == 1:
        inner = inner.named_children[0]
    text = f"{mx}.where({text_of(inner)}, {text_of(infinity)}, 0.0)"
    fixes = (Fix(f"Write {mx}.where", (replaced(node, text),), is_safe=False),) if mx else ()
    yield Finding(
        node, "0 times infinity is nan, and a mask has zeros. `mx.where(mask, -mx.inf, 0.0)` chooses instead.", fixes
    )


def _has_zeros(context: RuleContext, node: Node, depth: int = 0) -> bool:
    """Return whether an expression is a mask: of triangles, comparisons, or of that name in code of MLX's."""
    if depth > _DEEPEST:
        return False
    if node.type == "parenthesized_expression" and len(node.named_children) == 1:
        return _has_zeros(context, node.named_children[0], depth + 1)
    if node.type == "binary_operator":
        left, operator, right = (field(node, part) for part in ("left", "operator", "right"))
        is_inverse = operator is not None and operator.type == "-" and left is not None and _is_one(left)
        return is_inverse and right is not None and _has_zeros(context, right, depth + 1)
    if node.type == "subscript":
        return _has_zeros(context, field(node, "value") or node, depth + 1)
    if node.type == "identifier":
        value = last_value(context, node)
        return _has_zeros(context, value, depth + 1) if value is not None else bool(_MASK.search(text_of(node)))
    call = call_of(node)
    if call is None:
        return is_mask(context, node)
    made = context.name(call.function)
    if call.name in _KEPT and (made.startswith("mlx.core.") or call.owner is not None):
        inner = call.owner if made != f"mlx.core.{call.name}" else next(iter(call.arguments), None)
        return inner is not None and _has_zeros(context, inner, depth + 1)
    return (made in _ZEROED and call.name != "ones") or is_mask(context, node)


def _is_one(node: Node) -> bool:
    return text_of(node) in ("1", "1.0", "1.")


@rule(
    "compared-with-nan",
    "warning",
    "A comparison with nan",
    PYTHON + "_autosummary/mlx.core.isnan.html",
    kinds=("comparison_operator",),
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


RULES = (infinity_times_mask, compared_with_nan)
