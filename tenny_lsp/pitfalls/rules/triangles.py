"""Triangular masks that leave a row of scores with nothing to attend to: its softmax is nan, or has no meaning."""

import re
from collections.abc import Iterator

from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Edit, Fix, inserted, replaced
from tenny_lsp.pitfalls.origins import last_value
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.pitfalls.values import literal_of
from tenny_lsp.source.syntax import Node, field, text_of

#: Numbers that leave nothing of a score: minus infinity, and what is as good as that.
_NOTHING = re.compile(
    r"""-\s*(?:mx|math|np)\.inf|-?\s*float\(["']-?inf(?:inity)?["']\)|-1e0?[4-9]|-1e[1-3]\d|mx\.finfo\([\w.]+\)\.min"""
)
_TRIANGLES = {"mlx.core.tril": -1, "mlx.core.tri": -1, "mlx.core.triu": 1}
#: What leaves a mask what it is.
_KEPT = ("astype", "reshape", "expand_dims", "broadcast_to", "squeeze", "array")
_DEEPEST = 8
_S = "s = mx.zeros((3, 3))\n"
_IS_FINITE = "not mx.isnan(mx.softmax(y, axis=-1)).any().item()"


@rule(
    "masked-row",
    "warning",
    "A mask that leaves nothing of a row",
    PYTHON + "_autosummary/mlx.core.tril.html",
    calls=("where", "triu"),
    examples=(
        Example(f"{_S}mask = mx.tril(mx.ones((3, 3)))\ny = mx.where(mask == 0, s, -mx.inf)",
                f"{_S}mask = mx.tril(mx.ones((3, 3)))\ny = mx.where(mask == 0, -mx.inf, s)", _IS_FINITE, "wrong"),
        Example(f"{_S}y = mx.where(mx.tril(mx.ones((3, 3), dtype=mx.bool_)), -mx.inf, s)",
                f"{_S}y = mx.where(mx.tril(mx.ones((3, 3), dtype=mx.bool_)), s, -mx.inf)", _IS_FINITE, "wrong"),
        Example(f"{_S}later = mx.triu(mx.ones((3, 3)), k=1).astype(mx.bool_)\ny = mx.where(later, s, float('-inf'))",
                f"{_S}later = mx.triu(mx.ones((3, 3)), k=1).astype(mx.bool_)\ny = mx.where(later, float('-inf'), s)",
                _IS_FINITE, "wrong"),
        Example(f"{_S}y = s + mx.triu(mx.full((3, 3), -mx.inf))", f"{_S}y = s + mx.triu(mx.full((3, 3), -mx.inf), k=1)",
                _IS_FINITE, "wrong"),
    ),
)  # fmt: skip
def masked_row(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find triangular masks the wrong way round, or with the diagonal, of which a row is masked as a whole."""
    if not call.is_whole or context.name(call.function) != f"mlx.core.{call.name}":
        return
    if call.name == "triu":
        yield from _additive(context, call)
        return
    if len(call.arguments) != 3:
        return
    condition, chosen, other = call.arguments
    if bool(_NOTHING.fullmatch(text_of(chosen))) == bool(_NOTHING.fullmatch(text_of(other))):
        return
    kept = _region(context, condition)
    if kept is not None and _NOTHING.fullmatch(text_of(chosen)):
        kept = _complement(kept)
    if kept is None or abs(kept[1]) != 1 or kept[0] != kept[1]:
        return
    turned: tuple[Edit, ...] = (replaced(chosen, text_of(other)), replaced(other, text_of(chosen)))
    row, side = ("last", "after") if kept[0] > 0 else ("first", "before")
    yield Finding(
        call.node, f"This keeps the scores {side} the diagonal alone: nothing is left of the {row} row, and its "
        "softmax has no meaning. `mx.where(mask, kept, masked)` takes what is kept where the mask is true.",
        (Fix("Exchange the values", turned, is_safe=False),),
    )  # fmt: skip


def _additive(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Report ``mx.triu(mx.full(shape, -mx.inf))`` without ``k=1``: it masks the diagonal too."""
    full = call_of(call.arguments[0]) if len(call.arguments) == 1 and not call.keywords else None
    if full is None or len(full.arguments) < 2 or context.name(full.function) != "mlx.core.full":
        return
    value = full.arguments[1]
    if _NOTHING.fullmatch(text_of(value)):
        fix = Fix("Leave the diagonal", (inserted(call.arguments[0].end_byte, ", k=1"),), is_safe=False)
        yield Finding(
            call.node, "Without `k=1` this masks the diagonal too: nothing is left of the first row, and its softmax "
            "is nan.", (fix,),
        )  # fmt: skip


def _region(context: RuleContext, node: Node, depth: int = 0) -> tuple[int, int] | None:
    """Return where a mask is true: below the diagonal (-1) or above it (1), and the first diagonal of it.

    That is 0 for the main diagonal, else -1 or 1. None where it is not known.
    """
    if depth > _DEEPEST:
        return None
    if node.type == "parenthesized_expression" and len(node.named_children) == 1:
        return _region(context, node.named_children[0], depth + 1)
    if node.type in ("identifier", "attribute"):
        is_name = node.type == "identifier"
        value = last_value(context, node) if is_name else context.value_of_attribute(node)
        return _region(context, value, depth + 1) if value is not None else None
    if node.type == "subscript":
        keys = node.children_by_field_name("subscript")
        is_plain = all(text_of(key) in ("None", ":", "...") for key in keys)
        return _region(context, node.named_children[0], depth + 1) if is_plain else None
    if node.type == "unary_operator" and text_of(node).startswith("~"):
        inner = field(node, "argument")
        return _complement(_region(context, inner, depth + 1)) if inner is not None else None
    if node.type in ("comparison_operator", "binary_operator") and len(node.named_children) == 2:
        return _of_operation(context, node, depth)
    call = call_of(node)
    return _of_call(context, call, depth) if call is not None and call.is_whole else None


def _of_operation(context: RuleContext, node: Node, depth: int) -> tuple[int, int] | None:
    left, right = node.named_children
    operator = next((text_of(child) for child in node.children if not child.is_named), "")
    if node.type == "binary_operator":
        is_inverse = operator == "-" and literal_of(left) == 1
        return _complement(_region(context, right, depth + 1)) if is_inverse else None
    number, inner = literal_of(right), _region(context, left, depth + 1)
    if (operator, number) in (("==", 1), ("!=", 0), (">", 0)):
        return inner
    return _complement(inner) if (operator, number) in (("==", 0), ("!=", 1), ("<", 1)) else None


def _of_call(context: RuleContext, call: Call, depth: int) -> tuple[int, int] | None:
    name = context.name(call.function)
    if call.name in _KEPT and (call.owner is not None and not context.is_of_module(call.owner)):
        return _region(context, call.owner, depth + 1)
    side = _TRIANGLES.get(name)
    if side is None or not call.arguments:
        return None
    ones = call_of(call.arguments[0])
    is_full = name == "mlx.core.tri" or (ones is not None and context.name(ones.function) == "mlx.core.ones")
    given = call.value("k") or (call.arguments[1] if len(call.arguments) == 2 and name != "mlx.core.tri" else None)
    diagonal = literal_of(given) if given is not None else 0
    if not is_full or type(diagonal) is not int or (name == "mlx.core.tri" and len(call.arguments) > 1):
        return None
    return (side, diagonal) if abs(diagonal) < 2 else None


def _complement(region: tuple[int, int] | None) -> tuple[int, int] | None:
    return (-region[0], region[1] - region[0]) if region is not None else None


RULES = (masked_row,)
