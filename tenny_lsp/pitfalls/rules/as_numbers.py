"""Arrays of several elements where Python wants one number of them, or the order of one and another."""

import re
from collections.abc import Iterator

from tenny_lsp.inference.shapes.values import Array
from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.guards import is_prepared
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.source.syntax import Node, field, text_of

_ITEM = PYTHON + "_autosummary/mlx.core.array.item.html"
#: Python's functions that take one number.
_NUMBERS = ("float", "int", "complex")
#: Python's functions that compare the rows of an array, or ask each whether it is true → MLX's function.
_ROWS = {"max": "max", "min": "min", "sorted": "sort", "any": "any", "all": "all"}
#: A text with one place for a number, as ``format`` and ``%`` fill it.
_ONE_FIELD = re.compile(r"[^{}]*\{\w*:[^{}]+\}[^{}]*")
_ONE_PLACE = re.compile(r"[^%]*%[-+ 0\d.]*[dfeg][^%]*")
_MATH = (
    "sqrt", "exp", "log", "log2", "log10", "sin", "cos", "tan", "tanh", "floor", "ceil", "isnan", "isinf", "isfinite",
    "fabs", "erf", "atan", "atan2", "pow",
)  # fmt: skip


@rule(
    "array-as-number",
    "error",
    "An array of several elements where one number is wanted",
    _ITEM,
    kinds=("call", "interpolation", "binary_operator"),
    is_general=True,
    needs_shapes=True,
    examples=(
        Example("y = x.item()", "y = x.mean().item()", "y == 2.5", is_fixed=False),
        Example("y = float(x[0])", "y = float(x[0, 1])", "y == 1", is_fixed=False),
        Example("y = f'{x:.2f}'", "y = f'{x.mean():.2f}'", "y == '2.50'", is_fixed=False),
        Example("y = '%.2f' % x", "y = '%.2f' % x.mean()", "y == '2.50'", is_fixed=False),
        Example("y = '{:.2f}'.format(x)", "y = '{:.2f}'.format(x.mean())", "y == '2.50'", is_fixed=False),
        Example("import math\ny = math.sqrt(x)", "import math\ny = mx.sqrt(x)", "y.shape == (2, 3)"),
        Example("y = max(x)", "y = mx.max(x)", "y.item() == 5"),
        Example("y = any(x > 4)", "y = mx.any(x > 4)", "y.item()"),
        Example("def f(a):\n    return int(mx.argmax(a, axis=-1))\ny = f(x)",
                "def f(a):\n    return int(mx.argmax(a))\ny = f(x)", "y == 5", is_fixed=False),
    ),
)  # fmt: skip
def array_as_number(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find arrays that are certain to have several elements where Python, or ``item``, takes one alone."""
    if node.type != "call" or text_of(field(node, "function") or node).endswith(".format"):
        given = _formatted(node)
        if given is not None and _size_is_not_one(context, given) and not is_prepared(context, node):
            yield Finding(given, "Only an array of one element can be formatted as a number: this raises.")
        return
    call = call_of(node)
    if call is None or not call.is_whole or call.keywords:
        return
    given = _given(context, call)
    if given is None or not _is_wrong(context, call, given) or is_prepared(context, node):
        return
    mx = context.alias("mlx.core", node)
    other = _ROWS.get(call.name) or (call.name if context.external(call.function).startswith("math.") else "")
    is_known = other and mx and context.index.resolve(f"mlx.core.{other}") is not None
    fixes = (
        (Fix(f"Write {mx}.{other}", (replaced(call.function, f"{mx}.{other}"),), is_safe=False),) if is_known else ()
    )
    advice = f"`{mx}.{other}` takes all of it." if is_known else "Take one element, or reduce it first."
    yield Finding(
        given, f"This array has several elements, and Python asks for one number: it raises. {advice}", fixes,
    )  # fmt: skip


def _formatted(node: Node) -> Node | None:
    """Return what is formatted as a number alone: in an f-string, by ``%`` or by ``format``."""
    if node.type == "interpolation":
        is_number = any(child.type == "format_specifier" and len(text_of(child)) > 1 for child in node.children)
        return node.named_children[0] if node.named_children and is_number else None
    call, left = call_of(node), field(node, "left")
    text = call.owner if call is not None else left
    if text is None or text.type != "string":
        return None
    if call is not None:
        is_one = len(call.arguments) == 1 and not call.keywords and _ONE_FIELD.fullmatch(text_of(text)) is not None
        return call.arguments[0] if is_one else None
    return field(node, "right") if _ONE_PLACE.fullmatch(text_of(text)) is not None else None


def _given(context: RuleContext, call: Call) -> Node | None:
    """Return that of which a call wants one number; None where it is no such call."""
    if call.name == "item":
        return call.owner if not call.arguments else None
    if not call.arguments:
        return None
    if call.owner is None:
        is_number, is_rows = call.name in _NUMBERS, call.name in _ROWS
        if len(call.arguments) != 1 or not (is_number or is_rows) or context.external(call.function) != call.name:
            return None
        return call.arguments[0]
    is_math = call.name in _MATH and context.external(call.function) == f"math.{call.name}"
    return call.arguments[0] if is_math else None


def _is_wrong(context: RuleContext, call: Call, given: Node) -> bool:
    if call.owner is not None or call.name in _NUMBERS:
        return _size_is_not_one(context, given)
    shape = _shape(context, given)
    if len(shape) < 2 or not any(type(size) is int and size > 1 for size in shape[1:]):
        return False
    return type(shape[0]) is int and shape[0] > (0 if call.name in ("any", "all") else 1)


def _size_is_not_one(context: RuleContext, node: Node) -> bool:
    """Return whether an expression is an array one of whose dimensions is a number other than 1."""
    return any(type(size) is int and size != 1 for size in _shape(context, node))


def _shape(context: RuleContext, node: Node) -> tuple[object, ...]:
    """Return the lengths of an array's axes, as far as they are numbers; nothing where it is none for certain."""
    if node.type in ("integer", "float", "string"):
        return ()
    value = context.shape_value(node)
    return tuple(value.shape) if isinstance(value, Array) and value.shape else ()


@rule(
    "rounded-array",
    "error",
    "Python's `round` of an array",
    PYTHON + "_autosummary/mlx.core.round.html",
    calls=("round",),
    examples=(
        Example("y = round(x.mean(), 1)", "y = round(x.mean().item(), 1)", "y == 2.5"),
        Example("def f(a: mx.array):\n    return round(a.sum())\ny = f(x)",
                "def f(a: mx.array):\n    return round(a.sum().item())\ny = f(x)", "y == 15"),
        Example("y = round(x / 3, 2)", "y = mx.round(x / 3, 2)", "y.shape == (2, 3)"),
    ),
)  # fmt: skip
def rounded_array(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find ``round(array)``: an array has no ``__round__``."""
    if call.owner is not None or not call.arguments or not call.is_whole or call.keywords:
        return
    first = call.arguments[0]
    if context.external(call.function) != "round" or not context.is_array(first):
        return
    inner, mx = call_of(first), context.alias("mlx.core", call.node)
    is_one = inner is not None and inner.name in ("mean", "sum", "max", "min", "std", "var") and not inner.keywords
    is_one = is_one and inner is not None and len(inner.arguments) == (0 if context.is_array(inner.owner) else 1)
    fixes = [Fix("Round the number", (replaced(first, f"{text_of(first)}.item()"),), is_safe=False)] if is_one else []
    if mx and not is_one:
        fixes.append(Fix(f"Write {mx}.round", (replaced(call.function, f"{mx}.round"),), is_safe=False))
    yield Finding(
        call.node, "Python's `round` takes no arrays: this raises. `mx.round` rounds each element, and "
        "`round(x.item(), n)` a number.", tuple(fixes),
    )  # fmt: skip


@rule(
    "number-as-sequence",
    "error",
    "An array of one number used as a sequence",
    PYTHON + "array.html",
    kinds=("for_statement", "for_in_clause", "call", "assignment"),
    is_general=True,
    needs_shapes=True,
    examples=(
        Example("y = len(mx.argmax(x))", "y = len(mx.argmax(x, axis=1))", "y == 2", is_fixed=False),
        Example("y = 0\nfor v in x.max():\n    y += v.item()", "y = 0\nfor v in x.max(axis=1):\n    y += v.item()",
                "y == 7", is_fixed=False),
        Example("a, b = x.sum()\ny = a", "a, b = x.sum(axis=1)\ny = a", "y.item() == 3", is_fixed=False),
        Example("y = list(mx.mean(x))", "y = list(mx.mean(x, axis=0))", "len(y) == 3", is_fixed=False),
    ),
)  # fmt: skip
def number_as_sequence(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find arrays without axes where their elements, or their number, are asked for."""
    given = field(node, "right")
    if node.type == "assignment":
        left = field(node, "left")
        given = given if left is not None and left.type in ("pattern_list", "tuple_pattern") else None
    call = call_of(node)
    if call is not None:
        is_asked = call.name in ("len", "list", "tuple", "enumerate", "sorted") and call.owner is None
        is_own = is_asked and len(call.arguments) == 1 and context.external(call.function) == call.name
        given = call.arguments[0] if is_own else None
    if given is None or given.type not in ("identifier", "call", "attribute") or not context.is_array(given):
        return
    value = context.shape_value(given)
    if isinstance(value, Array) and value.ndim == 0 and not is_prepared(context, node):
        yield Finding(given, "This array is one number, without axes, and has no elements to go through: it raises.")


RULES = (array_as_number, rounded_array, number_as_sequence)
