"""``value_and_grad`` given the function in the model's place, and its pair taken for the gradients."""

from collections.abc import Iterator

from tenny_lsp.inference.meaning import Group, LocalFunction
from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, inserted, replaced
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.origins import last_value
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.source.syntax import Node, field, text_of

_MODULE = "mlx.nn.Module"
_OPTIMIZER = "mlx.optimizers.Optimizer"
_LOSS = "def loss_fn(a):\n    return model(a).sum()\n"
_STEP = "step = nn.value_and_grad(model, lambda a: model(a).sum())\n"


@rule(
    "swapped-model",
    "error",
    "The model and the function of `value_and_grad` exchanged",
    PYTHON + "_autosummary/mlx.nn.value_and_grad.html",
    calls=("value_and_grad",),
    examples=(
        Example(
            f"{_LOSS}y = nn.value_and_grad(loss_fn, model)(x)[0]",
            f"{_LOSS}y = nn.value_and_grad(model, loss_fn)(x)[0]",
            "y.shape == ()",
        ),
        Example(
            f"{_LOSS}y = mx.value_and_grad(model, loss_fn)(x)[0]",
            f"{_LOSS}y = nn.value_and_grad(model, loss_fn)(x)[0]",
            "y.shape == ()",
        ),
    ),
)  # fmt: skip
def swapped_model(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find ``nn.value_and_grad(loss, model)``, and ``mx.value_and_grad(model, loss)``, which knows no model."""
    if len(call.arguments) != 2 or not call.is_whole or is_guarded(context, call.node):
        return
    first, second = call.arguments
    name = context.name(call.function)
    if name == "mlx.nn.value_and_grad":
        if _is_function(context, first) and context.is_a(second, _MODULE):
            swap = replaced(first, text_of(second)), replaced(second, text_of(first))
            yield Finding(
                call.listed, "`nn.value_and_grad` takes the model first, then the function: called, this raises.",
                (Fix("Exchange them", swap, is_safe=False),),
            )  # fmt: skip
    elif name == "mlx.core.value_and_grad" and context.is_a(first, _MODULE) and _is_function(context, second):
        nn = context.alias("mlx.nn", call.node)
        fix = Fix("Write nn.value_and_grad", (replaced(call.function, f"{nn}.value_and_grad"),), is_safe=False)
        yield Finding(
            call.listed, "`mx.value_and_grad` takes a function and the places of its arguments, and no model: this "
            "raises. `nn.value_and_grad(model, function)` takes both.", (fix,) if nn else (),
        )  # fmt: skip


def _is_function(context: RuleContext, node: Node) -> bool:
    return node.type == "lambda" or isinstance(context.evaluator.meaning(node), LocalFunction)


@rule(
    "pair-as-gradients",
    "error",
    "The loss and its gradients given to an update",
    PYTHON + "_autosummary/mlx.nn.value_and_grad.html",
    calls=("update", "apply_gradients"),
    examples=(
        Example(
            f"{_STEP}grads = step(x)\noptimizer.update(model, grads)\ny = optimizer.step",
            f"{_STEP}_, grads = step(x)\noptimizer.update(model, grads)\ny = optimizer.step",
            "y.item() == 1",
        ),
        Example(
            f"{_STEP}optimizer.update(model, step(x))\ny = optimizer.step",
            f"{_STEP}optimizer.update(model, step(x)[1])\ny = optimizer.step",
            "y.item() == 1",
        ),
    ),
)
def pair_as_gradients(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find updates with what ``value_and_grad`` makes returns: the loss and the gradients."""
    place = 1 if call.name == "update" else 0
    given = call.value("gradients") or (call.arguments[place] if len(call.arguments) > place else None)
    if given is None or given.type not in ("identifier", "call") or not context.file.mentions("value_and_grad"):
        return
    source = last_value(context, given) if given.type == "identifier" and context.is_own(given) else given
    made = call_of(source)
    pair = context.meaning(given) if made is not None else None
    if made is None or not isinstance(pair, Group) or pair.kind != "tuple" or not context.is_a(call.owner, _OPTIMIZER):
        return
    maker = call_of(made.function) or call_of(context.value_of(made.function))
    if maker is None or context.name(maker.function) not in ("mlx.nn.value_and_grad", "mlx.core.value_and_grad"):
        return
    fixes: tuple[Fix, ...] = ()
    left = field(made.node.parent, "left") if made.node.parent is not None else None
    if given == source:
        fixes = (Fix("Take the gradients", (inserted(given.end_byte, "[1]"),), is_safe=False),)
    elif left is not None:
        fixes = (Fix("Unpack both", (inserted(left.start_byte, "_, "),), is_safe=False),)
    yield Finding(
        given, "What `value_and_grad` makes returns the loss and the gradients, and an update takes the gradients "
        "alone: this raises.", fixes,
    )  # fmt: skip


RULES = (swapped_model, pair_as_gradients)
