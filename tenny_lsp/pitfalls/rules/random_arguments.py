"""Arguments of random functions in the order of NumPy's or JAX's."""

from collections.abc import Iterator
from dataclasses import dataclass

from tenny_lsp.inference.meaning import NUMBERS, Group, Plain
from tenny_lsp.pitfalls.calls import Call
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.source.syntax import Node, text_of


@dataclass(frozen=True, slots=True)
class _Order:
    """What a random function takes.

    Args:
        numbers (tuple[str, ...]): The names of its numbers.
        shape (int): The place of the shape: behind the numbers, or 0; then the dtype comes second.
    """

    numbers: tuple[str, ...]
    shape: int


_ORDERS = {
    "normal": _Order(("loc", "scale"), 0), "laplace": _Order(("loc", "scale"), 0), "gumbel": _Order((), 0),
    "uniform": _Order(("low", "high"), 2), "randint": _Order(("low", "high"), 2),
    "truncated_normal": _Order(("lower", "upper"), 2), "bernoulli": _Order(("p",), 1),
}  # fmt: skip


@rule(
    "random-arguments",
    "error",
    "Arguments of a random function in another order",
    PYTHON + "random.html",
    calls=tuple(_ORDERS),
    examples=(
        Example("y = mx.random.normal((3,), 0.0, 0.02)", "y = mx.random.normal((3,), loc=0.0, scale=0.02)",
                "y.shape == (3,)"),
        Example("y = mx.random.normal(x.shape, 0.02)", "y = mx.random.normal(x.shape, scale=0.02)",
                "y.shape == (2, 3)", is_fixed=False),
        Example("y = mx.random.uniform((2, 3))", "y = mx.random.uniform(shape=(2, 3))", "y.shape == (2, 3)"),
        Example("y = mx.random.uniform(x.shape, -1.0, 1.0)", "y = mx.random.uniform(-1.0, 1.0, x.shape)",
                "y.shape == (2, 3)"),
        Example("y = mx.random.randint((3,), 0, 9)", "y = mx.random.randint(0, 9, (3,))", "y.shape == (3,)"),
        Example("y = mx.random.randint(9, (3,))", "y = mx.random.randint(0, 9, (3,))", "y.shape == (3,)"),
        Example("y = mx.random.randint(0, 9, 4)", "y = mx.random.randint(0, 9, (4,))", "y.shape == (4,)"),
        Example("n = len(x)\ny = mx.random.normal(n)", "n = len(x)\ny = mx.random.normal((n,))", "y.shape == (2,)"),
        Example("y = mx.random.uniform(shape=4)", "y = mx.random.uniform(shape=(4,))", "y.shape == (4,)"),
        Example("y = mx.random.laplace(0, 1, (3,))", "y = mx.random.laplace((3,), loc=0, scale=1)", "y.shape == (3,)"),
        Example("shape = (2, 3)\ny = mx.random.bernoulli(shape, 0.5)",
                "shape = (2, 3)\ny = mx.random.bernoulli(0.5, shape)", "y.shape == (2, 3)"),
    ),
)  # fmt: skip
def random_arguments(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find shapes where numbers are wanted, numbers where the shape or the dtype is, and a number as the shape."""
    order = _ORDERS.get(call.name)
    if order is None or not call.is_whole or context.name(call.function) != f"mlx.core.random.{call.name}":
        return
    other = _shape_before if order.shape else _numbers_behind
    found = other(context, call, order) or _as_shape(context, call, order)
    if found is not None and not is_guarded(context, call.node, ("TypeError", "ValueError")):
        yield found


def _is_shape(context: RuleContext, node: Node) -> bool:
    """Return whether an expression is certain to be a list or a tuple."""
    meaning = context.meaning(node)
    return node.type in ("tuple", "list") or (isinstance(meaning, Group) and meaning.kind != "iterable")


def _is_number(context: RuleContext, node: Node) -> bool:
    return context.meaning(node) in NUMBERS


def _as_shape(context: RuleContext, call: Call, order: _Order) -> Finding | None:
    """Report a whole number that is given as the shape."""
    is_last = len(call.arguments) == order.shape + 1
    given = call.value("shape") or (call.arguments[-1] if is_last else None)
    if given is None or context.meaning(given) != Plain("int"):
        return None
    text = f"({text_of(given)},)"
    fix = Fix(f"Write {text}", (replaced(given, text),))
    return Finding(given, f"The shape is a tuple, and a number raises: write `{text}`.", (fix,))


def _numbers_behind(context: RuleContext, call: Call, order: _Order) -> Finding | None:
    """Report numbers behind the shape, where the dtype comes, and the shape behind numbers."""
    if len(call.arguments) < 2:
        return None
    first, *rest = call.arguments
    is_first = not _is_number(context, first) and all(_is_number(context, one) for one in rest)
    numbers = rest if is_first else list(call.arguments[:-1])
    shape = first if is_first else call.arguments[-1]
    is_last = call.name != "normal" and _is_shape(context, shape) and all(_is_number(context, one) for one in numbers)
    if not is_first and not is_last:
        return None
    fixes: tuple[Fix, ...] = ()
    if len(numbers) == len(order.numbers) and not call.keywords:
        named = ", ".join(f"{name}={text_of(one)}" for name, one in zip(order.numbers, numbers, strict=True))
        text = f"({text_of(shape)}, {named})"
        fixes = (Fix(f"Write {text}", (replaced(call.listed, text),)),)
    names = " and ".join(f"`{name}`" for name in order.numbers)
    message = f"`mx.random.{call.name}` takes the shape first, then the dtype: this raises."
    return Finding(call.listed, f"{message} Name {names}." if names else message, fixes)


def _shape_before(context: RuleContext, call: Call, order: _Order) -> Finding | None:
    """Report a shape among the numbers, which come first."""
    place = next((n for n, one in enumerate(call.arguments[: order.shape]) if _is_shape(context, one)), None)
    if place is None:
        return None
    shape, rest = call.arguments[place], [*call.arguments[:place], *call.arguments[place + 1 :]]
    are_numbers = all(_is_number(context, one) or context.is_array(one) for one in rest)
    text = ""
    if "shape" not in call.keywords and not rest:
        text = f"shape={text_of(shape)}"
    elif are_numbers and len(rest) == len(order.numbers) and not call.keywords:
        text = ", ".join(map(text_of, (*rest, shape)))
    elif are_numbers and call.name == "randint" and len(rest) == 1 and not call.keywords:
        text = f"0, {text_of(rest[0])}, {text_of(shape)}"
    edits = (replaced(shape, text),) if not rest else (replaced(call.listed, f"({text})"),)
    names = " and ".join(f"`{name}`" for name in order.numbers)
    message = f"`mx.random.{call.name}` takes {names} first, then the shape: this raises."
    return Finding(shape, message, (Fix(f"Write {text}", edits),) if text else ())


RULES = (random_arguments,)
