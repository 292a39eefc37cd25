"""How gradients are asked for: what makes a function of a function, and what that function gives."""

from collections.abc import Iterator
from functools import partial

from tenny_lsp.inference.meaning import LocalFunction
from tenny_lsp.pitfalls.arities import arity_of
from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.differentiated import result_of
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.file_facts import GRADIENTS
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, Search, rule
from tenny_lsp.pitfalls.traced import outer_value, takes_gradients
from tenny_lsp.pitfalls.values import literal_of
from tenny_lsp.source.syntax import Node, field, text_of

_LOSSES = "mlx.nn.losses."
_MODULE = "mlx.nn.Module"
_LOSS = "def loss(model, a):\n    return model(a).sum()\n"


@rule(
    "gradient-function",
    "error",
    "A gradient asked for in another way",
    PYTHON + "_autosummary_functions/mlx.nn.value_and_grad.html",
    scope="file",
    calls=("grad", "value_and_grad"),
    examples=(
        Example(f"{_LOSS}step = nn.value_and_grad(model, loss(model, x))\ny = step(model, x)[0]",
                f"{_LOSS}step = nn.value_and_grad(model, loss)\ny = step(model, x)[0]", "y.shape == ()",
                is_fixed=False),
        Example(f"{_LOSS}y, grads = nn.value_and_grad(model, loss)",
                f"{_LOSS}y, grads = nn.value_and_grad(model, loss)(model, x)", "y.shape == ()", is_fixed=False),
        Example("def f(w):\n    return (w * x).sum()\ny = mx.grad(f, argnums=1)(x)",
                "def f(w):\n    return (w * x).sum()\ny = mx.grad(f, argnums=0)(x)", "y.shape == (2, 3)",
                is_fixed=False),
    ),
)  # fmt: skip
def gradient_function(context: RuleContext, call: Call) -> Iterator[Finding] | Search | None:
    """Find gradients of a loss's value, of an argument that there is not, and functions that are unpacked uncalled."""
    name = context.name(call.function)
    if name not in GRADIENTS or not call.is_whole or is_guarded(context, call.node, ("TypeError", "ValueError")):
        return None
    search, place = partial(_other_ways, context, call, name), GRADIENTS[name]
    # What a function returns stands elsewhere; all else is told by the call.
    is_value = len(call.arguments) > place and call.arguments[place].type not in ("identifier", "attribute", "lambda")
    return search if is_value else search(call.node)


def _other_ways(context: RuleContext, call: Call, name: str, _: Node) -> Iterator[Finding]:
    """Report the first that is wrong with a call of ``grad`` or ``value_and_grad``."""
    place, short = GRADIENTS[name], f"{'nn' if name.startswith('mlx.nn') else 'mx'}.{name.rpartition('.')[2]}"
    given, outer = call.arguments, call.node.parent
    if len(given) > place and _is_loss(context, given[place]):
        yield Finding(
            given[place], f"`{short}` takes the function itself, and this is its result, which cannot be called. Give "
            "the function, and call what comes back with its arguments.",
        )  # fmt: skip
    elif outer is not None and outer.type == "assignment" and field(outer, "right") == call.node:
        left = field(outer, "left")
        if left is not None and left.type in ("pattern_list", "tuple_pattern"):
            yield Finding(
                call.node, f"`{short}` returns a function, which cannot be unpacked. Call it with the arguments of the "
                "loss.",
            )  # fmt: skip
    else:
        yield from _beyond(context, call, place, short)


def _is_loss(context: RuleContext, node: Node) -> bool:
    """Return whether an expression is an array, or the call of a function of the file that returns a mean or a sum."""
    call = call_of(node)
    function = context.evaluator.meaning(call.function) if call is not None else None
    result = result_of(context, function.node) if isinstance(function, LocalFunction) else None
    if result is not None and result.type in ("tuple", "expression_list"):
        result = result.named_children[0]
    made = call_of(result)
    is_reduced = made is not None and (made.name in ("mean", "sum") or context.name(made.function).startswith(_LOSSES))
    return context.is_array(node) or is_reduced


