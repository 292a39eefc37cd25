"""Whole numbers beyond what int32 holds, as far as the shapes of the whole file tell how far a range counts."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import factorial

from tenny_lsp.inference.shapes.values import Array
from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, appended
from tenny_lsp.pitfalls.origins import last_value
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.pitfalls.values import literal_of
from tenny_lsp.source.syntax import Node, field, text_of

_MOST = 2**31 - 1
_DEEPEST = 6
#: The greatest power that is followed.
_STEEPEST = 16
#: The first number whose factorial is beyond int32.
_FACTORIAL = 13
_I = "i = mx.arange(100000)\n"
_WIDE = "i = mx.arange(100000, dtype=mx.int64)\n"


@rule(
    "integer-overflow",
    "warning",
    "Whole numbers beyond int32",
    PYTHON + "data_types.html",
    kinds=("binary_operator", "call"),
    is_general=True,
    needs_shapes=True,
    examples=(
        Example(f"{_I}y = (i * i).max()", f"{_WIDE}y = (i * i).max()", "y.item() == 99999**2", "wrong"),
        Example(f"{_I}y = i.sum()", f"{_WIDE}y = i.sum()", "y.item() == 4999950000", "wrong"),
        Example("def total(count):\n    return mx.sum(mx.arange(count) ** 2)\ny = total(3000)",
                "def total(count):\n    return mx.sum(mx.arange(count, dtype=mx.int64) ** 2)\ny = total(3000)",
                "y.item() == 8995500500", "wrong"),
        Example("y = mx.arange(1, 21).prod()", "y = mx.arange(1, 21, dtype=mx.int64).prod()",
                "y.item() == 2432902008176640000", "wrong"),
        Example("y = (mx.arange(50000)[:, None] * 50000).max()",
                "y = (mx.arange(50000, dtype=mx.int64)[:, None] * 50000).max()", "y.item() == 2499950000", "wrong"),
    ),
)  # fmt: skip
def integer_overflow(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find products, powers and sums of ranges that go beyond int32, which NumPy computes in int64."""
    call, operator = call_of(node), field(node, "operator")
    is_product = operator is not None and operator.type in ("*", "**")
    if not context.file.mentions("arange(") or (call is None and not is_product):
        return
    if call is not None and call.name not in ("sum", "cumsum", "square", "prod"):
        return
    found, most = _powers(context, node), 0
    if found is not None:
        most = found.greatest
    elif call is not None and call.name != "square":
        found = _powers(context, call.owner) or _powers(context, next(iter(call.arguments), None))
        if found is None or found.greatest > _MOST or "axis" in call.keywords or not _is_whole(call):
            return
        most = found.product if call.name == "prod" else found.least_sum
    is_first = all((inner := _powers(context, one)) is None or inner.greatest <= _MOST for one in node.named_children)
    value = context.shape_value(node) if found is not None and most > _MOST and is_first else None
    if found is None or not isinstance(value, Array) or value.dtype != "int32":
        return
    mx = context.alias("mlx.core", node)
    fix = Fix("Make it int64", (appended(found.range, f"dtype={mx}.int64"),), is_safe=False)
    yield Finding(
        node, "`mx.arange` makes int32, where NumPy makes int64: this goes beyond 2147483647, and round to numbers "
        f"below zero. Give the range `dtype={mx}.int64`, or compute in float32.", (fix,) if mx else (),
    )  # fmt: skip


def _is_whole(call: Call) -> bool:
    """Return whether a sum is that of a whole array: ``x.sum()``, ``mx.sum(x)``."""
    return len(call.arguments) + (call.owner is not None and text_of(call.owner) != "mx") == 1


@dataclass(frozen=True, slots=True)
class _Powers:
    """The numbers ``factor * i ** power`` for ``i`` from 0, or 1, up to ``last``, which a range makes."""

    range: Call
    last: int
    factor: int = 1
    power: int = 1
    start: int = 0

    @property
    def greatest(self) -> int:
        """The last of them."""
        return self.factor * int(pow(self.last, self.power))

    @property
    def least_sum(self) -> int:
        """What their sum is at least: the integral up to the last."""
        return self.greatest * self.last // (self.power + 1)

    @property
    def product(self) -> int:
        """Their product, or what it is at least; 0 where they begin at 0."""
        return factorial(min(self.last, _FACTORIAL)) * self.start


def _powers(context: RuleContext, node: Node | None, depth: int = 0) -> _Powers | None:
    """Return the powers of a range that an array certainly holds, all of them; None where it may hold others."""
    if node is None or depth > _DEEPEST:
        return None
    if node.type == "identifier":
        return _powers(context, last_value(context, node), depth + 1) if context.is_own(node) else None
    if node.type == "parenthesized_expression" and len(node.named_children) == 1:
        return _powers(context, node.named_children[0], depth + 1)
    if node.type == "subscript":
        keys = node.children_by_field_name("subscript")
        is_whole = all(text_of(key) in ("None", ":", "...") for key in keys)
        return _powers(context, field(node, "value"), depth + 1) if is_whole else None
    call = call_of(node)
    if call is None:
        return _product(context, node, depth) if node.type == "binary_operator" else None
    if call.name == "square" and len(call.arguments) == 1 and context.name(call.function) == "mlx.core.square":
        found = _powers(context, call.arguments[0], depth + 1)
        return _Powers(found.range, found.last, found.factor**2, found.power * 2) if found is not None else None
    return _range(context, call)


def _product(context: RuleContext, node: Node, depth: int) -> _Powers | None:
    left, operator, right = (field(node, part) for part in ("left", "operator", "right"))
    kind = operator.type if operator is not None else ""
    if left is None or right is None or kind not in ("*", "**"):
        return None
    one, number = _powers(context, left, depth + 1), literal_of(right)
    if one is not None and type(number) is int and 0 < number <= (_MOST if kind == "*" else _STEEPEST):
        power = 1 if kind == "*" else number
        factor = one.factor * number if kind == "*" else one.factor**number
        return _Powers(one.range, one.last, factor, one.power * power)
    other, number = _powers(context, right, depth + 1), literal_of(left)
    if kind == "*" and one is None and other is not None and type(number) is int and 0 < number <= _MOST:
        return _Powers(other.range, other.last, other.factor * number, other.power)
    if kind == "*" and one is not None and other is not None and text_of(left) == text_of(right):
        return _Powers(one.range, one.last, one.factor * other.factor, one.power + other.power)
    return None


def _range(context: RuleContext, call: Call) -> _Powers | None:
    """Return what ``mx.arange(n)``, or ``mx.arange(1, n)``, makes in int32."""
    if call.name != "arange" or not call.is_whole or call.keywords or len(call.arguments) not in (1, 2):
        return None
    start = literal_of(call.arguments[0]) if len(call.arguments) == 2 else 0
    if not isinstance(start, int) or start not in (0, 1):
        return None
    if context.name(call.function) != "mlx.core.arange":
        return None
    made, stop = context.shape_value(call.node), context.shape_value(call.arguments[-1])
    is_known = isinstance(made, Array) and made.dtype == "int32" and type(stop) is int
    return _Powers(call, stop - 1, start=start) if is_known and isinstance(stop, int) and stop > 1 else None


RULES = (integer_overflow,)
