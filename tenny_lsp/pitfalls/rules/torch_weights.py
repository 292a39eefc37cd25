"""Weights of PyTorch's and NumPy's, taken as they are."""

import re
from collections.abc import Iterator

from tenny_lsp.inference.meaning import Api, Instance
from tenny_lsp.pitfalls.calls import Call, call_of, target_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Edit, Fix, inserted, replaced
from tenny_lsp.pitfalls.numpy_values import is_numpy_array
from tenny_lsp.pitfalls.rule import ISSUES, PYTHON, Example, Finding, rule
from tenny_lsp.source.syntax import Node, field, text_of

#: Layer → the order of PyTorch's axes that is MLX's: output, kernel, input.
_ORDERS = {"mlx.nn.Conv1d": "0, 2, 1", "mlx.nn.Conv2d": "0, 2, 3, 1", "mlx.nn.Conv3d": "0, 2, 3, 4, 1"}
#: Of a transposed convolution, whose first two axes PyTorch has the other way round: the wrong order → the right one.
_TRANSPOSED = {"0, 2, 1": "1, 2, 0", "0, 2, 3, 1": "1, 2, 3, 0", "0, 2, 3, 4, 1": "1, 2, 3, 4, 0"}
_TENSOR = re.compile(r"\w[\w.\[\]\"']*\.weight(?:[\"']\])?(?:\.data)?(?:\.(?:detach|cpu|float)\(\))*\.numpy\(\)")
_FROM_TENSOR = re.compile(r"\.numpy\(\)\Z")
_TORCH = (
    "class Tensor(np.ndarray):\n    def numpy(self):\n        return np.array(self)\n"
    "class Old:\n    weight = np.zeros((3, 3, 5, 5)).view(Tensor)\nold, conv = Old(), nn.Conv2d(3, 3, 5)\n"
)
_UP = _TORCH.replace("(3, 3, 5, 5)", "(3, 4, 5, 5)").replace("nn.Conv2d(3, 3, 5)", "None").replace("conv", "up")
_UP += "up = nn.ConvTranspose2d(3, 4, 5)\n"


@rule(
    "torch-convolution-weight",
    "error",
    "A convolution given PyTorch's weight as it is",
    ISSUES + "2116",
    calls=("array", "transpose"),
    examples=(
        Example(
            _TORCH + "conv.weight = mx.array(old.weight.numpy())\ny = conv(mx.zeros((1, 8, 8, 3)))",
            _TORCH + "conv.weight = mx.array(old.weight.numpy()).transpose(0, 2, 3, 1)\n"
            "y = conv(mx.zeros((1, 8, 8, 3)))",
            "y.shape == (1, 4, 4, 3)",
        ),
        Example(
            _UP + "up.weight = mx.array(old.weight.numpy()).transpose(0, 2, 3, 1)\ny = up(mx.zeros((1, 2, 2, 3)))",
            _UP + "up.weight = mx.array(old.weight.numpy()).transpose(1, 2, 3, 0)\ny = up(mx.zeros((1, 2, 2, 3)))",
            "y.shape == (1, 6, 6, 4)",
        ),
    ),
)
def torch_convolution_weight(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find a tensor's values as the weight of a convolution: PyTorch has the input channels before the kernel."""
    left = target_of(call)
    if left is None or left.type != "attribute" or text_of(left.named_children[-1]) != "weight":
        return
    if call.name == "transpose" and call.owner is not None:
        yield from _of_transposed(context, left.named_children[0], call)
        return
    if len(call.arguments) != 1 or _TENSOR.fullmatch(text_of(call.arguments[0])) is None:
        return
    layer = left.named_children[0]
    order = next((order for name, order in _ORDERS.items() if context.is_a(layer, name)), None)
    if order is None or context.name(call.function) != "mlx.core.array":
        return
    fix = Fix(f"Add .transpose({order})", (inserted(call.node.end_byte, f".transpose({order})"),), is_safe=False)
    yield Finding(
        call.node, "PyTorch's weight of a convolution is (output, input, kernel), MLX's (output, kernel, input): "
        f"`.transpose({order})` makes the one of the other.", (fix,),
    )  # fmt: skip


def _of_transposed(context: RuleContext, layer: Node, call: Call) -> Iterator[Finding]:
    """Find the weight of a transposed convolution in the order of a plain one's."""
    inner, order = call_of(call.owner), ", ".join(map(text_of, call.arguments))
    if inner is None or len(inner.arguments) != 1 or _TENSOR.fullmatch(text_of(inner.arguments[0])) is None:
        return
    right = _TRANSPOSED.get(order)
    kinds = ("mlx.nn.ConvTranspose1d", "mlx.nn.ConvTranspose2d", "mlx.nn.ConvTranspose3d")
    if right is None or not any(context.is_a(layer, name) for name in kinds):
        return
    edit = Edit(call.arguments[0].start_byte, call.arguments[-1].end_byte, right)
    yield Finding(
        call.node, "PyTorch's weight of a transposed convolution is (input, output, kernel), MLX's (output, kernel, "
        f"input): the order is `{right}`.", (Fix(f"Write {right}", (edit,), is_safe=False),),
    )  # fmt: skip


@rule(
    "numpy-weight",
    "error",
    "An array of NumPy's as the weight of a layer",
    PYTHON + "_autosummary/mlx.core.array.html",
    kinds=("assignment",),
    words=(".weight", ".bias"),
    examples=(
        Example(
            "model.weight = np.zeros((2, 3), dtype=np.float32)\ny = model(x)",
            "model.weight = mx.array(np.zeros((2, 3), dtype=np.float32))\ny = model(x)",
            "y.shape == (2, 2)",
        ),
        Example(
            f"{_TORCH}fc = nn.Linear(3, 2)\nfc.weight = old.weight.numpy()\ny = fc(x)",
            f"{_TORCH}fc = nn.Linear(3, 2)\nfc.weight = mx.zeros((2, 3))\ny = fc(x)",
            "y.shape == (2, 2)",
            is_fixed=False,
        ),
    ),
)
def numpy_weight(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find arrays of NumPy's set as the weight or bias of a layer of MLX's, which is then no parameter any more."""
    left, right = field(node, "left"), field(node, "right")
    if left is None or right is None or left.type != "attribute":
        return
    if text_of(left.named_children[-1]) not in ("weight", "bias") or not _is_numpy(context, right):
        return
    meaning = context.meaning(left.named_children[0])
    if not isinstance(meaning, Instance) or not isinstance(meaning.of, Api):
        return
    if not meaning.of.entry.name.startswith("mlx.nn."):
        return
    mx = context.alias("mlx.core", node)
    fix = Fix("Make an array of it", (replaced(right, f"{mx}.array({text_of(right)})"),), is_safe=False)
    yield Finding(
        right, "A layer's weight is an array of MLX's: one of NumPy's is no parameter, and the next call raises. "
        "`mx.array(…)` makes one of it.", (fix,) if mx else (),
    )  # fmt: skip


def _is_numpy(context: RuleContext, node: Node) -> bool:
    return _FROM_TENSOR.search(text_of(node)) is not None or is_numpy_array(context, node)


RULES = (torch_convolution_weight, numpy_weight)
