"""Arguments that PyTorch takes and MLX does without: devices, gradients, an optimizer's parameters."""

from collections.abc import Iterator

from tenny_lsp.pitfalls.calls import Call
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, inserted, replaced, without
from tenny_lsp.pitfalls.rule import ISSUES, PYTHON, USAGE, Example, Finding, rule
from tenny_lsp.pitfalls.signatures import called_entry, parameters
from tenny_lsp.source.syntax import field, text_of

_UPDATED = "\ny.update(model, model.parameters())"


@rule(
    "device-keyword",
    "error",
    "`device=`: arrays have none",
    USAGE + "unified_memory.html",
    keywords=("device",),
    examples=(
        Example('y = mx.zeros((2, 3), device="gpu")', "y = mx.zeros((2, 3))", "y.shape == (2, 3)"),
        Example('y = nn.Linear(3, 2, device="cpu")(x)', "y = nn.Linear(3, 2)(x)", "y.shape == (2, 2)"),
        Example('y = mx.arange(3, device="cpu", dtype=mx.int8)', "y = mx.arange(3, dtype=mx.int8)", "y.size == 3"),
    ),
)
def device_keyword(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find ``device=`` given to what takes none."""
    yield from _dropped(
        context, call, "device",
        "Arrays live in unified memory and have no device: `{}` takes none. `stream=mx.cpu` runs one on the CPU.",
    )  # fmt: skip


@rule(
    "requires-grad-keyword",
    "error",
    "`requires_grad=`: gradients are functions",
    USAGE + "function_transforms.html",
    keywords=("requires_grad",),
    examples=(Example("y = mx.array([1.0], requires_grad=True)", "y = mx.array([1.0])", "y.size == 1"),),
)
def requires_grad_keyword(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find ``requires_grad=``."""
    yield from _dropped(
        context, call, "requires_grad",
        "`{}` takes no `requires_grad`: in MLX, `mx.grad` of a function gives the gradient.",
    )  # fmt: skip


def _dropped(context: RuleContext, call: Call, name: str, message: str) -> Iterator[Finding]:
    entry = called_entry(context, call)
    if entry is None or {name, "**"} & parameters(entry):
        return
    fixes = (Fix(f"Remove {name}=", without(call, [call.keywords[name]])),) if call.is_whole else ()
    yield Finding(call.keywords[name], message.format(entry.name), fixes)


@rule(
    "optimizer-arguments",
    "error",
    "An optimizer made as in PyTorch",
    PYTHON + "optimizers.html",
    calls=("Adam", "AdamW", "SGD", "Adagrad", "AdaDelta", "Adamax", "Lion", "RMSprop", "Adafactor", "Muon"),
    examples=(
        Example(
            "y = optim.Adam(model.parameters(), lr=1e-3)",
            "y = optim.Adam(learning_rate=1e-3)",
            "abs(y.learning_rate.item() - 1e-3) < 1e-6",
        ),
        Example("y = optim.SGD(lr=0.1)", "y = optim.SGD(learning_rate=0.1)", "y.learning_rate.item() > 0"),
        Example("y = optim.SGD(model.parameters(), 0.5)", "y = optim.SGD(0.5)", "y.learning_rate.item() == 0.5"),
    ),
)
def optimizer_arguments(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find ``lr=`` and the model's parameters given to an optimizer."""
    entry = context.entry(call.function)
    if entry is None or not entry.name.startswith("mlx.optimizers.") or not call.is_whole:
        return
    edits = []
    if "lr" in call.keywords and {"lr", "learning_rate"} & (parameters(entry) - call.keywords.keys()) == {
        "learning_rate"
    }:
        edits.append(replaced(call.keywords["lr"].named_children[0], "learning_rate"))
    first = call.arguments[0] if call.arguments else None
    named = text_of(first).rpartition(".")[2] if first is not None and first.type == "call" else ""
    if first is not None and named in ("parameters()", "trainable_parameters()"):
        edits += without(call, [first])
    if edits:
        message = (
            f"`{entry.name}` takes a learning rate, as `learning_rate=`, and no parameters: "
            "`optimizer.update(model, grads)` is given the model."
        )
        # Without lr= it may be a schedule that something else than a model returns.
        is_safe = "lr" in call.keywords or context.is_a(field(field(first, "function"), "object"), "mlx.nn.Module")
        yield Finding(call.listed, message, (Fix("Write it as MLX's", tuple(edits), is_safe),), ISSUES + "605")


@rule(
    "number-as-betas",
    "error",
    "A number where an optimizer takes two",
    PYTHON + "optimizers/_autosummary/mlx.optimizers.Adam.html",
    calls=("Adam", "AdamW", "Adamax", "Lion"),
    examples=(
        Example(f"y = optim.Adam(0.1, 0.9, 0.999){_UPDATED}", f"y = optim.Adam(0.1, (0.9, 0.999)){_UPDATED}"),
        Example(
            f"y = optim.AdamW(0.1, 0.01){_UPDATED}", f"y = optim.AdamW(0.1, weight_decay=0.01){_UPDATED}",
            "abs(y.weight_decay - 0.01) < 1e-6",
        ),
        Example(f"y = optim.Lion(0.1, betas=0.9){_UPDATED}", f"y = optim.Lion(0.1){_UPDATED}", is_fixed=False),
    ),
)  # fmt: skip
def number_as_betas(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find a number given as the ``betas`` of an optimizer, which unpacks two."""
    given = call.value("betas") or (call.arguments[1] if len(call.arguments) > 1 else None)
    if given is None or given.type not in ("float", "integer") or not call.is_whole:
        return
    if context.name(call.function) != f"mlx.optimizers.{call.name}":
        return
    third = call.arguments[2] if len(call.arguments) == 3 else None
    fixes: tuple[Fix, ...] = ()
    if third is not None and third.type == "float":
        edits = (inserted(given.start_byte, "("), inserted(third.end_byte, ")"))
        fixes = (Fix("Make a pair of them", edits, is_safe=False),)
    elif len(call.arguments) == 2 and call.name in ("AdamW", "Lion") and not call.keywords:
        fixes = (Fix("Write weight_decay=", (inserted(given.start_byte, "weight_decay="),), is_safe=False),)
    yield Finding(
        given, f"`{call.name}` takes two numbers here, `betas=(0.9, 0.999)`: of one the first update raises.", fixes,
    )  # fmt: skip


RULES = (device_keyword, requires_grad_keyword, optimizer_arguments, number_as_betas)
