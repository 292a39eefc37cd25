"""Calls that PyTorch takes in another form: layers in a list, names of devices, schedules that are stepped."""

from collections.abc import Iterator

from tenny_lsp.inference.meaning import Group
from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, inserted, replaced
from tenny_lsp.pitfalls.guards import is_set_or_guarded
from tenny_lsp.pitfalls.rule import PYTHON, USAGE, Example, Finding, rule
from tenny_lsp.pitfalls.signatures import called_entry
from tenny_lsp.pitfalls.values import literal_of
from tenny_lsp.source.syntax import Node, field, text_of

#: Functions whose first argument is a device or a stream.
_PLACED = ("set_default_device", "set_default_stream", "new_stream", "default_stream", "stream", "synchronize")
_DEVICES = {"cpu": "cpu", "gpu": "gpu", "mps": "gpu", "cuda": "gpu", "metal": "gpu"}
_SCHEDULE = "schedule = optim.cosine_decay(0.1, 10)\n"


@rule(
    "sequential-list",
    "error",
    "`nn.Sequential` of a list",
    PYTHON + "nn/_autosummary/mlx.nn.Sequential.html",
    calls=("Sequential",),
    examples=(
        Example("y = nn.Sequential([nn.Linear(3, 2), nn.ReLU()])(x)",
                "y = nn.Sequential(*[nn.Linear(3, 2), nn.ReLU()])(x)", "y.shape == (2, 2)"),
        Example("layers = [nn.Linear(3, 3) for _ in range(2)]\ny = nn.Sequential(layers)(x)",
                "layers = [nn.Linear(3, 3) for _ in range(2)]\ny = nn.Sequential(*layers)(x)", "y.shape == (2, 3)"),
    ),
)  # fmt: skip
def sequential_list(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find a list of layers given to ``Sequential``, which takes them one by one."""
    given = call.arguments[0] if len(call.arguments) == 1 and call.is_whole and not call.keywords else None
    if given is None or context.name(call.function) != "mlx.nn.Sequential":
        return
    meaning = context.meaning(given)
    if given.type in ("list", "list_comprehension") or (isinstance(meaning, Group) and meaning.kind != "iterable"):
        star = "*" if given.type != "conditional_expression" else ""
        fixes = (Fix("Unpack the list", (inserted(given.start_byte, star),)),) if star else ()
        message = (
            "`nn.Sequential` takes layers one by one: a list is taken for a layer, and calling it raises. Unpack it."
        )
        yield Finding(given, message, fixes)


@rule(
    "device-name",
    "error",
    "The name of a device instead of the device",
    USAGE + "using_streams.html",
    calls=_PLACED,
    keywords=("stream",),
    examples=(
        Example('mx.set_default_device("cpu")\ny = 1', "mx.set_default_device(mx.cpu)\ny = 1"),
        Example('y = mx.add(x, 1, stream="cpu")', "y = mx.add(x, 1, stream=mx.cpu)", "y.shape == (2, 3)"),
        Example('with mx.stream("cpu"):\n    y = x + 1', "with mx.stream(mx.cpu):\n    y = x + 1", "y.shape == (2, 3)"),
    ),
)  # fmt: skip
def device_name(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find texts where a device or a stream is wanted."""
    first = call.arguments[0] if call.name in _PLACED and call.arguments else None
    for given in (call.value("stream"), first):
        name = literal_of(given) if given is not None and given.type == "string" else None
        if given is None or not isinstance(name, str):
            continue
        entry = called_entry(context, call)
        if entry is None or not entry.name.startswith("mlx.core."):
            continue
        wanted = [one.annotation for signature in entry.signatures for one in signature.parameters]
        if not any("Device" in annotation for annotation in wanted):
            continue
        mx, device = context.alias("mlx.core", call.node), _DEVICES.get(name.partition(":")[0])
        fixes = (Fix(f"Write {mx}.{device}", (replaced(given, f"{mx}.{device}"),)),) if mx and device else ()
        yield Finding(given, "A device is `mx.cpu` or `mx.gpu`, not its name: this raises.", fixes)


@rule(
    "schedule-method",
    "error",
    "A learning-rate schedule used as PyTorch's",
    PYTHON + "optimizers/schedulers.html",
    attributes=("step", "get_lr", "get_last_lr", "last_epoch", "base_lrs", "state_dict", "load_state_dict"),
    examples=(
        Example(
            f"{_SCHEDULE}schedule.step()\ny = schedule(1)", f"{_SCHEDULE}y = schedule(1)", "y.item() < 0.1",
            is_fixed=False,
        ),
        Example(
            f"{_SCHEDULE}y = schedule.get_last_lr()", f"{_SCHEDULE}y = schedule(optimizer.step)",
            "abs(y.item() - 0.1) < 1e-6", is_fixed=False,
        ),
    ),
)  # fmt: skip
def schedule_method(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find attributes of schedules, which are functions of the step."""
    owner, name = field(node, "object"), field(node, "attribute")
    made = call_of(context.value_of(owner)) if owner is not None and owner.type == "identifier" else None
    entry = context.entry(made.function) if made is not None else None
    if entry is None or entry.kind != "function" or not entry.name.startswith("mlx.optimizers."):
        return
    if {signature.returns for signature in entry.signatures} == {"Callable"} and not is_set_or_guarded(context, node):
        yield Finding(
            node, f"`{entry.name}` returns a function of the step, and that has no `{text_of(name or node)}`. The "
            "optimizer that is given it as its learning rate calls it: leave this out.",
        )  # fmt: skip


RULES = (sequential_list, device_name, schedule_method)
