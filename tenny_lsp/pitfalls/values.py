"""Shapes and dtypes of arrays, as far as the text states them in literals."""

import ast

from tenny_lsp.inference.meaning import Plain
from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.source.syntax import Node, field, text_of

#: Functions whose first argument is the shape of what they make.
_MADE = {"mlx.core.zeros", "mlx.core.ones", "mlx.core.full", "mlx.core.random.normal"}
_SHAPED = {"zeros", "ones", "full", "normal", "uniform", "randint", "array", "arange", "astype", "reshape"}
#: Functions that return places in an array.
_PLACES = {"argmax", "argmin", "argsort", "argpartition"}
#: Function → the place of the dtype among its arguments.
_DTYPE_AT = {"mlx.core.array": 1, "mlx.core.zeros": 1, "mlx.core.ones": 1, "mlx.core.full": 2, "mlx.core.eye": 3,
             "mlx.core.random.normal": 1, "mlx.core.random.uniform": 3}  # fmt: skip
_DEEPEST = 8
#: An axis of unknown length.
UNKNOWN = None
#: Functions, and operators, that return arrays of booleans.
_MASKS = {"mlx.core.isnan", "mlx.core.isinf", "mlx.core.isfinite", "mlx.core.logical_not", "mlx.core.logical_and",
          "mlx.core.logical_or", "mlx.core.greater", "mlx.core.less", "mlx.core.equal", "mlx.core.not_equal",
          "mlx.core.greater_equal", "mlx.core.less_equal"}  # fmt: skip
_COMPARED = {"==", "!=", "<", ">", "<=", ">="}


def axes_of(context: RuleContext, node: Node | None) -> int | None:
    """Return how many axes an array has; None where it is not known."""
    shape = shape_of(context, node)
    return len(shape) if shape is not None else None


def shape_of(context: RuleContext, node: Node | None, depth: int = 0) -> tuple[int | None, ...] | None:
    """Return an array's shape, with None for each unknown length; None where even the number of axes is unknown."""
    value = context.value_of(node) if depth < _DEEPEST else None
    if value is None:
        return None
    if value.type == "parenthesized_expression" and len(value.named_children) == 1:
        return shape_of(context, value.named_children[0], depth + 1)
    call = call_of(value)
    if call is not None and call.is_whole:
        return _made(context, call, depth)
    if value.type in ("binary_operator", "comparison_operator") and len(value.named_children) == 2:
        if value.children[1].type == "@":
            return None
        return _broadcast(context, value.named_children, depth)
    if value.type == "unary_operator":
        return shape_of(context, field(value, "argument"), depth + 1) if context.is_array(value) else None
    return None


def _broadcast(context: RuleContext, operands: list[Node], depth: int) -> tuple[int | None, ...] | None:
    """Return the shape of an operation on two operands, of which one is a number or both have the same shape."""
    left, right = (shape_of(context, operand, depth + 1) for operand in operands)
    if left is None or right is None:
        known, other = (right, operands[0]) if left is None else (left, operands[1])
        return known if known is not None and isinstance(context.meaning(other), Plain) else None
    return left if left == right else None


def _made(context: RuleContext, call: Call, depth: int) -> tuple[int | None, ...] | None:
    if call.name not in _SHAPED:  # to find out what is called takes much longer
        return None
    name = context.name(call.function)
    if name in _MADE:
        return _shape(call.value("shape") or (call.arguments[0] if call.arguments else None))
    if name in ("mlx.core.random.uniform", "mlx.core.random.randint"):
        return _shape(call.value("shape") or (call.arguments[2] if len(call.arguments) > 2 else None))
    if name == "mlx.core.array" and call.arguments:
        literal = _literal(call.arguments[0])
        return _nested(literal) if literal is not None else None
    if name == "mlx.core.arange" and len(call.arguments) == 1 and not call.keywords.keys() - {"dtype"}:
        stop = _literal(call.arguments[0])
        return (stop,) if isinstance(stop, int) else (UNKNOWN,)
    if name == "mlx.core.array.astype":
        return shape_of(context, call.owner, depth + 1)
    if name == "mlx.core.array.reshape" and call.arguments:
        return _sizes(list(call.arguments)) if len(call.arguments) > 1 else _shape(call.arguments[0])
    if name == "mlx.core.reshape" and len(call.arguments) == 2:
        return _shape(call.arguments[1])
    return None


