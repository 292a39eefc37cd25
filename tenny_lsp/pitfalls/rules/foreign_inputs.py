"""Arrays of NumPy's, and lists, given to layers and losses, and what `mx.eval` is given and cannot evaluate."""

from collections.abc import Iterator

from tenny_lsp.inference.meaning import Api, Instance, LocalClass
from tenny_lsp.mlx_api.consumers import load_consumers
from tenny_lsp.pitfalls.calls import Call, all_within, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, inserted, replaced
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.numpy_values import is_numpy_array
from tenny_lsp.pitfalls.rule import PYTHON, USAGE, Example, Finding, rule
from tenny_lsp.source.syntax import field, text_of

#: Layers that take arrays of MLX's alone; ``nn.Linear`` passes NumPy's through where it has no bias.
_LAYERS = {name for name, places in load_consumers().items() if name.startswith("mlx.nn.") and "0" in places}
_LOSSES = ("cross_entropy", "nll_loss")
_NET = (
    "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(3, 2)\n"
    "    def __call__(self, a):\n        return nn.relu(self.fc(a))\nnet = Net()\n"
)


@rule(
    "numpy-input",
    "error",
    "An array of NumPy's given to a layer or a loss",
    USAGE + "numpy.html",
    calls=("*",),
    examples=(
        Example("a = np.ones((2, 3))\ny = model(a)", "a = np.ones((2, 3))\ny = model(mx.array(a))",
                "y.shape == (2, 2)"),
        Example(f"{_NET}a = np.random.rand(4, 3)\ny = net(a)", f"{_NET}a = np.random.rand(4, 3)\ny = net(mx.array(a))",
                "y.shape == (4, 2)"),
        Example("norm = nn.LayerNorm(3)\ny = norm(np.zeros((2, 3)))",
                "norm = nn.LayerNorm(3)\ny = norm(mx.array(np.zeros((2, 3))))", "y.shape == (2, 3)"),
        Example("t = np.zeros(2, dtype=np.int32)\ny = nn.losses.cross_entropy(x, t)",
                "t = np.zeros(2, dtype=np.int32)\ny = nn.losses.cross_entropy(x, mx.array(t))", "y.shape == (2,)"),
        Example("y = model([[1.0, 2.0, 3.0]])", "y = model(mx.array([[1.0, 2.0, 3.0]]))", "y.shape == (1, 2)"),
    ),
)  # fmt: skip
def numpy_input(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find arrays of NumPy's, and lists, as the input of a layer, a model or a loss that takes MLX's alone."""
    if not call.is_whole or not 0 < len(call.arguments) < 4 or call.name[:1].isupper():
        return
    is_loss = call.name in _LOSSES
    given = call.arguments[1] if is_loss and len(call.arguments) > 1 else call.arguments[0]
    is_list = given.type == "list"
    if not is_list and not context.file.mentions("numpy"):
        return
    if not is_list and (given.type not in ("identifier", "call") or not is_numpy_array(context, given)):
        return
    if not (context.name(call.function).startswith("mlx.nn.losses.") if is_loss else _takes_arrays(context, call)):
        return
    mx = context.alias("mlx.core", call.node)
    text = f"{mx}.array({text_of(given)})"
    fixes = (Fix(f"Write {text}", (replaced(given, text),), is_safe=False),) if mx else ()
    if not is_guarded(context, call.node, ("TypeError", "ValueError")):
        what = "a list" if is_list else "one of NumPy's"
        yield Finding(given, f"This takes arrays of MLX's, and what it is given is {what}: it raises.", fixes)


def _takes_arrays(context: RuleContext, call: Call) -> bool:
    """Return whether what is called is a layer that takes arrays of MLX's alone, or hands its input to one at once."""
    if not context.is_made(call.function):
        made = context.meaning(call.function)
        is_own = isinstance(made, Instance) and isinstance(made.of, LocalClass) and made.is_exact
        return is_own and isinstance(made, Instance) and _hands_on(context, made.of)
    layer = context.meaning(call.function)
    return isinstance(layer, Instance) and isinstance(layer.of, Api) and _takes(context, layer.of.entry.name)


def _takes(context: RuleContext, layer: str) -> bool:
    return layer in _LAYERS and (layer != "mlx.nn.Linear" or not context.file.mentions("bias"))


def _hands_on(context: RuleContext, cls: Api | LocalClass) -> bool:
    """Return whether a model of the file gives its first parameter, as it is, to such a layer."""
    if not isinstance(cls, LocalClass) or cls.home is not context.evaluator:
        return False
    found = [one.definition for one in context.bindings_in(cls.node).get("__call__", ())]
    listed = field(found[0], "parameters") if len(found) == 1 else None
    names = [one for one in listed.named_children if one.type in ("identifier", "typed_parameter")] if listed else []
    if len(names) < 2 or not context.inherits(cls, "mlx.nn.Module") or found[0] is None:
        return False
    name = text_of(names[1]).partition(":")[0].strip()
    if len(context.bindings_in(found[0]).get(name, ())) != 1:
        return False
    for node in all_within(found[0], "call"):
        call = call_of(node)
        if call is None or [text_of(one) for one in call.arguments] != [name] or call.owner is None:
            continue
        made = call_of(context.value_of_attribute(call.function)) if text_of(call.owner) == "self" else None
        if made is not None and _takes(context, context.name(made.function)):
            return True
    return False


@rule(
    "evaluated-nothing",
    "warning",
    "`mx.eval` of no array",
    PYTHON + "_autosummary/mlx.core.eval.html",
    calls=("eval", "async_eval"),
    examples=(
        Example("model.update(model.parameters())\nmx.eval(model.parameters)\ny = 1",
                "model.update(model.parameters())\nmx.eval(model.parameters())\ny = 1", outcome="slow"),
        Example("z = x + 1\nmx.eval()\ny = 1", "z = x + 1\nmx.eval(z)\ny = 1", outcome="slow", is_fixed=False),
        Example("loss = x.mean()\nmx.eval(loss.item)\ny = 1", "loss = x.mean()\nmx.eval(loss)\ny = 1", outcome="slow",
                is_fixed=False),
    ),
)  # fmt: skip
def evaluated_nothing(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find ``mx.eval()``, and methods given to it that are not called: it passes over all that is no array."""
    if not call.is_whole or context.name(call.function) != f"mlx.core.{call.name}":
        return
    if not call.arguments and not call.keywords:
        yield Finding(call.node, f"`mx.{call.name}` evaluates what it is given, and this is nothing.")
    for one in call.arguments:
        name = field(one, "attribute") if one.type == "attribute" else None
        if name is None or text_of(name) not in ("parameters", "trainable_parameters", "item", "tolist"):
            continue
        is_method = context.is_a(field(one, "object"), "mlx.nn.Module") or context.is_array(field(one, "object"))
        entry = context.entry(one)
        if is_method and entry is not None and entry.kind == "method":
            fixes = (Fix("Call it", (inserted(one.end_byte, "()"),), is_safe=False),)
            yield Finding(
                one, f"`{text_of(one)}` is the method itself, in which `mx.{call.name}` finds no arrays: it evaluates "
                "nothing.", fixes if "parameters" in text_of(name) else (),
            )  # fmt: skip


RULES = (numpy_input, evaluated_nothing)
