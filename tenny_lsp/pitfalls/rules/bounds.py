"""Indices beyond the end of an axis, as far as the shapes of the whole file tell them."""

from collections.abc import Iterator

from tenny_lsp.inference.shapes.dimension import product
from tenny_lsp.inference.shapes.frames import Layer
from tenny_lsp.inference.shapes.values import Array
from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.guards import is_prepared
from tenny_lsp.pitfalls.rule import USAGE, Example, Finding, rule
from tenny_lsp.pitfalls.values import literal_of
from tenny_lsp.source.syntax import Node, field, text_of

_EMBEDDINGS = {"mlx.nn.Embedding", "mlx.nn.QuantizedEmbedding"}
#: How many expressions are followed to where the indices are written.
_DEEPEST = 6


@rule(
    "indices-out-of-bounds",
    "warning",
    "Indices beyond the end of an axis",
    USAGE + "indexing.html",
    kinds=("subscript", "call"),
    is_general=True,
    needs_shapes=True,
    examples=(
        Example("y = x[mx.array([0, 2])]", "y = x[mx.array([0, 1])]", "y.shape == (2, 3)", "undefined",
                is_fixed=False),
        Example("y = mx.take(x, mx.array([3]), axis=1)", "y = mx.take(x, mx.array([2]), axis=1)", "y.shape == (2, 1)",
                "undefined", is_fixed=False),
        Example("n = 8\ny = nn.Embedding(n, 4)(mx.arange(n + 1))",
                "n = 8\ny = nn.Embedding(n + 1, 4)(mx.arange(n + 1))",
                "y.shape == (9, 4)", "undefined", is_fixed=False),
    ),
)  # fmt: skip
def indices_out_of_bounds(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find indices, alone or in an array, that are certain to lie outside of an axis whose length is known."""
    for place, index, size in _indexed(context, node):
        bounds = _bounds(context, index, 0)
        wrong = next((one for one in bounds or () if not -size <= one < size), None)
        if wrong is not None and not is_prepared(context, node):
            yield Finding(
                place, f"MLX checks no bounds: there are {size} elements, and {wrong} is the index of none. What is "
                "read is undefined.",
            )  # fmt: skip


def _indexed(context: RuleContext, node: Node) -> Iterator[tuple[Node, Node, int]]:
    """Yield where to underline, the index, and the length of the axis, of each index whose axis is known."""
    if node.type == "subscript":
        yield from _of_subscript(context, node)
    elif (call := call_of(node)) is not None and call.is_whole:
        yield from _of_call(context, call)


def _of_subscript(context: RuleContext, node: Node) -> Iterator[tuple[Node, Node, int]]:
    value, keys = field(node, "value"), node.children_by_field_name("subscript")
    if value is None or all(key.type in ("slice", "string", "ellipsis", "none") for key in keys):
        return
    array = context.shape_value(value)
    if not isinstance(array, Array) or array.shape is None:
        return
    sizes = iter(array.shape)
    for key in keys:
        if key.type in ("ellipsis", "tuple", "list_splat"):
            return
        if key.type != "none" and isinstance(size := next(sizes, None), int) and key.type != "slice":
            yield key, key, size


def _of_call(context: RuleContext, call: Call) -> Iterator[tuple[Node, Node, int]]:
    if call.name == "take":
        yield from _of_take(context, call)
        return
    if len(call.arguments) != 1 or call.keywords or call.name[:1].isupper():
        return
    layer = context.shape_value(call.function)
    size = dict(layer.given).get("num_embeddings") if isinstance(layer, Layer) and layer.name in _EMBEDDINGS else None
    if type(size) is int:
        yield call.arguments[0], call.arguments[0], size


def _of_take(context: RuleContext, call: Call) -> Iterator[tuple[Node, Node, int]]:
    given = call.arguments if context.name(call.function) == "mlx.core.take" else ()
    array = context.shape_value(given[0]) if len(given) >= 2 else None
    if not isinstance(array, Array) or array.shape is None:
        return
    axis = call.value("axis") or (given[2] if len(given) > 2 else None)
    place = context.shape_value(axis) if axis is not None else None
    size = product(array.shape) if axis is None else array.dimension(place) if type(place) is int else None
    if type(size) is int:
        yield given[1], given[1], size


def _bounds(context: RuleContext, node: Node | None, depth: int) -> tuple[int, int] | None:
    """Return the least and the greatest index in an expression; None where they are not known."""
    value = context.value_of(node) if depth < _DEEPEST else None
    if value is None:
        return None
    number = context.shape_value(value)
    if type(number) is int:
        return number, number
    if value.type == "list":
        return _extremes(literal_of(value))
    if value.type == "parenthesized_expression" and len(value.named_children) == 1:
        return _bounds(context, value.named_children[0], depth + 1)
    if value.type == "subscript" and all(
        key.type == "none" or text_of(key) == ":" for key in value.children_by_field_name("subscript")
    ):
        return _bounds(context, field(value, "value"), depth + 1)
    call = call_of(value)
    if call is None or not call.is_whole:
        return None
    if call.name in ("reshape", "astype") and call.owner is not None and context.is_array(call.owner):
        return _bounds(context, call.owner, depth + 1)
    name = context.name(call.function)
    if name == "mlx.core.array" and call.arguments:
        return _extremes(literal_of(call.arguments[0]))
    return _range(context, call) if name == "mlx.core.arange" else None


def _extremes(literal: object) -> tuple[int, int] | None:
    """Return the least and the greatest number in nested lists of whole numbers."""
    found: list[int] = []
    waiting = [literal]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list | tuple):
            waiting += part
        elif type(part) is int:
            found.append(part)
        else:
            return None
    return (min(found), max(found)) if found else None


def _range(context: RuleContext, call: Call) -> tuple[int, int] | None:
    """Return the first and the last number of ``mx.arange``."""
    numbers = [context.shape_value(argument) for argument in call.arguments]
    if call.keywords.keys() - {"dtype"} or not numbers or any(type(number) is not int for number in numbers):
        return None
    if len(numbers) > 3 or (len(numbers) == 3 and numbers[2] == 0):
        return None
    found = range(*numbers)
    return (min(found), max(found)) if found else None


RULES = (indices_out_of_bounds,)