def _shape(node: Node | None) -> tuple[int | None, ...] | None:
    if node is None:
        return None
    if node.type in ("tuple", "list"):
        return _sizes([child for child in node.named_children if child.type != "comment"])
    literal = _literal(node)
    return (literal if literal >= 0 else UNKNOWN,) if type(literal) is int else None


def _sizes(nodes: list[Node]) -> tuple[int | None, ...] | None:
    if any(node.type == "list_splat" for node in nodes):
        return None
    found = [_literal(node) for node in nodes]
    return tuple(size if type(size) is int and size >= 0 else UNKNOWN for size in found)


def _nested(value: object) -> tuple[int | None, ...] | None:
    """Return the shape of nested lists of numbers."""
    shape: list[int | None] = []
    while isinstance(value, list | tuple):
        shape.append(len(value))
        value = value[0] if value else 0
    return tuple(shape) if isinstance(value, int | float | complex) else None


def literal_of(node: Node | None) -> object:
    """Return the value of a literal: a number, a string, or a list or tuple of them; None where it is none."""
    return _literal(node) if node is not None else None


def _literal(node: Node) -> object:
    try:
        value: object = ast.literal_eval(text_of(node))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return value


def dtype_of(context: RuleContext, node: Node | None, depth: int = 0) -> str:
    """Return the name of an array's dtype, ``int32``; an empty string where it is not known."""
    value = context.value_of(node) if depth < _DEEPEST else None
    call = call_of(value)
    if call is None or not call.is_whole:
        return ""
    name = context.name(call.function)
    given = call.value("dtype")
    if name == "mlx.core.array.astype":
        given = given or (call.arguments[0] if call.arguments else None)
    elif name in _DTYPE_AT and len(call.arguments) > _DTYPE_AT[name]:
        given = given or call.arguments[_DTYPE_AT[name]]
    if given is not None:
        dtype = context.name(given)
        return dtype.removeprefix("mlx.core.") if name.startswith("mlx.core.") else ""
    if name == "mlx.core.array" and call.arguments:
        return _literal_dtype(_literal(call.arguments[0]))
    if name.removeprefix("mlx.core.").removeprefix("array.") in _PLACES:
        return "uint32"
    if name == "mlx.core.arange" and all(context.meaning(one) == Plain("int") for one in call.arguments):
        return "int32"
    if name in ("mlx.core.zeros", "mlx.core.ones") or name == "mlx.core.random.normal":
        return "float32" if len(call.arguments) == 1 else ""
    if name == "mlx.core.random.randint":
        return "int32" if len(call.arguments) <= 3 else ""
    return ""


def _literal_dtype(value: object) -> str:
    kinds = set[type]()
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list | tuple):
            waiting += part
        else:
            kinds.add(type(part))
    if kinds == {int}:
        return "int32"
    return "float32" if kinds and kinds <= {int, float} else ""


def is_mask(context: RuleContext, node: Node) -> bool:
    """Return whether an expression is an array of booleans by its form: a comparison, ``~mask``, ``mx.isnan(x)``."""
    value = context.value_of(node)
    while value is not None and value.type == "parenthesized_expression" and value.named_children:
        value = value.named_children[0]
    if value is None:
        return False
    if value.type == "comparison_operator":
        operators = {text_of(child) for child in value.children if not child.is_named}
        return operators <= _COMPARED and context.is_array(value)
    if value.type == "unary_operator" and text_of(value).startswith("~"):
        inner = field(value, "argument")
        return inner is not None and is_mask(context, inner)
    call = call_of(value)
    if call is not None and call.name == "astype" and len(call.arguments) == 1:
        return context.name(call.arguments[0]) == "mlx.core.bool_" and context.is_array(value)
    return call is not None and context.name(call.function) in _MASKS and context.is_array(value)
