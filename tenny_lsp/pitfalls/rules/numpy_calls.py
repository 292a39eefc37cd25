"""NumPy's functions that do not take MLX's arrays."""

from collections.abc import Iterator

from tenny_lsp.pitfalls.calls import Call
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.rule import USAGE, Example, Finding, rule

#: NumPy's functions that call the method of the same name, with arguments that MLX's methods do not have → MLX's name.
_METHODS = {
    "all": "all", "amax": "max", "amin": "min", "any": "any", "max": "max", "mean": "mean", "min": "min",
    "prod": "prod", "std": "std", "sum": "sum", "var": "var",
}  # fmt: skip
_SAME = ("axis", "keepdims", "ddof")


@rule(
    "numpy-reduction",
    "error",
    "A reduction of NumPy on an MLX array",
    USAGE + "numpy.html",
    calls=tuple(_METHODS),
    examples=(
        Example("y = np.mean(x)", "y = mx.mean(x)", "y.item() == 2.5"),
        Example("y = np.sum(x, axis=1, keepdims=True)", "y = mx.sum(x, axis=1, keepdims=True)", "y.shape == (2, 1)"),
        Example("y = np.max(x * 2, 0)", "y = mx.max(x * 2, 0)", "y.tolist() == [6, 8, 10]"),
    ),
)
def numpy_reduction(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find reductions that NumPy leaves to the method of the array, with arguments of its own: they always raise."""
    name = context.external(call.function) if call.arguments else ""
    if name != f"numpy.{call.name}" or not context.is_array(call.arguments[0]):
        return
    if is_guarded(context, call.node, ("TypeError",)):
        return
    mx, own = context.alias("mlx.core", call.node), _METHODS[call.name]
    fixes: tuple[Fix, ...] = ()
    if mx and call.is_whole and len(call.arguments) <= 2 and set(call.keywords) <= set(_SAME):
        fixes = (Fix(f"Write {mx}.{own}", (replaced(call.function, f"{mx}.{own}"),)),)
    yield Finding(
        call.function, f"`np.{call.name}` calls the array's own `{own}` with arguments that it does not have: it "
        f"raises. Write `mx.{own}`, or give it `np.array(x)`.", fixes,
    )  # fmt: skip


RULES = (numpy_reduction,)
