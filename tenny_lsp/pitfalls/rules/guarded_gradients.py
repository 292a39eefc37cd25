"""Gradients that are not numbers although the value is guarded."""

from collections.abc import Iterator

from tenny_lsp.pitfalls.calls import Call, call_of, function_around
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.rule import USAGE, Example, Finding, rule
from tenny_lsp.pitfalls.traced import Tracer
from tenny_lsp.pitfalls.values import literal_of
from tenny_lsp.source.syntax import Node, field, text_of

#: Functions whose derivative is infinite at zero.
_STEEP = {"mlx.core.sqrt", "mlx.core.rsqrt", "mlx.core.log", "mlx.core.log2", "mlx.core.log10", "mlx.core.reciprocal"}
_LOSS = "def f(a: mx.array):\n    return mx.where(a > 0, {}, 0).sum()\ny = mx.grad(f)(mx.array([0.0, 1.0]))"


@rule(
    "guarded-gradient",
    "warning",
    "A guard around `mx.sqrt` whose gradient is not a number",
    USAGE + "function_transforms.html",
    calls=("where",),
    examples=(
        Example(
            _LOSS.format("mx.sqrt(a)"), _LOSS.format("mx.sqrt(mx.where(a > 0, a, 1))"), "y[0].item() == 0", "wrong",
            is_fixed=False,
        ),
        Example(
            _LOSS.format("1 / a"), _LOSS.format("1 / mx.where(a > 0, a, 1)"), "y[0].item() == 0", "wrong",
            is_fixed=False,
        ),
    ),
)  # fmt: skip
def guarded_gradient(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find ``mx.where(x > 0, mx.sqrt(x), 0)`` in a function that is differentiated: the gradient at zero is NaN."""
    function = function_around(call.node) if len(call.arguments) == 3 else None
    if function is None or function.id not in context.file.gradients or context.name(call.function) != "mlx.core.where":
        return
    condition, then, otherwise = call.arguments
    guarded = _nonzero(condition)
    if guarded is None:
        return
    chosen = then if guarded[1] else otherwise
    steep = _steep(context, chosen)
    if steep is not None and text_of(steep) == guarded[0] and Tracer(context, function).is_traced(steep):
        yield Finding(
            chosen, f"Where `{guarded[0]}` is zero the gradient of this is infinite, and infinity times the zero that "
            f"`mx.where` gives it is NaN. Guard the argument too: `mx.where({text_of(condition)}, {guarded[0]}, 1)`.",
        )  # fmt: skip


def _nonzero(condition: Node) -> tuple[str, bool] | None:
    """Return what a condition compares with zero, and whether it is not zero where the condition is true."""
    if condition.type != "comparison_operator" or len(condition.children) != 3:
        return None
    left, operator, right = condition.children
    if literal_of(right) != 0 or operator.type not in (">", "!=", "==", "<="):
        return None
    return text_of(left), operator.type in (">", "!=")


def _steep(context: RuleContext, node: Node) -> Node | None:
    """Return the argument of a function whose derivative at zero is infinite, or what something is divided by."""
    if node.type == "binary_operator" and text_of(operator := field(node, "operator") or node) in ("/", "**"):
        left, right = field(node, "left"), field(node, "right")
        if text_of(operator) == "/":
            return right
        exponent = literal_of(right)
        return left if isinstance(exponent, float) and 0 < exponent < 1 else None
    call = call_of(node)
    is_steep = call is not None and len(call.arguments) == 1 and context.name(call.function) in _STEEP
    return call.arguments[0] if call is not None and is_steep else None


RULES = (guarded_gradient,)
