"""Evaluate expressions, with one function for each kind of syntax node."""

from collections.abc import Callable

from tenny_lsp.inference.shapes.attributes import attribute_value
from tenny_lsp.inference.shapes.dimension import (
    UNKNOWN,
    Expression,
    Unknown,
    add,
    floor_divide,
    multiply,
    subtract,
)
from tenny_lsp.inference.shapes.frames import (
    NEVER,
    Callee,
    Frame,
    Never,
    has_never,
    item_of,
    join_all,
    without_symbols_of,
)
from tenny_lsp.inference.shapes.invoke import call_value
from tenny_lsp.inference.shapes.protocol import Shapes
from tenny_lsp.inference.shapes.rule import Value
from tenny_lsp.inference.shapes.rules.indexing import ELLIPSIS, Slice, indexed
from tenny_lsp.inference.shapes.table import OPERATORS, rule_of
from tenny_lsp.inference.shapes.values import BOOL, FLOAT, INT, Array, Items, ShapeError, is_int, is_number
from tenny_lsp.inference.shapes.variables import name_value
from tenny_lsp.source.scope import Span
from tenny_lsp.source.syntax import Node, field, text_of

Evaluate = Callable[[Shapes, Frame, Node], Value]


def value(shapes: Shapes, frame: Frame, node: Node) -> Value:
    """Return the value of an expression; unknown where nothing is certain, or where it is certain to raise."""
    try:
        return checked(shapes, frame, node)
    except ShapeError:
        return UNKNOWN


def checked(shapes: Shapes, frame: Frame, node: Node) -> Value:
    """Return the value of an expression, as ``value`` does.

    Raises:
        ShapeError: It is certain to raise, and none of its parts is.
    """
    evaluate = _EVALUATORS.get(node.type)
    return evaluate(shapes, frame, node) if evaluate is not None else UNKNOWN


def _integer(shapes: Shapes, frame: Frame, node: Node) -> Value:
    try:
        return int(text_of(node), 0)
    except ValueError:
        return INT


def _float(shapes: Shapes, frame: Frame, node: Node) -> Value:
    try:
        return float(text_of(node))
    except ValueError:
        return UNKNOWN


def _string(shapes: Shapes, frame: Frame, node: Node) -> Value:
    parts = [child for child in node.named_children if child.type == "string_content"]
    is_plain = all(child.type in ("string_start", "string_content", "string_end") for child in node.named_children)
    return text_of(parts[0]) if len(parts) == 1 and is_plain and not parts[0].named_children else UNKNOWN


def _binary(shapes: Shapes, frame: Frame, node: Node) -> Value:
    left, right, operator = field(node, "left"), field(node, "right"), field(node, "operator")
    if left is None or right is None or operator is None:
        return UNKNOWN
    if node.type == "augmented_assignment" and left.type == "identifier":
        one = name_value(shapes, frame, left, before=True)
    else:
        one = shapes.value(frame, left)
    sign = text_of(operator)
    if node.type == "augmented_assignment":
        sign = sign.removesuffix("=")
    return operated(one, shapes.value(frame, right), sign)


def operated(one: Value, other: Value, operator: str) -> Value:
    """Return the value of an operation on two values."""
    if has_never((one, other)):
        return NEVER
    if isinstance(one, Array) or isinstance(other, Array):
        return _on_arrays(one, other, operator)
    if isinstance(one, tuple) and isinstance(other, tuple) and operator == "+":
        return one + other
    if isinstance(one, tuple) and isinstance(other, int) and operator == "*" and 0 <= other * len(one) <= 64:
        return one * other
    if isinstance(one, tuple | Items) and operator == "*":
        items = join_all(one) if isinstance(one, tuple) else one.each
        return Items(items) if not isinstance(items, Never) else UNKNOWN
    return _on_numbers(one, other, operator)


def _on_arrays(one: Value, other: Value, operator: str) -> Value:
    # What is no array and not certain to be a number may be an array, too.
    rule = rule_of(f"mlx.core.{OPERATORS.get(operator, '')}")
    return rule(one, other) if rule is not None else UNKNOWN


def _on_numbers(one: Value, other: Value, operator: str) -> Value:
    if (isinstance(one, float) and isinstance(other, int | float)) or (
        isinstance(other, float) and isinstance(one, int)
    ):
        return FLOAT if operator in ("+", "-", "*", "/", "**", "//", "%") else UNKNOWN
    is_whole = all(isinstance(part, int | Expression) for part in (one, other))
    if is_whole and operator in ("+", "-", "*", "//"):
        found = {"+": add, "-": subtract, "*": multiply, "//": floor_divide}[operator](one, other)
        return INT if isinstance(found, Unknown) and is_int(one) and is_int(other) else found
    if isinstance(one, int) and isinstance(other, int):
        return _on_known(one, other, operator)
    if not (is_number(one) and is_number(other)):
        return UNKNOWN
    if operator == "/" or FLOAT in (one, other) or isinstance(one, float) or isinstance(other, float):
        return FLOAT
    if operator == "**":
        return FLOAT if isinstance(other, int) and other < 0 else UNKNOWN
    return INT if is_int(one) and is_int(other) and operator in ("+", "-", "*", "//", "%") else UNKNOWN


def _on_known(one: int, other: int, operator: str) -> Value:
    if operator == "/":
        return one / other if other else UNKNOWN
    if operator == "%":
        return one % other if other else UNKNOWN
    if operator == "**" and 0 <= other < 64:
        return one**other
    if operator == "**":
        return FLOAT
    return {"<<": INT, ">>": INT, "&": INT, "|": INT, "^": INT}.get(operator, UNKNOWN)


