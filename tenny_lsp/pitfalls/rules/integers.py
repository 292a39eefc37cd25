"""Arrays of integers where a fraction is meant: powers below zero, elements that are set, division in place."""

import re
from collections.abc import Iterator

from tenny_lsp.inference.names import reaching_bindings
from tenny_lsp.inference.shapes.values import Array, is_floating
from tenny_lsp.pitfalls.calls import call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, atom, replaced
from tenny_lsp.pitfalls.guards import is_prepared
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.pitfalls.values import literal_of
from tenny_lsp.source.syntax import Node, field, text_of

_TYPES = PYTHON + "data_types.html"
_INFINITE = re.compile(r"""-?\s*(?:(?:mx|math|np)\.(?:inf|nan)|float\(["'][-+]?(?:inf|nan)["']\))""")
#: What somebody calls who wants whole numbers.
_ROUNDED = re.compile(r"round|floor|ceil|trunc|//|astype|int\(")
_PIXELS = "n = mx.array([100, 250], dtype=mx.uint8)\n"
_COUNTS = "n = mx.array([4, 6])\n"


def _dtype(context: RuleContext, node: Node | None) -> str:
    """Return the dtype of an array, ``int`` for any of integers; empty where it is not known, or it is no array."""
    if node is None or not context.is_array(node):
        return ""
    value = context.shape_value(node)
    found = (value.dtype or "") if isinstance(value, Array) else ""
    return "int" if found.startswith(("int", "uint")) else found


