"""Indexing: masks, slices by arrays, indices beyond the end."""

from collections.abc import Iterator

from tenny_lsp.pitfalls.calls import Call, all_within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, atom, replaced
from tenny_lsp.pitfalls.rule import ISSUES, PYTHON, USAGE, Example, Finding, rule
from tenny_lsp.pitfalls.values import is_mask, literal_of, shape_of
from tenny_lsp.source.syntax import Node, field, up_to

_INDEXING = USAGE + "indexing.html"
_NUMBERS = {"integer", "unary_operator", "none", "comment"}


@rule(
    "boolean-index",
    "error",
    "`x[mask]` read",
    ISSUES + "246",
    kinds=("subscript",),
    examples=(
        Example("y = x[x > 2]", "y = mx.where(x > 2, x, 0)", "y.shape == (2, 3)", is_fixed=False),
        Example(
            "mask = x > 2\ny = x[mask]", "y = mx.array(np.array(x)[np.array(x) > 2])", "y.size == 3", is_fixed=False
        ),
        Example(
            "rows = x[:, 0] > 0\ny = x[rows, 1]",
            "y = mx.where(x[:, 0] > 0, x[:, 1], 0)",
            "y.shape == (2,)",
            is_fixed=False,
        ),
        Example("x[..., x[0] > 1] = 0\ny = x", "y = mx.where(x[0] > 1, 0, x)", "y[1, 2].item() == 0", is_fixed=False),
        Example(
            "keep = mx.array([1, 0]).astype(mx.bool_)\nx[keep, 0] = 9\ny = x",
            "keep = mx.array([1, 0]).astype(mx.bool_)\nx[:, 0] = mx.where(keep, 9, x[:, 0])\ny = x",
            "y[0, 0].item() == 9",
            is_fixed=False,
        ),
        Example("y = x[:, [True, False, True]]", "y = x[:, [0, 2]]", "y.shape == (2, 2)", is_fixed=False),
    ),
)
def boolean_index(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find reads by a mask: their result has no shape that is known beforehand. Assigning by a mask works."""
    value, keys = field(node, "value"), node.children_by_field_name("subscript")
    if value is None or not any(_is_mask(context, key) for key in keys) or not context.is_array(value):
        return
    outer = node.parent
    if outer is not None and outer.type in ("assignment", "delete_statement") and field(outer, "right") != node:
        if outer.type == "assignment" and len(keys) > 1 and field(outer, "left") == node:
            yield Finding(
                node, "MLX assigns by a boolean mask only where the mask stands alone, `x[mask] = value`: among other "
                "indices it raises. `mx.where(mask, value, x)` broadcasts the mask.",
            )  # fmt: skip
        return
    yield Finding(
        node, "MLX cannot read by a boolean mask, as the shape of the result would depend on the data. Use "
        "`mx.where(mask, x, other)`, or NumPy: `mx.array(np.array(x)[np.array(mask)])`. Assigning by a mask works.",
    )  # fmt: skip


def _is_mask(context: RuleContext, key: Node) -> bool:
    """Return whether a part of an index is a mask: an array of booleans, or a list of nothing else."""
    if key.type == "list" and key.named_children:
        return all(item.type in ("true", "false") for item in key.named_children)
    return is_mask(context, key)


@rule(
    "where-condition-only",
    "error",
    "`mx.where(condition)`",
    PYTHON + "_autosummary/mlx.core.where.html",
    calls=("where",),
    examples=(
        Example(
            "y = mx.where(x > 2)",
            "y = [mx.array(i) for i in np.nonzero(np.array(x > 2))]",
            "len(y) == 2",
            is_fixed=False,
        ),
    ),
)
def where_condition_only(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find ``mx.where`` that is to return indices."""
    if (
        context.name(call.function) == "mlx.core.where"
        and call.is_whole
        and len(call.arguments) == 1
        and not call.keywords
    ):
        yield Finding(
            call.node, "`mx.where` needs `x` and `y` to choose from: MLX has no `nonzero`, as the shape of its result "
            "would depend on the data. `np.nonzero(np.array(condition))` gives the indices.", link=_INDEXING,
        )  # fmt: skip


@rule(
    "array-in-slice",
    "error",
    "An array as a slice's bound",
    _INDEXING,
    kinds=("slice",),
    examples=(
        Example(
            "i = mx.argmax(x[0])\ny = x[0][i:]", "i = mx.argmax(x[0])\ny = x[0][i.item():]", "y.size == 1",
        ),
        Example(
            "i = mx.array(0)\ny = x[i:i + 1]", "i = mx.array(0)\ny = x[i.item():(i + 1).item()]", "y.shape == (1, 3)",
        ),
        Example(
            "order = mx.argsort(x[0])\nfirst = order[0]\ny = x[0, first:first + 2]",
            "order = mx.argsort(x[0])\nfirst = order[0]\ny = x[0, first.item():(first + 2).item()]", "y.shape == (2,)",
        ),
    ),
)  # fmt: skip
def array_in_slice(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find slices between arrays: their bounds have to be Python's numbers."""
    bounds = [child for child in node.named_children if child.type not in _NUMBERS and _is_computed(context, child)]
    bounds = [bound for bound in bounds if context.is_array(bound)]
    outer = up_to(node, "subscript") if bounds else None
    if outer is not None and context.is_array(field(outer, "value")):
        edits = tuple(replaced(bound, f"{atom(bound)}.item()") for bound in bounds)
        message = (
            "A slice's bounds are Python's numbers; `.item()` gives an array's. "
            "To stay lazy, take `mx.take(x, start + mx.arange(length), axis)`."
        )
        yield Finding(node, message, (Fix("Take .item()", edits, is_safe=False),))


def _is_computed(context: RuleContext, bound: Node) -> bool:
    """Return whether a bound comes from a call, as ``argmax``: parameters annotated as arrays are often numbers.

    What an object keeps takes long to find out, and is hardly ever an array.
    """
    names = [bound] if bound.type == "identifier" else list(all_within(bound, "identifier"))
    values = [context.value_of(name) for name in names]
    return b"." not in (bound.text or b"") and any(_is_made(context, value) for value in values)


def _is_made(context: RuleContext, value: Node | None, depth: int = 0) -> bool:
    """Return whether a value is what a call returns, or an item of that, or arithmetic on it."""
    if value is None or depth > 4:
        return False
    if value.type == "identifier":
        return _is_made(context, context.value_of(value), depth + 1)
    if value.type in ("subscript", "binary_operator", "parenthesized_expression"):
        return _is_made(context, value.named_children[0], depth + 1)
    return value.type == "call"


@rule(
    "index-out-of-bounds",
    "warning",
    "An index beyond the end",
    _INDEXING,
    kinds=("subscript",),
    examples=(
        Example("v = mx.zeros(3)\ny = v[3]", "v = mx.zeros(3)\ny = v[2]", "y.item() == 0", "undefined", is_fixed=False),
    ),
)
def index_out_of_bounds(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find literal indices outside an array whose shape is known: MLX reads what lies there."""
    value, keys = field(node, "value"), node.children_by_field_name("subscript")
    if value is None or not keys or keys[0].type not in ("integer", "unary_operator"):
        return
    shape = shape_of(context, value)
    if shape is None or not context.is_array(value):
        return
    for key, size in zip(keys, shape, strict=False):
        index = literal_of(key)
        if type(index) is not int:
            return
        if size is not None and not -size <= index < size:
            yield Finding(
                key, f"MLX checks no bounds: this axis has {size} elements, and what is read here is undefined."
            )


RULES = (boolean_index, where_condition_only, array_in_slice, index_out_of_bounds)