def _beyond(context: RuleContext, call: Call, place: int, short: str) -> Iterator[Finding]:
    """Report the number of an argument that the function does not take."""
    argnums = call.value("argnums") or (call.arguments[1] if place == 0 and len(call.arguments) > 1 else None)
    numbers = literal_of(argnums)
    listed = numbers if isinstance(numbers, list | tuple) else [numbers]
    function = context.evaluator.meaning(call.arguments[0]) if place == 0 and call.arguments else None
    arity = arity_of(function.node) if isinstance(function, LocalFunction) and function.receiver is None else None
    if argnums is None or arity is None or arity.takes_more:
        return
    if any(type(one) is int and one >= len(arity.placed) for one in listed):
        yield Finding(
            argnums, f"`{short}` counts arguments from 0, and the function takes {len(arity.placed)}: this raises."
        )


_PAIR = "def loss(model, a):\n    out = model(a)\n    return out.sum(), out\nstep = nn.value_and_grad(model, loss)\n"


@rule(
    "value-and-gradient",
    "error",
    "What `value_and_grad` gives unpacked into other names",
    PYTHON + "_autosummary/mlx.core.value_and_grad.html",
    scope="file",
    kinds=("assignment",),
    words=("value_and_grad",),
    examples=(
        Example(f"{_PAIR}value, out, grads = step(model, x)\ny = out", f"{_PAIR}(value, out), grads = step(model, x)\n"
                "y = out", "y.shape == (2, 2)"),
        Example("def f(w):\n    return w.sum(), w\nvalue, y, grads = mx.value_and_grad(f)(x)",
                "def f(w):\n    return w.sum(), w\n(value, y), grads = mx.value_and_grad(f)(x)", "y.shape == (2, 3)"),
    ),
)  # fmt: skip
def value_and_gradient(context: RuleContext, node: Node) -> Search | None:
    """Find three and more names for the value, which may be a tuple, and the gradients: there are two."""
    left, call = field(node, "left"), call_of(field(node, "right"))
    if left is None or call is None or left.type not in ("pattern_list", "tuple_pattern"):
        return None
    names = left.named_children
    if len(names) < 3 or any(one.type != "identifier" for one in names):
        return None
    return partial(_three_names, context, left, call) if takes_gradients(context, call) else None


def _three_names(context: RuleContext, left: Node, call: Call, _: Node) -> Iterator[Finding]:
    """Report names of which the first few are what the function returns."""
    made = call_of(call.function) or call_of(outer_value(context, call.function))
    place = GRADIENTS.get(context.name(made.function), 99) if made is not None else 99
    function = context.evaluator.meaning(made.arguments[place]) if made and len(made.arguments) > place else None
    result = result_of(context, function.node) if isinstance(function, LocalFunction) else None
    *values, gradients = map(text_of, left.named_children)
    text = f"({', '.join(values)}), {gradients}"
    is_tuple = result is not None and result.type in ("tuple", "expression_list")
    is_same = result is not None and is_tuple and len(result.named_children) == len(values)
    fixes = (Fix(f"Write {text}", (replaced(left, text),)),) if is_same else ()
    yield Finding(
        left,
        f"`value_and_grad` gives two, what the function returns and the gradients: unpack them as `{text}`.",
        fixes,
    )


@rule(
    "vjp-lists",
    "error",
    "Arrays given to `mx.vjp` and `mx.jvp`, which take lists",
    PYTHON + "_autosummary/mlx.core.vjp.html",
    calls=("vjp", "jvp"),
    examples=(
        Example("y = mx.vjp(lambda a: a * a, x, x)[1][0]", "y = mx.vjp(lambda a: a * a, [x], [x])[1][0]",
                "y.shape == (2, 3)"),
        Example("y = mx.jvp(mx.square, [x], mx.ones((2, 3)))[1][0]",
                "y = mx.jvp(mx.square, [x], [mx.ones((2, 3))])[1][0]", "y.shape == (2, 3)"),
    ),
)  # fmt: skip
def vjp_lists(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find arrays in the place of the primals, and of the cotangents or tangents, of which there is a list each."""
    if len(call.arguments) != 3 or context.name(call.function) not in ("mlx.core.vjp", "mlx.core.jvp"):
        return
    wrong = [one for one in call.arguments[1:] if context.is_array(one)]
    if wrong and not is_guarded(context, call.node, ("TypeError", "ValueError")):
        edits = tuple(replaced(one, f"[{text_of(one)}]") for one in wrong)
        yield Finding(
            wrong[0], f"`mx.{call.name}` takes a list of arrays, and takes the rows of this one for arguments. Put it "
            "into a list.", (Fix("Put it into a list", edits),),
        )  # fmt: skip


RULES = (gradient_function, value_and_gradient, vjp_lists)
