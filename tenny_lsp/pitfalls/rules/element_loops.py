"""Arrays that are filled one element at a time."""

import re
from collections.abc import Iterator

from tenny_lsp.pitfalls.calls import call_of, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.source.syntax import Node, field, text_of

_OUT = "v = mx.arange(40.0)\nout = mx.zeros_like(v)\n"
_BY = "for i in range({}):\n    out[i] = {}\ny = out"
_MAKERS = ("zeros", "zeros_like", "ones", "full", "array")


@rule(
    "element-loop",
    "warning",
    "An array filled one element at a time",
    PYTHON + "_autosummary/mlx.core.convolve.html",
    kinds=("for_statement",),
    examples=(
        Example(_OUT + _BY.format("v.size", "mx.sqrt(v[i]) * 2"), "v = mx.arange(40.0)\ny = mx.sqrt(v) * 2",
                "y[4].item() == 4", "slow", is_fixed=False),
        Example(_OUT + _BY.format("1, v.shape[0]", "v[i] - v[i - 1]"),
                "v = mx.arange(40.0)\ny = mx.concatenate([mx.zeros(1), v[1:] - v[:-1]])", "y[4].item() == 1", "slow",
                is_fixed=False),
        Example("y = mx.zeros((30, 20))\nh, w = y.shape\n"
                "for i in range(h):\n    for j in range(w):\n        y[i, j] = i * w + j",
                "y = mx.arange(600).reshape(30, 20)", "y[1, 2].item() == 22", "slow", is_fixed=False),
    ),
)  # fmt: skip
def element_loop(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find loops that compute each element of an array by itself, from arrays or from its indices."""
    index, limit = _counted(node)
    inner = _only_statement(node)
    if not index or inner is None:
        return
    indices, loop = [index], _counted(inner) if inner.type == "for_statement" else ("", None)
    if loop[0]:
        indices, inner = [index, loop[0]], _only_statement(inner)
    inner, condition = _chosen(inner) if inner is not None else (None, None)
    assigned = inner.named_children[0] if inner is not None and inner.type == "expression_statement" else None
    left, right = field(assigned, "left"), field(assigned, "right")
    if left is None or right is None or left.type != "subscript" or assigned is None or assigned.type != "assignment":
        return
    array = left.named_children[0]
    keys = [text_of(key) for key in left.children_by_field_name("subscript")]
    if keys != indices or array.type != "identifier":
        return
    if not _is_long(limit, right, indices) or not _is_plain(context, right, text_of(array)):
        return
    if condition is not None and not _is_plain(context, condition, text_of(array)):
        return
    made = call_of(_assigned_before(node, array))
    if made is not None and made.name in _MAKERS and context.name(made.function).startswith("mlx.core."):
        yield Finding(
            left, "Each turn adds several operations to the graph, one of them a copy of the whole array: for many "
            "elements this is slow. Compute all of them at once, from slices, `mx.arange`, `mx.where` or `mx.conv1d`.",
        )  # fmt: skip


def _assigned_before(loop: Node, array: Node) -> Node | None:
    """Return the expression that is assigned to a name right before a loop, among the statements beside it."""
    statement = loop.prev_named_sibling
    while statement is not None:
        assigned = statement.named_children[0] if statement.type == "expression_statement" else None
        if text_of(field(assigned, "left") or loop) == text_of(array):
            return field(assigned, "right")
        statement = statement.prev_named_sibling
    return None


def _counted(loop: Node) -> tuple[str, Node | None]:
    """Return the variable of a loop over numbers and how far it counts: ``i`` and ``n`` of ``for i in range(n)``."""
    left, call = field(loop, "left"), call_of(field(loop, "right"))
    if left is None or left.type != "identifier" or call is None or text_of(call.function) != "range":
        return "", None
    limit = call.arguments[1] if len(call.arguments) == 2 else call.arguments[0] if len(call.arguments) == 1 else None
    return (text_of(left), limit) if limit is not None and limit.type != "integer" else ("", None)


def _chosen(statement: Node) -> tuple[Node | None, Node | None]:
    """Return the only statement under an ``if``, and its condition; of another statement, itself."""
    if statement.type != "if_statement":
        return statement, None
    is_alone = field(statement, "alternative") is None
    return (_only_statement(statement, "consequence") if is_alone else None), field(statement, "condition")


def _only_statement(loop: Node, part: str = "body") -> Node | None:
    body = field(loop, part)
    found = [one for one in body.named_children if one.type != "comment"] if body is not None else []
    return found[0] if len(found) == 1 else None


def _is_long(limit: Node | None, value: Node, indices: list[str]) -> bool:
    """Return whether a loop goes through the elements of an array, not through a few rows.

    So do two in each other, one up to ``x.size``, and one whose value depends on the neighbours of an element.
    """
    if len(indices) == 2:
        return True
    text = text_of(limit) if limit is not None else ""
    is_near = re.search(rf"\[[^\]]*\b{indices[0]} *[-+] *\w", text_of(value)) is not None
    return ".size" in text or is_near


def _is_plain(context: RuleContext, value: Node, array: str) -> bool:
    """Return whether a value is computed by MLX's functions alone, and not from the array that is filled."""
    if any(text_of(one) == array for one in within(value, "identifier")) or any(within(value, "lambda")):
        return False
    called = [found.function for one in within(value, "call") if (found := call_of(one)) is not None]
    are_known = all(context.name(one).startswith("mlx.core.") or text_of(one) == "abs" for one in called)
    return are_known and value.type not in ("integer", "float", "identifier")


RULES = (element_loop,)
