"""Functions that take all elements of an array where PyTorch's, or JAX's, take an axis or a second array."""

from collections.abc import Iterator

from tenny_lsp.inference.meaning import Plain
from tenny_lsp.inference.shapes.values import Array
from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, appended, replaced
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.source.syntax import Node, field

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


@rule(
    "softmax-over-all",
    "warning",
    "`mx.softmax` of several axes without `axis=`",
    _PAGE + "softmax.html",
    kinds=("call",),
    is_general=True,
    needs_shapes=True,
    examples=(
        Example("y = mx.softmax(x[None])", "y = mx.softmax(x[None], axis=-1)", "abs(y[0, 0].sum().item() - 1) < 1e-5",
                "wrong"),
        Example("scores = x @ x.T\ny = mx.softmax(scores) @ x", "scores = x @ x.T\ny = mx.softmax(scores, axis=-1) @ x",
                "y[0].sum().item() > 1", "wrong"),
        Example("lin = nn.Linear(3, 4)\ny = mx.softmax(lin(x), precise=True)",
                "lin = nn.Linear(3, 4)\ny = mx.softmax(lin(x), precise=True, axis=-1)",
                "abs(y[0].sum().item() - 1) < 1e-5", "wrong"),
    ),
)  # fmt: skip
def softmax_over_all(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find ``mx.softmax(x)`` of several axes: without an axis all elements together sum to 1."""
    call = call_of(node)
    if call is None or call.name != "softmax" or len(call.arguments) != 1 or not call.is_whole:
        return
    if "axis" in call.keywords or context.name(call.function) != "mlx.core.softmax":
        return
    array = context.shape_value(call.arguments[0])
    if isinstance(array, Array) and array.ndim is not None and array.ndim > 1:
        if array.ndim < 3 and not _is_of_rows(context, call):
            return
        fix = Fix("Take the last axis", (appended(call, "axis=-1"),), is_safe=False)
        yield Finding(
            node, f"Without an axis, `mx.softmax` makes all elements of the {array.ndim} axes sum to 1 together. "
            "`nn.softmax`, and JAX's, take the last axis.", (fix,),
        )  # fmt: skip


def _is_of_rows(context: RuleContext, call: Call) -> bool:
    """Return whether each row is meant: the softmax is of a layer's result or a product, or a product is of it."""
    outer, given = call.node.parent, context.value_of(call.arguments[0])
    operators = [field(one, "operator") for one in (outer, given) if one is not None and one.type == "binary_operator"]
    if any(operator is not None and operator.type == "@" for operator in operators):
        return True
    made = call_of(given)
    return made is not None and (context.is_made(made.function) or context.name(made.function) == "mlx.core.matmul")


RULES = (max_of_two, softmax_over_all)