@rule(
    "negative-power",
    "warning",
    "A power below zero of integers",
    PYTHON + "_autosummary/mlx.core.power.html",
    kinds=("binary_operator", "call"),
    is_general=True,
    needs_shapes=True,
    examples=(
        Example("y = 2 ** -mx.arange(3)", "y = 2.0 ** -mx.arange(3)", "y.tolist() == [1, 0.5, 0.25]", "wrong"),
        Example("steps = -mx.arange(3)\ny = 10**steps", "steps = -mx.arange(3)\ny = 10.0**steps", "y[1].item() > 0",
                "wrong"),
        Example(f"{_COUNTS}y = n**-1", f"{_COUNTS}y = n.astype(mx.float32)**-1", "y[0].item() == 0.25", "wrong"),
        Example(f"{_COUNTS}y = mx.power(n, -2)", f"{_COUNTS}y = mx.power(n.astype(mx.float32), -2)", "y[0].item() > 0",
                "wrong"),
    ),
)  # fmt: skip
def negative_power(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find negative powers of integers: the result is an integer too, and 0."""
    base, power = _power(context, node)
    if base is None or power is None or not _is_negative(context, power):
        return
    is_number = base.type == "integer"
    if not (is_number or _dtype(context, base) == "int") or (is_number and abs(int(text_of(base), 0)) < 2):
        return
    if not (_dtype(context, power) == "int" or (type(literal_of(power)) is int and not is_number)):
        return
    mx = context.alias("mlx.core", node)
    text = f"{text_of(base)}.0" if is_number else f"{atom(base)}.astype({mx}.float32)"
    fixes = (Fix(f"Write {text}", (replaced(base, text),), is_safe=False),) if is_number or mx else ()
    yield Finding(
        node, "Both are integers, and so is the result: below zero the power is 0. Take it of floating-point numbers.",
        fixes,
    )  # fmt: skip


def _power(context: RuleContext, node: Node) -> tuple[Node | None, Node | None]:
    operator = field(node, "operator") if node.type == "binary_operator" else None
    if operator is not None:
        return (field(node, "left"), field(node, "right")) if operator.type == "**" else (None, None)
    call = call_of(node)
    if call is None or call.name != "power" or len(call.arguments) != 2:
        return None, None
    return call.arguments if context.name(call.function) == "mlx.core.power" else (None, None)


def _is_negative(context: RuleContext, node: Node) -> bool:
    value = context.value_of(node)
    while value is not None and value.type == "parenthesized_expression" and value.named_children:
        value = value.named_children[0]
    return value is not None and value.type == "unary_operator" and text_of(value).startswith("-")


@rule(
    "truncated-assignment",
    "warning",
    "A fraction assigned to an element of integers",
    _TYPES,
    kinds=("assignment", "augmented_assignment"),
    is_general=True,
    needs_shapes=True,
    examples=(
        Example("y = mx.full((3,), 0)\ny[0] = 0.5", "y = mx.full((3,), 0.0)\ny[0] = 0.5", "y[0].item() == 0.5", "wrong",
                is_fixed=False),
        Example("y = mx.arange(3)\ny[1:] = mx.softmax(x[0])[1:]", "y = mx.arange(3.0)\ny[1:] = mx.softmax(x[0])[1:]",
                "y[2].item() > 0", "wrong", is_fixed=False),
        Example("y = mx.zeros((3,), dtype=mx.int32)\ny[0] = -mx.inf", "y = mx.zeros((3,))\ny[0] = -mx.inf",
                "mx.isinf(y[0]).item()", "wrong", is_fixed=False),
        Example("y = mx.array([1, 2])\ny[0] += 0.5", "y = mx.array([1.0, 2.0])\ny[0] += 0.5", "y[0].item() == 1.5",
                "wrong", is_fixed=False),
    ),
)  # fmt: skip
def truncated_assignment(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find fractions, and infinity, that are assigned to elements of an array of integers: it keeps whole numbers."""
    left, right = field(node, "left"), field(node, "right")
    if left is None or right is None or left.type != "subscript" or _ROUNDED.search(text_of(right)):
        return
    number = literal_of(right)
    is_fraction = isinstance(number, float) and not number.is_integer()
    is_infinite = _INFINITE.fullmatch(text_of(right)) is not None
    if not (is_fraction or is_infinite) and (number is not None or not is_floating(_dtype(context, right))):
        return
    if _dtype(context, field(left, "value")) == "int":
        yield Finding(
            right, "This array is one of integers, and stays it: what is assigned loses its fraction. Make the array "
            "of floating-point numbers.",
        )  # fmt: skip


@rule(
    "integer-division-in-place",
    "error",
    "Integers divided in place",
    _TYPES,
    kinds=("augmented_assignment",),
    is_general=True,
    needs_shapes=True,
    examples=(
        Example(f"{_COUNTS}n /= 2\ny = n", f"{_COUNTS}n = n / 2\ny = n", "y.tolist() == [2, 3]"),
        Example("y = mx.argsort(x)\ny /= 3", "y = mx.argsort(x)\ny = y / 3", "y.shape == (2, 3)"),
        Example("y = (x > 2).sum(axis=0)\ny /= len(x)", "y = (x > 2).sum(axis=0)\ny = y / len(x)", "y.shape == (3,)"),
    ),
)  # fmt: skip
def integer_division_in_place(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find ``x /= n`` of integers: the result has no place in them."""
    left, operator, right = (field(node, part) for part in ("left", "operator", "right"))
    if left is None or right is None or operator is None or operator.type != "/=":
        return
    divided = _before(context, left)
    if divided is None or _dtype(context, divided) != "int":
        return
    if not is_prepared(context, node):
        text = f"{text_of(left)} = {text_of(left)} / {atom(right)}"
        fixes = (Fix("Make a new array", (replaced(node, text),), is_safe=False),) if left.type == "identifier" else ()
        yield Finding(node, "These are integers, which `/=` cannot turn into fractions: it raises.", fixes)


@rule(
    "clipped-too-late",
    "warning",
    "Pixels clipped after they have wrapped around",
    _TYPES,
    kinds=("call",),
    is_general=True,
    needs_shapes=True,
    examples=(
        Example(f"{_PIXELS}y = mx.clip(n + 40, 0, 255)", f"{_PIXELS}y = mx.clip(n.astype(mx.int32) + 40, 0, 255)",
                "y.tolist() == [140, 255]", "wrong"),
        Example(f"{_PIXELS}y = mx.minimum(n * 2, 255)", f"{_PIXELS}y = mx.minimum(n.astype(mx.int32) * 2, 255)",
                "y.tolist() == [200, 255]", "wrong"),
        Example(f"{_PIXELS}def add(a, by):\n    return mx.clip(a + by, 0, 255)\ny = add(n, 40)",
                f"{_PIXELS}def add(a, by):\n    return mx.clip(a.astype(mx.int32) + by, 0, 255)\ny = add(n, 40)",
                "y.tolist() == [140, 255]", "wrong"),
    ),
)  # fmt: skip
def clipped_too_late(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find sums and products of ``uint8`` that are clipped at 255, where none of them is greater any more."""
    call = call_of(node)
    if call is None or call.name not in ("clip", "minimum") or len(call.arguments) < 2 or not call.is_whole:
        return
    given, limit = call.arguments[0], call.arguments[-1]
    operator, left = field(given, "operator"), field(given, "left")
    if given.type != "binary_operator" or operator is None or left is None or operator.type not in ("+", "*"):
        return
    if literal_of(limit) != 255 or context.name(call.function) != f"mlx.core.{call.name}":
        return
    value = context.shape_value(given)
    if isinstance(value, Array) and value.dtype == "uint8":
        mx = context.alias("mlx.core", node)
        edits = (replaced(left, f"{atom(left)}.astype({mx}.int32)"),)
        yield Finding(
            given, "This is uint8, and has wrapped around where it would be above 255: there is nothing left to clip. "
            "Convert it first.", (Fix(f"Make it {mx}.int32", edits, is_safe=False),) if mx else (),
        )  # fmt: skip


def _before(context: RuleContext, left: Node) -> Node | None:
    """Return what is divided in place, as it is before: of a name, the only value that it may have."""
    if left.type == "subscript":
        return field(left, "value")
    name = text_of(left) if left.type == "identifier" else ""
    found = (reaching_bindings(context.evaluator, name, left, before=True) or []) if name else []
    is_plain = len(found) == 1 and not found[0].steps and found[0].value is not None
    value = found[0].value if is_plain else None
    return value if value is not None and value.type != "augmented_assignment" else None


RULES = (negative_power, truncated_assignment, integer_division_in_place, clipped_too_late)
