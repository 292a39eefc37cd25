"""Keywords that PyTorch, NumPy or JAX have and MLX calls otherwise, or does without."""

from collections.abc import Iterator

from tenny_lsp.features.pitfalls.calls import Call, replaced, without
from tenny_lsp.features.pitfalls.rule import ISSUES, PYTHON, USAGE, Example, Finding, Fix, rule
from tenny_lsp.features.pitfalls.script import Script
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.pages import page_of
from tenny_lsp.source.meaning import Instance
from tenny_lsp.source.members import member_entry
from tenny_lsp.source.syntax import text_of

#: Foreign keyword → MLX's names for it, the first that the function has.
_RENAMED = {
    "dim": ("axis", "axes"),
    "dims": ("axes", "axis"),
    "keepdim": ("keepdims",),
    "in_dims": ("in_axes",),
    "out_dims": ("out_axes",),
    "lr": ("learning_rate",),
    "size": ("shape",),
}


def called_entry(script: Script, call: Call) -> ApiEntry | None:
    """Returns the function, method or class of MLX's that is called."""
    entry = script.entry(call.function)
    if entry is None and call.owner is not None:
        owner = script.meaning(call.owner)
        entry = member_entry(script.reader, owner, call.name) if isinstance(owner, Instance) else None
    return entry if entry is not None and entry.signatures else None


def parameters(entry: ApiEntry) -> set[str]:
    """Returns the names of all the parameters that any overload has; ``**`` where it takes any keyword."""
    found = [parameter for signature in entry.signatures for parameter in signature.parameters]
    return {"**" if parameter.kind == "variadic keyword" else parameter.name for parameter in found}


def _page(entry: ApiEntry) -> str:
    return page_of(entry.name) or ""


def _renamed(script: Script, call: Call, names: tuple[str, ...]) -> Iterator[Finding]:
    entry = called_entry(script, call)
    known = parameters(entry) if entry is not None else {"**"}
    if entry is None or "**" in known:
        return
    for name in names:
        own = next((own for own in _RENAMED[name] if own in known and own not in call.keywords), None)
        if name in call.keywords and name not in known and own is not None:
            keyword = call.keywords[name].named_children[0]
            message = f"`{entry.name}` has no argument `{name}`; MLX calls it `{own}`."
            fix = Fix(f"Write {own}=", (replaced(keyword, own),))
            yield Finding(keyword, message, (fix,), _page(entry))


@rule(
    "dim-keyword",
    "error",
    "`dim=` instead of `axis=`",
    PYTHON + "ops.html",
    keywords=("dim", "dims"),
    examples=(
        Example("y = mx.sum(x, dim=0)", "y = mx.sum(x, axis=0)", "y.tolist() == [3, 5, 7]"),
        Example("y = x.mean(dim=1)", "y = x.mean(axis=1)", "y.tolist() == [1, 4]"),
        Example("y = nn.softmax(x, dim=-1)", "y = nn.softmax(x, axis=-1)", "y.shape == (2, 3)"),
        Example("y = mx.transpose(x, dims=(1, 0))", "y = mx.transpose(x, axes=(1, 0))", "y.shape == (3, 2)"),
    ),
)
def dim_keyword(script: Script, call: Call) -> Iterator[Finding]:
    """Finds ``dim=`` where MLX has ``axis=``."""
    yield from _renamed(script, call, ("dim", "dims"))


@rule(
    "keepdim-keyword",
    "error",
    "`keepdim=` instead of `keepdims=`",
    PYTHON + "ops.html",
    keywords=("keepdim",),
    examples=(
        Example("y = x.sum(axis=1, keepdim=True)", "y = x.sum(axis=1, keepdims=True)", "y.shape == (2, 1)"),
        Example("y = mx.argmax(x, 1, keepdim=True)", "y = mx.argmax(x, 1, keepdims=True)", "y.shape == (2, 1)"),
    ),
)
def keepdim_keyword(script: Script, call: Call) -> Iterator[Finding]:
    """Finds ``keepdim=`` where MLX has ``keepdims=``."""
    yield from _renamed(script, call, ("keepdim",))


