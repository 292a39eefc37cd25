"""Functions that take all elements of an array where PyTorch's, or JAX's, take an axis or a second array."""

from collections.abc import Iterator

from tenny_lsp.inference.meaning import Plain
from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule

_PAGE = PYTHON + "_autosummary/mlx.core."


@rule(
    "max-of-two",
    "error",
    "`mx.max` of two arrays",
    _PAGE + "maximum.html",
    calls=("max", "min"),
    examples=(
        Example("y = mx.max(x, 2 * x)", "y = mx.maximum(x, 2 * x)", "y.shape == (2, 3)"),
        Example("y = mx.max(x - 2, 0.0)", "y = mx.maximum(x - 2, 0.0)", "y.min().item() == 0"),
        Example("def f(a: mx.array, b: mx.array):\n    return mx.min(a, b)\ny = f(x, x)",
                "def f(a: mx.array, b: mx.array):\n    return mx.minimum(a, b)\ny = f(x, x)", "y.shape == (2, 3)"),
    ),
)  # fmt: skip
def max_of_two(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find ``mx.max(a, b)``, PyTorch's way to the greater of each two: here the second is an axis."""
    if len(call.arguments) != 2 or not call.is_whole or call.keywords or not context.is_of_module(call.function):
        return
    second = call.arguments[1]
    if second.type in ("integer", "unary_operator", "tuple", "list", "none"):
        return
    if context.name(call.function) != f"mlx.core.{call.name}" or is_guarded(context, call.node, ("TypeError",)):
        return
    inner = call_of(second)
    is_scalar = inner is not None and inner.name in ("array", "argmax", "argmin", "item")
    if context.meaning(second) == Plain("float") or (context.is_array(second) and not is_scalar):
        text = f"{context.alias('mlx.core', call.node) or 'mx'}.{call.name}imum"
        yield Finding(
            call.node, f"The second argument of `mx.{call.name}` is an axis: this raises. `mx.{call.name}imum` takes "
            f"the {'greater' if call.name == 'max' else 'lesser'} of each two.",
            (Fix(f"Write {text}", (replaced(call.function, text),), is_safe=False),),
        )  # fmt: skip


RULES = (max_of_two,)