def _unary(shapes: Shapes, frame: Frame, node: Node) -> Value:
    argument, operator = field(node, "argument"), field(node, "operator")
    if argument is None or operator is None:
        return UNKNOWN
    found = shapes.value(frame, argument)
    if isinstance(found, Array | Never):
        return found
    if text_of(operator) == "-" and isinstance(found, int | float | Expression):
        return multiply(-1, found) if not isinstance(found, float) else -found
    return found if is_number(found) and text_of(operator) in "+-" and found != BOOL else UNKNOWN


def _comparison(shapes: Shapes, frame: Frame, node: Node) -> Value:
    operators = [text_of(child) for child in node.children if not child.is_named]
    if {"in", "not in", "is", "is not"} & set(operators):
        return BOOL
    values = [shapes.value(frame, child) for child in node.named_children]
    if len(values) != 2 or len(operators) != 1:
        return UNKNOWN
    if has_never(tuple(values)):
        return NEVER
    if any(isinstance(part, Array) for part in values):
        return _on_arrays(values[0], values[1], operators[0])
    return BOOL if all(is_number(part) for part in values) else UNKNOWN


def _conditional(shapes: Shapes, frame: Frame, node: Node) -> Value:
    parts = [child for child in node.named_children if child.type != "comment"]
    return join_all(shapes.value(frame, part) for part in (parts[0], parts[2])) if len(parts) == 3 else UNKNOWN


def _boolean(shapes: Shapes, frame: Frame, node: Node) -> Value:
    left, right = field(node, "left"), field(node, "right")
    return join_all(shapes.value(frame, part) for part in (left, right) if part is not None)


def _display(shapes: Shapes, frame: Frame, node: Node) -> Value:
    found: list[Value] = []
    for child in node.named_children:
        if child.type == "list_splat" and child.named_children:
            starred = shapes.value(frame, child.named_children[0])
            if not isinstance(starred, tuple):
                return NEVER if isinstance(starred, Never) else UNKNOWN
            found += starred
        elif child.type in ("list_splat", "ERROR"):
            return UNKNOWN
        elif child.type != "comment":
            found.append(shapes.value(frame, child))
    return tuple(found) if len(found) <= 64 else Items(join_all(found))


def _comprehension(shapes: Shapes, frame: Frame, node: Node) -> Value:
    body = field(node, "body")
    if body is None:
        return UNKNOWN
    each = without_symbols_of(shapes.value(frame, body), frame.home, Span(node.start_byte, node.end_byte))
    return Items(each)


def _subscript(shapes: Shapes, frame: Frame, node: Node) -> Value:
    owner, keys = field(node, "value"), node.children_by_field_name("subscript")
    found = shapes.value(frame, owner) if owner is not None else UNKNOWN
    if isinstance(found, Never):
        return NEVER
    if isinstance(found, Array):
        return _of_array(shapes, frame, found, keys)
    if len(keys) != 1 or not isinstance(found, tuple | Items):
        return UNKNOWN
    key = _key(shapes, frame, keys[0])
    if isinstance(key, Slice):
        bounds = (key.start, key.stop, key.step)
        if isinstance(found, tuple) and all(part is None or type(part) is int for part in bounds):
            return found[slice(*bounds)]
        return Items(join_all(found)) if isinstance(found, tuple) and found else found if found else UNKNOWN
    if type(key) is int:
        return item_of(found, key)
    each = join_all(found) if isinstance(found, tuple) else found.each
    return UNKNOWN if isinstance(each, Never) else each


def _of_array(shapes: Shapes, frame: Frame, array: Array, keys: list[Node]) -> Value:
    values = tuple(_key(shapes, frame, key) for key in keys)
    if has_never(values):
        return NEVER
    if len(values) == 1 and isinstance(values[0], tuple):
        values = values[0]
    return indexed(array, values)


def _key(shapes: Shapes, frame: Frame, node: Node) -> Value:
    if node.type != "slice":
        return shapes.value(frame, node)
    parts: list[Value] = [None]
    for child in node.children:
        if child.type == ":":
            parts.append(None)
        elif child.is_named and child.type != "comment":
            parts[-1] = shapes.value(frame, child)
    return Slice(*parts[:3])


def _inner(shapes: Shapes, frame: Frame, node: Node) -> Value:
    inner = [child for child in node.named_children if child.type != "comment"]
    return shapes.value(frame, inner[0]) if len(inner) == 1 else UNKNOWN


def _lambda(shapes: Shapes, frame: Frame, node: Node) -> Value:
    return Callee(frame.home, node, None, frame)


def _walrus(shapes: Shapes, frame: Frame, node: Node) -> Value:
    found = field(node, "value")
    return shapes.value(frame, found) if found is not None else UNKNOWN


def _constant(constant: Value) -> Evaluate:
    return lambda shapes, frame, node: constant


#: Kind of syntax node → the function that evaluates it.
_EVALUATORS: dict[str, Evaluate] = {
    "identifier": name_value,
    "attribute": attribute_value,
    "call": call_value,
    "subscript": _subscript,
    "binary_operator": _binary,
    "augmented_assignment": _binary,
    "unary_operator": _unary,
    "comparison_operator": _comparison,
    "boolean_operator": _boolean,
    "conditional_expression": _conditional,
    "not_operator": _constant(BOOL),
    "list": _display,
    "tuple": _display,
    "expression_list": _display,
    "list_comprehension": _comprehension,
    "generator_expression": _comprehension,
    "parenthesized_expression": _inner,
    "named_expression": _walrus,
    "lambda": _lambda,
    "integer": _integer,
    "float": _float,
    "string": _string,
    "true": _constant(True),
    "false": _constant(False),
    "none": _constant(None),
    "ellipsis": _constant(ELLIPSIS),
}
