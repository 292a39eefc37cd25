"""Softmax without an axis, which MLX takes over all elements."""

from collections.abc import Iterator

from tenny_lsp.inference.shapes.values import Array
from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, appended
from tenny_lsp.pitfalls.origins import made_by, origin
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.source.syntax import Node, field, text_of

_S = "s = mx.zeros((2, 4, 4))\n"
_EACH = "abs(y.sum().item() - {}) < 1e-4"


@rule(
    "softmax-of-all",
    "warning",
    "Softmax over all axes",
    PYTHON + "_autosummary/mlx.core.softmax.html",
    kinds=("call",),
    is_general=True,
    needs_shapes=True,
    examples=(
        Example(f"{_S}y = mx.softmax(s)", f"{_S}y = mx.softmax(s, axis=-1)", _EACH.format(8), "wrong"),
        Example("y = mx.softmax(model(x))", "y = mx.softmax(model(x), axis=-1)", _EACH.format(2), "wrong"),
        Example("q = mx.ones((3, 2))\ny = mx.softmax(q @ q.T * 0.5) @ q", "q = mx.ones((3, 2))\n"
                "y = mx.softmax(q @ q.T * 0.5, axis=-1) @ q", "abs(y[0, 0].item() - 1) < 1e-4", "wrong"),
        Example("h = model(x)\ny = mx.exp(h - mx.logsumexp(h))",
                "h = model(x)\ny = mx.exp(h - mx.logsumexp(h, axis=-1, keepdims=True))", _EACH.format(2), "wrong"),
    ),
)  # fmt: skip
def softmax_of_all(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find softmax, and log-softmax, of several axes at once: PyTorch asks for the axis, JAX takes the last."""
    call = call_of(node)
    if call is None or call.name not in ("softmax", "logsumexp") or len(call.arguments) != 1 or not call.is_whole:
        return
    if call.keywords.keys() - {"precise", "stream"} or context.name(call.function) != f"mlx.core.{call.name}":
        return
    if call.name == "logsumexp" and not _is_subtracted(call):
        return
    value = context.shape_value(call.arguments[0])
    if not isinstance(value, Array) or value.ndim is None or value.ndim < 2:
        return
    if value.ndim == 2 and not _is_of_rows(context, call):
        return  # the softmax of a picture may be meant
    text = "axis=-1" if call.name == "softmax" else "axis=-1, keepdims=True"
    yield Finding(
        call.function, f"Without an axis `mx.{call.name}` goes over all {value.ndim} of them: all elements together "
        f"become 1, not each row. Give `{text}`.", (Fix(f"Give {text}", (appended(call, text),), is_safe=False),),
    )  # fmt: skip


def _is_subtracted(call: Call) -> bool:
    """Return whether a sum is taken from what it is the sum of: ``x - mx.logsumexp(x)``."""
    outer = call.node.parent
    left, operator = field(outer, "left"), field(outer, "operator")
    is_difference = operator is not None and operator.type == "-" and left is not None
    return is_difference and text_of(left or call.node) == text_of(call.arguments[0])


def _is_of_rows(context: RuleContext, call: Call) -> bool:
    """Return whether the rows of a matrix stand for themselves: a product's, a linear layer's, or multiplied later."""
    outer = call.node.parent
    operator = field(outer, "operator")
    if operator is not None and operator.type == "@" and field(outer, "left") == call.node:
        return True
    made = origin(context, call.arguments[0])
    while made is not None and made.type in ("binary_operator", "parenthesized_expression"):
        inner = field(made, "operator")
        if inner is not None and inner.type == "@":
            return True
        made = origin(context, field(made, "left") or made.named_children[0])
    return made_by(context, call.arguments[0]) in ("mlx.nn.Linear", "mlx.core.matmul", "mlx.nn.QuantizedLinear")


RULES = (softmax_of_all,)
