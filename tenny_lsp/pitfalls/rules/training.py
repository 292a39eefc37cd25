"""Training as in PyTorch: backward, step and zero_grad; loops that never evaluate; losses that are not reduced."""

import re
from collections.abc import Iterator

from tenny_lsp.inference.meaning import Api, External, Function, Group, Instance, LocalFunction
from tenny_lsp.pitfalls.calls import Call, call_of, function_around, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, appended, indentation_of, inserted, is_alone, replaced
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.rule import ISSUES, PYTHON, USAGE, Example, Finding, rule
from tenny_lsp.source.syntax import Node, dotted_of, field, text_of, up_to

#: Functions of Python's that evaluate nothing.
_LAZY = {"range", "zip", "enumerate", "len", "list", "reversed", "min", "max", "tqdm.tqdm", "time.time"}
_EVALUATES = (
    "eval", "item", "tolist", "print", "float(", "int(", "np.", "numpy", "synchronize", "save", "log", "memoryview",
)  # fmt: skip
#: Who evaluates after the loop has thought of it, and has chosen how much is evaluated at once.
_EVALUATED = re.compile(r"\b(?:eval|async_eval|synchronize)\(")
_UNREDUCED = ("cross_entropy", "nll_loss", "kl_div_loss")


@rule(
    "backward-call",
    "error",
    "`loss.backward()`",
    ISSUES + "605",
    calls=("backward",),
    examples=(
        Example(
            "loss = model(x).sum()\nloss.backward()",
            "loss, grads = nn.value_and_grad(model, lambda x: model(x).sum())(x)",
            'grads["weight"].shape == (2, 3)',
            is_fixed=False,
        ),
    ),
)
def backward_call(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find ``backward`` of arrays."""
    if context.is_array(call.owner) and not is_guarded(context, call.node):
        yield Finding(
            call.function, "Arrays have no `backward`: gradients are a function's. Write "
            "`loss, grads = nn.value_and_grad(model, loss_fn)(model, …)`, then `optimizer.update(model, grads)`.",
        )  # fmt: skip


@rule(
    "optimizer-step",
    "error",
    "`optimizer.step()`",
    PYTHON + "optimizers/optimizer.html",
    calls=("step",),
    examples=(
        Example(
            "grads = model.parameters()\noptimizer.step()",
            "grads = model.parameters()\noptimizer.update(model, grads)",
            "optimizer.step.item() == 1",
        ),
    ),
)
def optimizer_step(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find ``step`` of an optimizer that is called: it is an array that counts."""
    if not context.is_a(call.owner, "mlx.optimizers.Optimizer") or call.owner is None:
        return
    value = context.meaning(call.owner)
    if not isinstance(value, Instance) or not isinstance(value.of, Api) or context.may_be_subclass(call.owner, "step"):
        return
    scopes = context.scopes_around(call.node)
    are_known = all(any(name in scope.bindings for scope in scopes) for name in ("model", "grads"))
    text = f"{text_of(call.owner)}.update(model, grads)"
    message = "`optimizer.step` is an array, the count of updates; `optimizer.update(model, grads)` makes one."
    yield Finding(
        call.function, message, (Fix(f"Write {text}", (replaced(call.node, text),), False),) if are_known else ()
    )


@rule(
    "missing-eval",
    "warning",
    "A training loop that evaluates nothing",
    USAGE + "lazy_evaluation.html",
    calls=("update",),
    examples=(
        Example(
            "step = nn.value_and_grad(model, lambda x: model(x).sum())\nfor _ in range(3):\n"
            "    loss, grads = step(x)\n    optimizer.update(model, grads)",
            "step = nn.value_and_grad(model, lambda x: model(x).sum())\nfor _ in range(3):\n"
            "    loss, grads = step(x)\n    optimizer.update(model, grads)\n"
            "    mx.eval(model.parameters(), optimizer.state)",
            "optimizer.step.item() == 3",
            "slow",
        ),
        Example(
            "def batch(seed):\n    return mx.array(np.random.default_rng(seed).standard_normal((2, 3)))\n"
            "step = nn.value_and_grad(model, lambda x: model(x).sum())\nfor i in range(3):\n    x = batch(i)\n"
            "    loss, grads = step(x)\n    optimizer.update(model, grads)",
            "def batch(seed):\n    return mx.array(np.random.default_rng(seed).standard_normal((2, 3)))\n"
            "step = nn.value_and_grad(model, lambda x: model(x).sum())\nfor i in range(3):\n    x = batch(i)\n"
            "    loss, grads = step(x)\n    optimizer.update(model, grads)\n"
            "    mx.eval(model.parameters(), optimizer.state)",
            "optimizer.step.item() == 3",
            "slow",
        ),
    ),
)
def missing_eval(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find loops of updates in which nothing is evaluated: the graph and its memory grow with every turn."""
    statement = call.node.parent
    loop = up_to(call.node, "for_statement", "while_statement", "function_definition", "lambda")
    given = context.meaning(call.arguments[0]) if call.arguments else None
    is_module = isinstance(given, Instance) and context.inherits(given.of, "mlx.nn.Module")
    if given is not None and not is_module:  # as a dict of parameters, which is for tests
        return
    if statement is None or statement.type != "expression_statement" or loop is None or len(call.arguments) != 2:
        return
    if loop.type not in ("for_statement", "while_statement") or not context.is_a(
        call.owner, "mlx.optimizers.Optimizer"
    ):
        return
    outermost = loop
    while (
        outer := up_to(outermost.parent, "for_statement", "while_statement") if outermost.parent else None
    ) is not None:
        outermost = outer
    function = function_around(call.node)
    if any(word in text_of(outermost) for word in _EVALUATES) or (function is not None and _is_decorated(function)):
        return
    if _EVALUATED.search("\n".join(map(text_of, _following(outermost)))):
        return
    calls = list(within(outermost, "call"))
    if not all(_is_lazy(context, field(one, "function")) or _gives_data(context, one, outermost) for one in calls):
        return
    mx = context.alias("mlx.core", call.node)
    model, optimizer = text_of(call.arguments[0]), text_of(call.owner) if call.owner is not None else ""
    text = f"\n{indentation_of(statement)}{mx}.eval({model}.parameters(), {optimizer}.state)"
    are_names = dotted_of(call.arguments[0]) and call.owner is not None and dotted_of(call.owner)
    fixes: tuple[Fix, ...] = ()
    if mx and are_names and is_alone(statement):
        fixes = (Fix("Evaluate after the update", (inserted(statement.end_byte, text),), is_module),)
    yield Finding(
        call.node, "Nothing in this loop is evaluated, so the graph and its memory grow with every turn. Write "
        f"`mx.eval({model}.parameters(), {optimizer}.state)` after the update.", fixes,
    )  # fmt: skip


def _gives_data(context: RuleContext, node: Node, loop: Node) -> bool:
    """Return whether a call makes arrays of what a loop does not compute: it cannot evaluate what the loop does.

    That is a call of a function of the file that is given, and reads, nothing that the loop updates or assigns.
    """
    call = call_of(node)
    function = context.evaluator.meaning(call.function) if call is not None else None
    if call is None or not isinstance(function, LocalFunction) or function.receiver is not None:
        return False
    result = context.meaning(node)
    parts = result.items if isinstance(result, Group) and result.items else (result,)
    if not all(context.evaluator.is_array(part) for part in parts):
        return False
    changed = {
        text_of(one)
        for found in within(loop, "assignment", "augmented_assignment")
        for one in within(field(found, "left"), "identifier")
    }
    for found in within(loop, "call"):
        update = call_of(found)
        if update is not None and update.name == "update" and update.owner is not None:
            changed |= {dotted_of(one).partition(".")[0] for one in (update.owner, *update.arguments)}
    read = set(re.findall(r"\w+", f"{text_of(function.node)} {text_of(call.listed)}"))
    own = context.bindings_in(function.node).keys()
    return changed.isdisjoint(read - own) and changed.isdisjoint(re.findall(r"\w+", text_of(call.listed)))


def _following(statement: Node) -> Iterator[Node]:
    """Yield the statements after one in its block."""
    after = statement.next_named_sibling
    while after is not None:
        yield after
        after = after.next_named_sibling


def _is_decorated(function: Node) -> bool:
    return function.parent is not None and function.parent.type == "decorated_definition"


def _is_lazy(context: RuleContext, function: Node | None) -> bool:
    """Return whether a call is certain to evaluate nothing."""
    meaning = context.evaluator.meaning(function) if function is not None else None
    if isinstance(meaning, External):
        return meaning.name in _LAZY
    if isinstance(meaning, Api):
        return meaning.entry.name.startswith("mlx.")
    return isinstance(meaning, Function) or (isinstance(meaning, Instance) and isinstance(meaning.of, Api))


@rule(
    "unreduced-loss",
    "error",
    "A loss that is not reduced, differentiated",
    PYTHON + "nn/losses.html",
    calls=_UNREDUCED,
    examples=(
        Example(
            "def loss_fn(x, t):\n    return nn.losses.cross_entropy(model(x), t)\n"
            "y, grads = nn.value_and_grad(model, loss_fn)(x, mx.array([0, 1]))",
            'def loss_fn(x, t):\n    return nn.losses.cross_entropy(model(x), t, reduction="mean")\n'
            "y, grads = nn.value_and_grad(model, loss_fn)(x, mx.array([0, 1]))",
            "y.shape == ()",
        ),
    ),
)
def unreduced_loss(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find losses of one value a row that a function returns whose gradient is taken."""
    if (
        "reduction" in call.keywords
        or not call.is_whole
        or not context.name(call.function).startswith("mlx.nn.losses.")
    ):
        return
    function = function_around(call.node)
    statement = call.node.parent
    if function is None or statement is None or statement.type != "return_statement" or context.file.mentions("vmap"):
        return
    name = field(function, "name")
    if name is None or len(list(within(field(function, "body"), "return_statement"))) != 1:
        return
    if function.id in context.file.gradients:
        fix = Fix('Add reduction="mean"', (appended(call, 'reduction="mean"'),))
        message = (
            f'`{call.name}` gives one value a row unless it is told `reduction="mean"`; only a scalar has a gradient.'
        )
        yield Finding(call.node, message, (fix,))


RULES = (backward_call, optimizer_step, missing_eval, unreduced_loss)
