"""Results that are unpacked into more or fewer names than there are, and the last step that is a sequence."""

from collections.abc import Iterator

from tenny_lsp.inference.shapes.values import Array
from tenny_lsp.pitfalls.calls import call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, inserted
from tenny_lsp.pitfalls.guards import is_prepared
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.source.syntax import Node, field, text_of

_RECURRENT = ("mlx.nn.LSTM", "mlx.nn.GRU", "mlx.nn.RNN")
_STEPS = "steps = mx.zeros((5, 2, 3))\n"


@rule(
    "unpacked-count",
    "error",
    "Results unpacked into another number of names",
    PYTHON + "ops.html",
    kinds=("assignment",),
    is_general=True,
    needs_shapes=True,
    examples=(
        Example("w, y = mx.quantize(mx.zeros((8, 64)))", "w, y, b = mx.quantize(mx.zeros((8, 64)))",
                "y.shape == (8, 1)", is_fixed=False),
        Example("q, r, y = mx.linalg.qr(x, stream=mx.cpu)", "q, y = mx.linalg.qr(x, stream=mx.cpu)",
                "y.shape == (2, 3)", is_fixed=False),
        Example("b, t, y = x.shape", "t, y = x.shape", "y == 3", is_fixed=False),
    ),
)  # fmt: skip
def unpacked_count(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find what MLX returns, and shapes, that are unpacked into too many names or too few."""
    left, right = field(node, "left"), field(node, "right")
    if left is None or right is None or left.type not in ("pattern_list", "tuple_pattern"):
        return
    names = [one for one in left.named_children if one.type != "comment"]
    call = call_of(right)
    is_shape = right.type == "attribute" and text_of(field(right, "attribute") or right) == "shape"
    is_own = call is not None and call.name != "split" and context.name(call.function).startswith("mlx.core.")
    if any(one.type == "list_splat_pattern" for one in names) or not (is_shape or is_own):
        return
    value = context.shape_value(right)
    if isinstance(value, tuple) and len(value) != len(names) and not is_prepared(context, node):
        what = "This has" if is_shape else "This returns"
        yield Finding(right, f"{what} {len(value)} values, and there are {len(names)} names for them: this raises.")


@rule(
    "last-of-batch",
    "warning",
    "The last sequence of a batch for the last step",
    PYTHON + "nn/_autosummary/mlx.nn.LSTM.html",
    kinds=("subscript",),
    is_general=True,
    needs_shapes=True,
    examples=(
        Example(f"{_STEPS}h, c = nn.LSTM(3, 4)(steps)\ny = h[-1]", f"{_STEPS}h, c = nn.LSTM(3, 4)(steps)\ny = h[:, -1]",
                "y.shape == (5, 4)", "wrong"),
        Example(f"{_STEPS}out = nn.GRU(3, 4)(steps)\ny = out[-1]", f"{_STEPS}out = nn.GRU(3, 4)(steps)\ny = out[:, -1]",
                "y.shape == (5, 4)", "wrong"),
    ),
)  # fmt: skip
def last_of_batch(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find ``hidden[-1]`` of what a recurrent layer returns for a batch, whose first axis is the batch."""
    value, keys = field(node, "value"), node.children_by_field_name("subscript")
    if value is None or value.type != "identifier" or [text_of(key) for key in keys] != ["-1"]:
        return
    binding = context.binding_of(value)
    call = call_of(binding.value) if binding is not None else None
    if call is None or not any(context.is_a(call.function, name) for name in _RECURRENT):
        return
    states = context.shape_value(value)
    if isinstance(states, Array) and states.ndim == 3:
        fix = Fix("Take the last step", (inserted(keys[0].start_byte, ":, "),), is_safe=False)
        yield Finding(
            node, f"The batch comes first: this is the last sequence of it. `{text_of(value)}[:, -1]` is the last step "
            "of each.", (fix,),
        )  # fmt: skip


RULES = (unpacked_count, last_of_batch)
