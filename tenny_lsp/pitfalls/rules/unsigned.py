"""Differences of unsigned integers, which wrap around below zero."""

from collections.abc import Iterator
from functools import partial

from tenny_lsp.pitfalls.calls import Call, call_of, function_around
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, atom, replaced
from tenny_lsp.pitfalls.given import given_to
from tenny_lsp.pitfalls.origins import last_value
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, Search, rule
from tenny_lsp.pitfalls.traced import outer_value
from tenny_lsp.pitfalls.values import dtype_of, literal_of
from tenny_lsp.source.syntax import Node, field, text_of

#: What pixels are. Other unsigned integers are indices, offsets and hashes: in order, or meant to wrap.
_SMALL = ("uint8",)
#: Methods that keep the dtype.
_KEPT = ("max", "min", "reshape", "squeeze", "transpose", "flatten")
_DEEPEST = 10
_PIXELS = "n = mx.array(np.array([[0, 200], [9, 90]], dtype=np.uint8))\n"


@rule(
    "unsigned-difference",
    "information",
    "A difference of unsigned integers",
    PYTHON + "data_types.html",
    kinds=("binary_operator", "unary_operator"),
    examples=(
        Example("y = mx.argmax(-x) - 1", "y = mx.argmax(-x).astype(mx.int32) - 1", "y.item() == -1", "wrong"),
        Example("i = x.argmin()\ny = -i - 1", "i = x.argmin()\ny = -i.astype(mx.int32) - 1", "y.item() == -1", "wrong"),
        Example("order = mx.argsort(x[0])\ny = mx.argsort(-order)",
                "order = mx.argsort(x[0])\ny = mx.argsort(-order.astype(mx.int32))", "y.tolist() == [2, 1, 0]",
                "wrong"),
    ),
)  # fmt: skip
def unsigned_difference(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find differences of unsigned integers: below zero they wrap around to the greatest number."""
    operator, left = field(node, "operator"), field(node, "left") or field(node, "argument")
    if operator is None or left is None or operator.type != "-" or left.type in ("integer", "float"):
        return
    right = field(node, "right")
    less = literal_of(right) if right is not None else 1
    if type(less) is not int or less <= 0 or not _may_be_below(context, left, less) or _is_handled(node, left):
        return
    dtype = dtype_of(context, left)
    if right is not None and less > 1 and dtype in _SMALL:
        return  # wrapping-difference speaks of it
    mx = context.alias("mlx.core", node)
    fixes = (Fix(f"Make it {mx}.int32", (replaced(left, f"{atom(left)}.astype({mx}.int32)"),), False),) if mx else ()
    yield Finding(
        node, f"This is {dtype}, which has no numbers below zero: there the result is a very great one. Make it signed "
        "first.", fixes,
    )  # fmt: skip


def _may_be_below(context: RuleContext, node: Node, less: int) -> bool:
    """Return whether an array is implicitly unsigned, or holds a number that is less than what is subtracted."""
    value = context.value_of(node)
    call = call_of(value)
    if call is None or not dtype_of(context, node).startswith("uint"):
        return False
    if call.name != "array":
        return call.name in ("argmax", "argmin", "argsort", "argpartition")
    numbers = literal_of(call.arguments[0]) if call.arguments else None
    return isinstance(numbers, list | tuple) and any(type(number) is int and number < less for number in numbers)


def _is_handled(node: Node, left: Node) -> bool:
    """Return whether wrapping around does no harm: in ``==``, bit arithmetic, ``mx.where`` or under a condition."""
    outer = node.parent
    while outer is not None and outer.type not in ("block", "module"):
        if outer.type == "comparison_operator" and any(child.type in ("==", "!=") for child in outer.children):
            return True
        operator = field(outer, "operator")
        call = call_of(outer)
        if (operator is not None and operator.type in ("&", "|", "^", "%")) or (
            call is not None and call.name == "where"
        ):
            return True
        outer = outer.parent
    while outer is not None:
        condition = field(outer, "condition")
        if condition is not None and text_of(left) in text_of(condition):
            return True
        outer = outer.parent
    return False


@rule(
    "wrapping-difference",
    "warning",
    "A difference of pixels",
    PYTHON + "data_types.html",
    scope="file",
    kinds=("binary_operator", "call"),
    words=_SMALL,
    examples=(
        Example(
            f"{_PIXELS}y = n - 128", f"{_PIXELS}y = n.astype(mx.int32) - 128", "y.min().item() == -128", "wrong",
        ),
        Example(
            "n = mx.array([0, 200], dtype=mx.uint8)\ny = n - 100",
            "n = mx.array([0, 200], dtype=mx.uint8)\ny = n.astype(mx.int32) - 100",
            "y.tolist() == [-100, 100]", "wrong",
        ),
        Example(
            f"{_PIXELS}y = mx.abs(n[1:] - n[:-1])", f"{_PIXELS}y = mx.abs(n[1:].astype(mx.int32) - n[:-1])",
            "y.max().item() == 110", "wrong",
        ),
        Example(
            f"{_PIXELS}a, b = n[0], n[1]\ny = mx.subtract(n[:, 0], n[:, 1])",
            f"{_PIXELS}a, b = n[0], n[1]\ny = mx.subtract(n[:, 0].astype(mx.int32), n[:, 1])",
            "y.min().item() == -200", "wrong",
        ),
        Example(
            "n = x.astype(mx.uint8)\ny = (n - n.max()).min()",
            "n = x.astype(mx.uint8)\ny = (n.astype(mx.int32) - n.max()).min()", "y.item() == -5", "wrong",
        ),
        Example(
            f"def change(old, new):\n    return mx.abs(new - old)\n{_PIXELS}"
            "y = change(n, mx.array(np.maximum(np.array(n), 1) - 1))",
            f"def change(old, new):\n    return mx.abs(new.astype(mx.int32) - old)\n{_PIXELS}"
            "y = change(n, mx.array(np.maximum(np.array(n), 1) - 1))", "y.max().item() == 1", "wrong",
        ),
    ),
)  # fmt: skip
def wrapping_difference(context: RuleContext, found: Node) -> Iterator[Finding] | Search | None:
    """Find differences of arrays of ``uint8``, and of one and a number: of pixels, most go wrong."""
    sides = _subtracted(context, found)
    if sides is None or _is_handled(found, sides[0]):
        return None
    if all(_is_parameter(context, one) for one in sides):
        return partial(_of_parameters, context, found, *sides)
    return _wrapping(context, found, *sides)


def _is_parameter(context: RuleContext, node: Node) -> bool:
    binding = context.binding_of(node) if node.type == "identifier" else None
    return binding is not None and binding.definition is not None and function_around(node) is not None


def _wrapping(context: RuleContext, found: Node, left: Node, right: Node) -> Iterator[Finding]:
    dtype = _small_dtype(context, left)
    if not dtype or not _may_be_greater(context, right, dtype):
        return
    if _are_numbers(context, left) and not _may_be_below(context, left, _number(right)):
        return  # the numbers stand there
    if _is_extreme(context, right, left, "min") or _is_extreme(context, left, right, "max"):
        return  # never below zero
    yield _finding(context, found, left, dtype)


def _of_parameters(context: RuleContext, found: Node, left: Node, right: Node, root: Node) -> Iterator[Finding]:
    """Find differences of parameters that every call of the file gives pixels."""
    given = [given_to(context, one, root) for one in (left, right)]
    if all(given) and all(_small_dtype(context, one) for values in given for one in values):
        yield _finding(context, found, left, _SMALL[0])


def _finding(context: RuleContext, found: Node, left: Node, dtype: str) -> Finding:
    mx = context.alias("mlx.core", found)
    fixes = (Fix(f"Make it {mx}.int32", (replaced(left, f"{atom(left)}.astype({mx}.int32)"),), False),) if mx else ()
    return Finding(
        found, f"This is {dtype}, which has no numbers below zero: there the difference is a great number. Convert it "
        "first, `x.astype(mx.int32)`, or to floats.", fixes,
    )  # fmt: skip


def _subtracted(context: RuleContext, node: Node) -> tuple[Node, Node] | None:
    """Return both sides of a difference, ``a - b`` or ``mx.subtract(a, b)``."""
    if node.type == "binary_operator":
        operator, left, right = field(node, "operator"), field(node, "left"), field(node, "right")
        is_minus = operator is not None and operator.type == "-"
        return (left, right) if is_minus and left is not None and right is not None else None
    call = call_of(node)
    if call is None or call.name != "subtract" or len(call.arguments) != 2:
        return None
    return (call.arguments[0], call.arguments[1]) if context.name(call.function) == "mlx.core.subtract" else None


def _are_numbers(context: RuleContext, node: Node) -> bool:
    """Return whether an array is made of numbers that stand in the text, or is a part of one that is."""
    while node.type in ("subscript", "parenthesized_expression"):
        node = node.named_children[0]
    call = call_of(last_value(context, node) if node.type == "identifier" else node)
    return call is not None and call.name == "array" and bool(call.arguments) and call.arguments[0].type == "list"


def _number(node: Node) -> int:
    """Return the whole number that a literal is; 0 for all else."""
    found = literal_of(node)
    return found if isinstance(found, int) else 0


def _is_extreme(context: RuleContext, node: Node, array: Node, name: str) -> bool:
    """Return whether a value is the least, or the greatest, of an array: ``x.min()``, ``mx.min(x)``."""
    call = call_of(last_value(context, node) if node.type == "identifier" else node)
    if call is None or call.name != name:
        return False
    return any(one is not None and text_of(one) == text_of(array) for one in (call.owner, *call.arguments))


def _may_be_greater(context: RuleContext, node: Node, dtype: str) -> bool:
    """Return whether what is subtracted is a whole number of at least two, or an array of the same dtype.

    Of one, the difference of labels that begin at 1 may be meant.
    """
    number = literal_of(node)
    if number is not None:
        return type(number) is int and number > 1
    return _small_dtype(context, node) == dtype


def _small_dtype(context: RuleContext, node: Node | None, depth: int = 0) -> str:
    """Return ``uint8`` for an array that is certain to have that dtype; else nothing."""
    if node is None or depth > _DEEPEST:
        return ""
    if node.type == "identifier":
        return _small_dtype(context, last_value(context, node), depth + 1) if context.is_own(node) else ""
    if node.type == "parenthesized_expression" and len(node.named_children) == 1:
        return _small_dtype(context, node.named_children[0], depth + 1)
    if node.type == "subscript":
        return _small_dtype(context, field(node, "value"), depth + 1)
    call = call_of(node)
    if call is None or not context.is_array(node):
        return ""
    if call.name in _KEPT and context.name(call.function) == f"mlx.core.array.{call.name}":
        return _small_dtype(context, call.owner, depth + 1)
    found = dtype_of(context, node)
    if not found and context.name(call.function) == "mlx.core.array" and len(call.arguments) == 1 and not call.keywords:
        found = _numpy_dtype(context, call.arguments[0], depth + 1)
    return found if found in _SMALL else ""


def _numpy_dtype(context: RuleContext, node: Node | None, depth: int) -> str:
    """Return the dtype that a call of NumPy is told to give its array, or keeps: ``uint8``; else nothing."""
    if node is None or depth > _DEEPEST:
        return ""
    if node.type == "identifier":
        return _numpy_dtype(context, last_value(context, node), depth + 1) if context.is_own(node) else ""
    if node.type == "subscript":
        return _numpy_dtype(context, field(node, "value"), depth + 1)
    if node.type == "binary_operator":
        operator, right = field(node, "operator"), literal_of(field(node, "right"))
        is_kept = operator is not None and operator.type in ("+", "-", "*", "//") and type(right) is int and right < 256
        return _numpy_dtype(context, field(node, "left"), depth + 1) if is_kept else ""
    call = call_of(node)
    if call is None:
        return ""
    given, function = _dtype_argument(context, call), context.external(call.function)
    if given is None and function in ("numpy.array", "numpy.asarray") and len(call.arguments) == 1:
        return _small_dtype(context, call.arguments[0], depth + 1)
    if given is None and function in ("numpy.maximum", "numpy.minimum") and type(literal_of(call.arguments[-1])) is int:
        return _numpy_dtype(context, call.arguments[0], depth + 1)
    name = context.external(given).removeprefix("numpy.") if given is not None else ""
    literal = literal_of(given)
    return name or (literal if isinstance(literal, str) else "")


def _dtype_argument(context: RuleContext, call: Call) -> Node | None:
    if call.name == "astype" and len(call.arguments) == 1:
        return call.arguments[0]
    dtype = call.value("dtype")
    if dtype is None or context.external(call.function).startswith("numpy."):
        return dtype
    made = call_of(outer_value(context, call.owner)) if call.name == "integers" and call.owner is not None else None
    return dtype if made is not None and context.external(made.function) == "numpy.random.default_rng" else None


RULES = (unsigned_difference, wrapping_difference)
