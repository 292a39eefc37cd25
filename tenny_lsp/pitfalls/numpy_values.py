"""Which expressions are certain to be NumPy's arrays, as far as the text shows how they are made."""

from tenny_lsp.inference.meaning import LocalFunction
from tenny_lsp.pitfalls.calls import Call, call_of, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.traced import outer_value
from tenny_lsp.source.syntax import Node, field, text_of

#: NumPy's functions that return arrays, whatever they are given.
_MAKERS = {
    "zeros", "ones", "full", "empty", "arange", "linspace", "eye", "zeros_like", "ones_like", "full_like", "stack",
    "concatenate", "vstack", "hstack", "flatnonzero", "load", "tile", "repeat", "argsort", "sort",
}  # fmt: skip
#: Those that give one number unless they are asked for a shape: function → its place among the arguments.
_DRAWN = {
    "randint": 2, "uniform": 2, "normal": 2, "integers": 2, "choice": 1, "standard_normal": 0, "random": 0, "rand": 0,
    "randn": 0,
}  # fmt: skip
#: NumPy's classes of numbers, but for that which is a ``float`` of Python's too.
_NUMBERS = {"float32", "float16", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"}
_DEEPEST = 4
_LITERALS = ("list", "tuple", "list_comprehension")


def is_numpy_array(context: RuleContext, node: Node | None, depth: int = 0) -> bool:
    """Return whether an expression is certain to be an array of NumPy's that has dimensions."""
    value = context.value_of(node) if node is not None and depth < _DEEPEST else None
    if value is None or not context.file.mentions("numpy"):
        return False
    if value.type == "parenthesized_expression" and len(value.named_children) == 1:
        return is_numpy_array(context, value.named_children[0], depth + 1)
    if value.type == "comparison_operator":
        return len(value.named_children) == 2 and is_numpy_array(context, value.named_children[0], depth + 1)
    call = call_of(value)
    return call is not None and _is_made(context, call, depth)


def _is_made(context: RuleContext, call: Call, depth: int) -> bool:
    if call.owner is None:
        return False
    name = context.external(call.function)
    if name in ("numpy.array", "numpy.asarray"):
        first = call.arguments[0] if call.arguments else None
        return first is not None and (first.type in _LITERALS or is_numpy_array(context, first, depth + 1))
    if name.startswith("numpy."):
        short = name.removeprefix("numpy.")
        return short in _MAKERS or (short.startswith("random.") and _has_shape(call, short.removeprefix("random.")))
    if call.name in ("astype", "reshape", "copy", "flatten", "transpose"):
        return is_numpy_array(context, call.owner, depth + 1)
    made = call_of(outer_value(context, call.owner))
    is_generator = made is not None and context.external(made.function) == "numpy.random.default_rng"
    return is_generator and _has_shape(call, call.name)


def _has_shape(call: Call, name: str) -> bool:
    if name == "permutation":
        return True
    place = _DRAWN.get(name)
    size = call.value("size")
    if size is None and place is not None and len(call.arguments) > place:
        size = call.arguments[place]
    return place is not None and size is not None and size.type != "none"


def is_numpy_number(context: RuleContext, node: Node) -> bool:
    """Return whether an expression is certain to be a number of NumPy's that is none of Python's, as ``float64`` is."""
    call = call_of(node)
    name = context.external(call.function) if call is not None and call.arguments else ""
    is_place = name in ("numpy.argmax", "numpy.argmin") and call is not None
    if is_place and call is not None:
        return len(call.arguments) == 1 and not call.keywords
    return name.removeprefix("numpy.") in _NUMBERS and name.startswith("numpy.")


def holds_numpy_arrays(context: RuleContext, node: Node | None, depth: int = 0) -> bool:
    """Return whether an expression is certain to be a list or tuple that has an array of NumPy's in it.

    A list with a name, or what a function of the file returns, is followed to where it is written.
    """
    value = context.value_of(node) if node is not None and depth < _DEEPEST else None
    if value is None or not context.file.mentions("numpy"):
        return False
    if value.type in ("list", "tuple"):
        return any(
            is_numpy_array(context, one, depth + 1) or is_numpy_number(context, one)
            or holds_numpy_arrays(context, one, depth + 1)
            for one in value.named_children
        )  # fmt: skip
    if value.type == "list_comprehension":
        body = field(value, "body")
        return is_numpy_array(context, body, depth + 1) or (body is not None and is_numpy_number(context, body))
    call = call_of(value)
    function = (
        context.evaluator.meaning(call.function) if call is not None and call.function.type == "identifier" else None
    )
    if not isinstance(function, LocalFunction) or function.home is not context.evaluator:
        return False
    returns = [found.named_children for found in within(field(function.node, "body"), "return_statement")]
    is_plain = "yield" not in text_of(function.node) and "async" not in text_of(function.node.children[0])
    return (
        is_plain
        and bool(returns)
        and all(found and holds_numpy_arrays(context, found[0], depth + 1) for found in returns)
    )