@rule(
    "in-dims-keyword",
    "error",
    "`vmap(in_dims=)` instead of `in_axes=`",
    PYTHON + "_autosummary/mlx.core.vmap.html",
    keywords=("in_dims", "out_dims"),
    examples=(
        Example(
            "y = mx.vmap(lambda a: a.sum(), in_dims=1)(x)",
            "y = mx.vmap(lambda a: a.sum(), in_axes=1)(x)",
            "y.tolist() == [3, 5, 7]",
        ),
    ),
)
def in_dims_keyword(script: Script, call: Call) -> Iterator[Finding]:
    """Finds ``in_dims=`` and ``out_dims=``."""
    yield from _renamed(script, call, ("in_dims", "out_dims"))


@rule(
    "size-keyword",
    "error",
    "NumPy's `size=` instead of `shape=`",
    PYTHON + "random.html",
    keywords=("size",),
    examples=(
        Example("y = mx.random.normal(size=(2, 3))", "y = mx.random.normal(shape=(2, 3))", "y.shape == (2, 3)"),
        Example("y = mx.random.randint(0, 9, size=(4,))", "y = mx.random.randint(0, 9, shape=(4,))", "y.size == 4"),
    ),
)
def size_keyword(script: Script, call: Call) -> Iterator[Finding]:
    """Finds ``size=`` where MLX has ``shape=``."""
    yield from _renamed(script, call, ("size",))


@rule(
    "unbiased-keyword",
    "error",
    "`unbiased=` instead of `ddof=`",
    PYTHON + "_autosummary/mlx.core.std.html",
    keywords=("unbiased",),
    examples=(
        Example("y = mx.std(x, unbiased=True)", "y = mx.std(x, ddof=1)", "abs(y.item() - 1.8708) < 1e-3"),
        Example("y = x.var(unbiased=False)", "y = x.var(ddof=0)", "abs(y.item() - 2.9167) < 1e-3"),
    ),
)
def unbiased_keyword(script: Script, call: Call) -> Iterator[Finding]:
    """Finds ``unbiased=`` of ``std`` and ``var``."""
    entry, value = called_entry(script, call), call.value("unbiased")
    if entry is None or value is None or "ddof" not in parameters(entry) or "unbiased" in parameters(entry):
        return
    fixes: tuple[Fix, ...] = ()
    if text_of(value) in ("True", "False"):
        number = int(text_of(value) == "True")
        fixes = (Fix(f"Write ddof={number}", (replaced(call.keywords["unbiased"], f"ddof={number}"),)),)
    message = f"`{entry.name}` has no argument `unbiased`: MLX divides by N - ddof, and ddof is 0 unless it is given."
    yield Finding(call.keywords["unbiased"], message, fixes, _page(entry))


@rule(
    "device-keyword",
    "error",
    "`device=`: arrays have none",
    USAGE + "unified_memory.html",
    keywords=("device",),
    examples=(
        Example('y = mx.zeros((2, 3), device="gpu")', "y = mx.zeros((2, 3))", "y.shape == (2, 3)"),
        Example('y = mx.arange(3, device="cpu", dtype=mx.int8)', "y = mx.arange(3, dtype=mx.int8)", "y.size == 3"),
    ),
)
def device_keyword(script: Script, call: Call) -> Iterator[Finding]:
    """Finds ``device=`` given to what takes none."""
    yield from _dropped(
        script, call, "device",
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
def requires_grad_keyword(script: Script, call: Call) -> Iterator[Finding]:
    """Finds ``requires_grad=``."""
    yield from _dropped(
        script, call, "requires_grad",
        "`{}` takes no `requires_grad`: in MLX, `mx.grad` of a function gives the gradient.",
    )  # fmt: skip


def _dropped(script: Script, call: Call, name: str, message: str) -> Iterator[Finding]:
    entry = called_entry(script, call)
    if entry is None or not entry.name.startswith("mlx.core.") or {name, "**"} & parameters(entry):
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
def optimizer_arguments(script: Script, call: Call) -> Iterator[Finding]:
    """Finds ``lr=`` and the model's parameters given to an optimizer."""
    entry = script.entry(call.function)
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
        yield Finding(call.listed, message, (Fix("Write it as MLX's", tuple(edits)),), ISSUES + "605")


RULES = (
    dim_keyword, keepdim_keyword, in_dims_keyword, size_keyword, unbiased_keyword, device_keyword,
    requires_grad_keyword, optimizer_arguments,
)  # fmt: skip
