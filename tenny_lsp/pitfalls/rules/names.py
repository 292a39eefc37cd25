"""Names that MLX does not have: functions and methods of PyTorch, NumPy and JAX."""

from collections.abc import Iterator
from functools import cache

from tenny_lsp.mlx_api.foreign import replacement_for_member
from tenny_lsp.mlx_api.pages import page_of
from tenny_lsp.pitfalls.calls import call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, appended, replaced
from tenny_lsp.pitfalls.foreign import ARRAY, advice, foreign_members, is_functional, lacking
from tenny_lsp.pitfalls.guards import is_set_or_guarded
from tenny_lsp.pitfalls.rewrites import ARRAY_REWRITES, FUNCTION_REWRITES, Rewrite
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.source.syntax import Node, field, text_of

#: Functions of the other libraries that no array of theirs has as a method, and that much else has.
_NO_METHODS = {
    "append", "array", "compile", "concatenate", "empty", "full", "insert", "linear", "linspace", "load", "ndarray",
    "parameters", "pi", "seed", "stack", "step", "stream", "top_k", "zeros",
}  # fmt: skip


#: Losses that take what PyTorch's take, and do not average unless they are told to.
_MEAN_LOSSES = {
    f"mlx.nn.losses.{name}"
    for name in ("cross_entropy", "mse_loss", "l1_loss", "nll_loss", "kl_div_loss", "smooth_l1_loss")
}


@cache
def _foreign_methods() -> frozenset[str]:
    return foreign_members() - _NO_METHODS


def _examples(rows: tuple[Rewrite, ...], *, are_methods: bool) -> tuple[Example, ...]:
    """Return the examples of a table of rewrites; the tests find out what each rewrite makes of its code."""
    wanted = (row for row in rows if row.example.partition("= ")[2].startswith("mx.") != are_methods)
    return tuple(Example(row.example, "", row.check) for row in wanted)


@rule(
    "foreign-function",
    "error",
    "A function that MLX calls otherwise",
    PYTHON + "ops.html",
    attributes=foreign_members,
    examples=(
        *_examples((*ARRAY_REWRITES, *FUNCTION_REWRITES), are_methods=False),
        Example("y = mx.absolute(-x)", "y = mx.abs(-x)", "y.max().item() == 5"),
        Example("y = mx.true_divide(x, 2)", "y = mx.divide(x, 2)", "y.shape == (2, 3)"),
        Example("y = x.astype(mx.long)", "y = x.astype(mx.int64)", "y.dtype == mx.int64"),
        Example("y = mx.zeros(3, dtype=mx.bool)", "y = mx.zeros(3, dtype=mx.bool_)", "y.dtype == mx.bool_"),
        Example("y = nn.functional.relu(x)", "y = nn.relu(x)", "y.shape == (2, 3)"),
        Example(
            "y = nn.functional.cross_entropy(x, mx.array([0, 1]))",
            'y = nn.losses.cross_entropy(x, mx.array([0, 1]), reduction="mean")',
            "y.shape == ()",
        ),
        Example("with mx.no_grad():\n    y = x + 1\n    y = y * 2", "y = x + 1\ny = y * 2", "y.shape == (2, 3)"),
        Example("y = mx.random.PRNGKey(0)", "y = mx.random.key(0)", "y.shape == (2,)"),
        Example("y = mx.jit(lambda a: a + 1)(x)", "y = mx.compile(lambda a: a + 1)(x)", "y.shape == (2, 3)"),
    ),
)
def foreign_function(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find names of other libraries' modules in MLX's."""
    owner, member = field(node, "object"), field(node, "attribute")
    if owner is None or member is None or not context.is_of_module(owner):
        return
    module = context.entry(owner)
    if module is None or module.kind != "module" or module.name == "mlx.nn":
        if module is not None and module.name == "mlx.nn":
            yield from _functional(context, node, text_of(member))
        return
    name = text_of(member)
    if context.index.resolve(f"{module.name}.{name}") is None and not is_set_or_guarded(context, node):
        yield from lacking(context, node, module.name, name)


def _functional(context: RuleContext, node: Node, name: str) -> Iterator[Finding]:
    """Find ``nn.functional.relu``: MLX's functions are in ``nn`` itself."""
    outer = node.parent
    if outer is None or not is_functional(node, name):
        return
    inner, owner = field(outer, "attribute"), field(node, "object")
    short = text_of(inner) if inner is not None else ""
    if owner is None or is_set_or_guarded(context, node):
        return
    own = context.index.resolve(f"mlx.nn.{short}")
    found = replacement_for_member("mlx.nn.losses", short) or replacement_for_member("mlx.nn", short)
    message = "MLX has no `nn.functional`: its functions stand in `nn`, its losses in `nn.losses`."
    fixes: tuple[Fix, ...] = ()
    if own is not None:
        fixes = (Fix(f"Write {text_of(owner)}.{short}", (replaced(node, text_of(owner)),)),)
    elif found is not None:
        message += advice(found.mlx, found.note)
        call = call_of(outer.parent)
        is_plain = call is not None and call.is_whole and call.function == outer and not call.keywords
        if call is not None and is_plain and found.mlx in _MEAN_LOSSES:
            loss = f"{text_of(owner)}.losses.{found.mlx.rpartition('.')[2]}"
            fixes = (Fix(f"Write {loss}", (replaced(outer, loss), appended(call, 'reduction="mean"'))),)
    yield Finding(outer, message, fixes, (page_of(own.name) if own is not None else "") or "")


@rule(
    "foreign-method",
    "error",
    "A method that arrays do not have",
    PYTHON + "array.html",
    attributes=_foreign_methods,
    examples=(
        *_examples(ARRAY_REWRITES, are_methods=True),
        Example("y = x.argsort(axis=-1)", "y = mx.argsort(x, axis=-1)", "y.shape == (2, 3)", is_fixed=False),
        Example("y = x.requires_grad_()", "y = x", "y.shape == (2, 3)", is_fixed=False),
    ),
)
def foreign_method(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find methods of other libraries' arrays."""
    owner, member = field(node, "object"), field(node, "attribute")
    if owner is None or member is None or text_of(member) in ("to", "backward"):
        return
    name = text_of(member)
    if context.index.resolve(f"{ARRAY}.{name}") is not None:
        return
    if context.is_array(owner) and not is_set_or_guarded(context, node):
        yield from lacking(context, node, ARRAY, name)


RULES = (foreign_function, foreign_method)
