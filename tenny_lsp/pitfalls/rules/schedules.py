"""What optimizers are given: schedules and clipped gradients."""

from collections.abc import Iterator

from tenny_lsp.inference.meaning import Function, LocalFunction
from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, inserted, replaced
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.origins import last_value
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.pitfalls.traced import outer_value
from tenny_lsp.pitfalls.values import literal_of
from tenny_lsp.source.syntax import Node, field, text_of

_OPTIMIZER = "mlx.optimizers.Optimizer"
_PAGE = PYTHON + "optimizers/"
#: Schedule → the place and the name of its number of steps.
_STEPS = {"cosine_decay": (1, "decay_steps"), "linear_schedule": (2, "steps"), "step_decay": (2, "step_size")}
_SCHEDULES = {f"mlx.optimizers.{name}" for name in (*_STEPS, "exponential_decay", "join_schedules")}
_RATE = "def rate(step):\n    return 0.1\n"
_GRADS = "loss, grads = nn.value_and_grad(model, lambda x: model(x).sum())(x)\n"
_SCHEDULED = f"{_GRADS}opt = optim.SGD(optim.cosine_decay(0.1, 10))\n"


@rule(
    "schedule-arguments",
    "error",
    "Arguments that a schedule does not take",
    _PAGE + "schedulers.html",
    calls=(*_STEPS, "join_schedules"),
    examples=(
        Example("y = optim.step_decay(0.1, 10, 0.5)(20)", "y = optim.step_decay(0.1, 0.5, 10)(20)", "y == 0.025"),
        Example(
            "y = optim.linear_schedule(0, 100, 1e-3)(mx.array(1))",
            "y = optim.linear_schedule(0, 1e-3, 100)(mx.array(1))",
            "y.item() < 1e-3",
        ),
        Example(
            "y = optim.cosine_decay(0.1, decay_steps=0.9)(mx.array(1))",
            "y = optim.cosine_decay(0.1, decay_steps=10)(mx.array(1))", "y.item() < 0.1", is_fixed=False,
        ),
        Example(
            "parts = [optim.linear_schedule(0, 0.1, 10), optim.cosine_decay(0.1, 90)]\n"
            "y = optim.join_schedules(parts, [10, 100])(mx.array(1))",
            "parts = [optim.linear_schedule(0, 0.1, 10), optim.cosine_decay(0.1, 90)]\n"
            "y = optim.join_schedules(parts, [10])(mx.array(1))",
            "y.item() < 0.1", is_fixed=False,
        ),
    ),
)  # fmt: skip
def schedule_arguments(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find schedules over less than one step, and joined ones with a wrong number of boundaries."""
    if context.name(call.function) != f"mlx.optimizers.{call.name}" or not call.is_whole:
        return
    if is_guarded(context, call.node, ("ValueError",)):
        return
    if call.name == "join_schedules":
        schedules, boundaries = (_argument(call, place, name) for place, name in ((0, "schedules"), (1, "boundaries")))
        counts = [_count(context, one) for one in (schedules, boundaries)]
        if boundaries is not None and None not in counts and counts[0] != (counts[1] or 0) + 1:
            yield Finding(
                boundaries, f"{counts[0]} schedules have {(counts[0] or 0) - 1} boundaries between them, and these are "
                f"{counts[1]}: this raises.",
            )  # fmt: skip
        return
    place, name = _STEPS[call.name]
    given = _argument(call, place, name)
    number = literal_of(context.value_of(given)) if given is not None else None
    if given is None or not isinstance(number, int | float) or number >= 1:
        return
    yield Finding(
        given, f"`{name}` is a number of steps, at least 1: this raises.", _exchanged(call, place),
    )  # fmt: skip


def _exchanged(call: Call, place: int) -> tuple[Fix, ...]:
    """Return the fix that exchanges the steps with the number before them, where that is one of steps."""
    before = literal_of(call.arguments[place - 1]) if len(call.arguments) == place + 1 == 3 else None
    if type(before) is not int or before < 1:
        return ()
    one, other = call.arguments[place - 1 : place + 1]
    edits = (replaced(one, text_of(other)), replaced(other, text_of(one)))
    return (Fix("Exchange them", edits, is_safe=False),)


def _argument(call: Call, place: int, name: str) -> Node | None:
    return call.arguments[place] if len(call.arguments) > place else call.value(name)


def _count(context: RuleContext, node: Node | None) -> int | None:
    """Return how many items a list has, by its text; None where that does not tell."""
    value = context.value_of(node)
    if node is None or value is None or value.type not in ("list", "tuple"):
        return None
    if value != node and context.file.mentions(f"{text_of(node)}."):  # something may be appended
        return None
    items = [child for child in value.named_children if child.type != "comment"]
    return len(items) if all(item.type != "list_splat" for item in items) else None


@rule(
    "schedule-as-rate",
    "error",
    "A function where the learning rate is a number",
    _PAGE + "schedulers.html",
    kinds=("assignment",),
    keywords=("learning_rate",),
    examples=(
        Example(
            "optimizer.learning_rate = optim.cosine_decay(0.1, 10)\ny = optimizer.learning_rate",
            "optimizer.learning_rate = optim.cosine_decay(0.1, 10)(optimizer.step)\ny = optimizer.learning_rate",
            "abs(y.item() - 0.1) < 1e-6",
        ),
        Example(
            f"{_RATE}optimizer.learning_rate = rate\ny = optimizer.learning_rate",
            f"{_RATE}optimizer.learning_rate = rate(optimizer.step)\ny = optimizer.learning_rate",
            "abs(y.item() - 0.1) < 1e-6",
        ),
        Example(
            f"{_GRADS}opt = optim.Adam(learning_rate=optim.cosine_decay)\nopt.update(model, grads)\n"
            "y = opt.learning_rate",
            f"{_GRADS}opt = optim.Adam(learning_rate=optim.cosine_decay(0.1, 10))\nopt.update(model, grads)\n"
            "y = opt.learning_rate",
            "abs(y.item() - 0.1) < 1e-6", is_fixed=False,
        ),
    ),
)  # fmt: skip
def schedule_as_rate(context: RuleContext, found: Node | Call) -> Iterator[Finding]:
    """Find schedules that are assigned to ``learning_rate``, and schedules' makers that are not called."""
    if isinstance(found, Call):
        given = found.value("learning_rate")
        made = context.entry(found.function)
        is_optimizer = (
            made is not None
            and made.kind == "class"
            and context.inherits(context.evaluator.meaning(found.function), _OPTIMIZER)
        )
        if given is not None and is_optimizer and context.name(given) in _SCHEDULES:
            yield Finding(
                given, f"`{text_of(given)}` makes a schedule when it is called: write `{text_of(given)}(…)`. Given "
                "itself, the first update raises.",
            )  # fmt: skip
        return
    left, value = field(found, "left"), field(found, "right")
    owner, name = field(left, "object"), field(left, "attribute")
    if value is None or owner is None or name is None or text_of(name) != "learning_rate":
        return
    if not context.is_a(owner, _OPTIMIZER) or not _is_function(context, value):
        return
    text = f"({text_of(owner)}.step)"
    fixes = (Fix("Give what it returns", (inserted(value.end_byte, text),), is_safe=False),)
    yield Finding(
        value, "`learning_rate` is set to a number or an array, and this is a function: it raises. A schedule is given "
        "to the optimizer when it is made; later give what it returns.", fixes if value.type != "lambda" else (),
    )  # fmt: skip


def _is_function(context: RuleContext, value: Node) -> bool:
    source = context.value_of(value)
    call = call_of(source)
    if source is not None and source.type == "lambda":
        return True
    if call is not None:
        return context.name(call.function) in _SCHEDULES
    return isinstance(context.evaluator.meaning(value), LocalFunction | Function) or context.name(value) in _SCHEDULES


@rule(
    "clip-result",
    "error",
    "The result of `clip_grad_norm` taken for gradients",
    _PAGE + "_autosummary/mlx.optimizers.clip_grad_norm.html",
    calls=("update", "apply_gradients"),
    examples=(
        Example(
            f"{_GRADS}optimizer.update(model, optim.clip_grad_norm(grads, 1.0))\ny = optimizer.step",
            f"{_GRADS}optimizer.update(model, optim.clip_grad_norm(grads, 1.0)[0])\ny = optimizer.step",
            "y.item() == 1",
        ),
        Example(
            f"{_GRADS}grads = optim.clip_grad_norm(grads, max_norm=1.0)\noptimizer.update(model, grads)\n"
            "y = optimizer.step",
            f"{_GRADS}grads, _ = optim.clip_grad_norm(grads, max_norm=1.0)\noptimizer.update(model, grads)\n"
            "y = optimizer.step",
            "y.item() == 1",
        ),
        Example(
            f"{_GRADS}clipped = optim.clip_grad_norm(grads, max_norm=1.0)\nif model.training:\n"
            "    optimizer.update(model, clipped)\ny = optimizer.step",
            f"{_GRADS}clipped, _ = optim.clip_grad_norm(grads, max_norm=1.0)\nif model.training:\n"
            "    optimizer.update(model, clipped)\ny = optimizer.step",
            "y.item() == 1",
        ),
    ),
)
def clip_result(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find updates with what ``clip_grad_norm`` returns: the gradients and their norm."""
    place = 1 if call.name == "update" else 0
    given = _argument(call, place, "gradients")
    if given is None or not context.file.mentions("clip_grad_norm") or not context.is_a(call.owner, _OPTIMIZER):
        return
    source = last_value(context, given) if given.type == "identifier" and context.is_own(given) else given
    made = call_of(source)
    if made is None or context.name(made.function) != "mlx.optimizers.clip_grad_norm":
        return
    fixes: tuple[Fix, ...] = ()
    if given == source:
        fixes = (Fix("Take the gradients", (inserted(given.end_byte, "[0]"),), is_safe=False),)
    elif made.node.parent is not None and (left := field(made.node.parent, "left")) is not None:
        fixes = (Fix("Unpack both", (inserted(left.end_byte, ", _"),), is_safe=False),)
    yield Finding(
        given, "`clip_grad_norm` returns the clipped gradients and their norm, and an update takes the gradients "
        "alone: `grads, norm = optim.clip_grad_norm(grads, max_norm)`.", fixes,
    )  # fmt: skip


@rule(
    "scheduled-rate",
    "warning",
    "A learning rate assigned beside a schedule",
    _PAGE + "schedulers.html",
    kinds=("assignment", "augmented_assignment"),
    words=("learning_rate",),
    examples=(
        Example(
            f"{_SCHEDULED}opt.learning_rate = 5.0\nopt.update(model, grads)\ny = opt.learning_rate",
            f"{_SCHEDULED}opt = optim.SGD(5.0)\nopt.update(model, grads)\ny = opt.learning_rate",
            "y.item() == 5", "wrong", is_fixed=False,
        ),
        Example(
            f"{_SCHEDULED}opt.learning_rate *= 0.5\nopt.update(model, grads)\ny = opt.learning_rate",
            f"{_SCHEDULED}opt = optim.SGD(0.05)\nopt.update(model, grads)\ny = opt.learning_rate",
            "y.item() < 0.06", "wrong", is_fixed=False,
        ),
        Example(
            f'{_SCHEDULED}opt.state["learning_rate"] = mx.array(5.0)\nopt.update(model, grads)\ny = opt.learning_rate',
            f"{_SCHEDULED}opt = optim.SGD(5.0)\nopt.update(model, grads)\ny = opt.learning_rate",
            "y.item() == 5", "wrong", is_fixed=False,
        ),
    ),
)  # fmt: skip
def scheduled_rate(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find learning rates that are assigned to optimizers made with a schedule, which sets them at each update."""
    left = field(node, "left")
    owner = _whose_rate(left)
    if left is None or owner is None or not context.is_a(owner, _OPTIMIZER):
        return
    made = call_of(_made(context, owner))
    given = _argument(made, 0, "learning_rate") if made is not None else None
    if made is None or given is None or not context.name(made.function).startswith("mlx.optimizers."):
        return
    value = field(node, "right")
    if _is_function(context, given) and not (value is not None and _is_function(context, value)):
        yield Finding(
            left, f"`{text_of(owner)}` is made with a schedule, which sets the rate at each update: what is assigned "
            "here is gone at the next. Put it into the schedule, or give the optimizer a number.",
        )  # fmt: skip


def _whose_rate(left: Node | None) -> Node | None:
    """Return the optimizer whose learning rate is assigned, ``opt.learning_rate`` or ``opt.state["learning_rate"]``."""
    owner, name = field(left, "object"), field(left, "attribute")
    if name is not None and text_of(name) == "learning_rate":
        return owner
    state = field(left, "value") if left is not None and left.type == "subscript" else None
    is_rate = left is not None and text_of(left).rstrip("]").endswith(('"learning_rate"', "'learning_rate'"))
    inner = field(state, "attribute")
    return field(state, "object") if is_rate and inner is not None and text_of(inner) == "state" else None


def _made(context: RuleContext, owner: Node) -> Node | None:
    """Return the call that makes an optimizer, where its name is assigned once."""
    return context.value_of_attribute(owner) if owner.type == "attribute" else outer_value(context, owner)


RULES = (schedule_arguments, schedule_as_rate, clip_result, scheduled_rate)
