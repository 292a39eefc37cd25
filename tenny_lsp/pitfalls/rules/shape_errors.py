"""Operations on arrays whose shapes do not fit, as far as the whole file tells them."""

from collections.abc import Iterator

from tenny_lsp.pitfalls.calls import call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.guards import is_prepared
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.pitfalls.values import is_mask, shape_of
from tenny_lsp.source.syntax import Node, field, text_of

_OPERATORS = {"+", "-", "*", "/", "//", "%", "**", "@", "<", ">", "<=", ">=", "==", "!=", "&", "|", "^"}


@rule(
    "shape-mismatch",
    "error",
    "Shapes that do not fit",
    PYTHON + "ops.html",
    kinds=("call", "binary_operator", "comparison_operator", "augmented_assignment", "subscript"),
    is_general=True,
    needs_shapes=True,
    examples=(
        Example("y = mx.zeros((2, 3)) @ mx.zeros((2, 3))", "y = mx.zeros((2, 3)) @ mx.zeros((2, 3)).T",
                "y.shape == (2, 2)", is_fixed=False),
        Example("y = mx.zeros((4, 2)) + mx.zeros(4)", "y = mx.zeros((4, 2)) + mx.zeros((4, 1))", "y.shape == (4, 2)",
                is_fixed=False),
        Example("y = mx.zeros((2, 3)).reshape(4, 2)", "y = mx.zeros((2, 3)).reshape(3, 2)", "y.shape == (3, 2)",
                is_fixed=False),
        Example("y = mx.sum(mx.zeros((2, 3)), axis=2)", "y = mx.sum(mx.zeros((2, 3)), axis=1)", "y.shape == (2,)",
                is_fixed=False),
        Example("y = nn.Linear(4, 2)(mx.zeros((1, 3)))", "y = nn.Linear(3, 2)(mx.zeros((1, 3)))", "y.shape == (1, 2)",
                is_fixed=False),
        Example("y = nn.Conv2d(3, 4, 3)(mx.zeros((1, 8, 8, 4)))", "y = nn.Conv2d(4, 4, 3)(mx.zeros((1, 8, 8, 4)))",
                "y.shape == (1, 6, 6, 4)", is_fixed=False),
        Example("y = nn.Embedding(3, 4)(mx.array([1.0, 2.0]))", "y = nn.Embedding(3, 4)(mx.array([1, 2]))",
                "y.shape == (2, 4)", is_fixed=False),
        Example("y = x[mx.floor(mx.array([1.0]))]", "y = x[mx.array([1.0]).astype(mx.int32)]", "y.shape == (1, 3)",
                is_fixed=False),
        Example(
            "net = nn.Sequential(nn.Linear(3, 1))\ndef loss(model, a, t):\n"
            "    return nn.losses.mse_loss(model(a), t)\n"
            "y, grads = nn.value_and_grad(net, loss)(net, x, x.sum(axis=1))",
            "net = nn.Sequential(nn.Linear(3, 1))\ndef loss(model, a, t):\n"
            "    return nn.losses.mse_loss(model(a), t[:, None])\n"
            "y, grads = nn.value_and_grad(net, loss)(net, x, x.sum(axis=1))",
            "y.shape == ()", is_fixed=False,
        ),
        Example(
            "w, *rest = mx.quantize(mx.zeros((32, 128)))\ny = mx.quantized_matmul(x[:, :1], w, rest[0], rest[1])",
            "w, *rest = mx.quantize(mx.zeros((32, 128)))\n"
            "y = mx.quantized_matmul(mx.zeros((2, 128)), w, rest[0], rest[1])",
            "y.shape == (2, 32)", is_fixed=False,
        ),
        Example(
            "net = nn.Sequential(nn.Linear(3, 2))\ndef run(a):\n    return nn.relu(net(a))\n"
            "z = run(x)\ny = run(mx.zeros((2, 4)))",
            "net = nn.Sequential(nn.Linear(3, 2))\ndef run(a):\n    return nn.relu(net(a))\n"
            "z = run(x)\ny = run(mx.zeros((4, 3)))",
            "y.shape == (4, 2)", is_fixed=False,
        ),
        Example("y = mx.concatenate([mx.zeros((2, 3)), mx.zeros((2, 4))])",
                "y = mx.concatenate([mx.zeros((2, 3)), mx.zeros((2, 4))], axis=1)", "y.shape == (2, 7)",
                is_fixed=False),
        Example("y = x[mx.any(x > 2, axis=1)]", "y = mx.where(x > 2, x, 0)", "y.shape == (2, 3)", is_fixed=False),
        Example("y = mx.split(mx.zeros(7), 2)", "y = mx.split(mx.zeros(8), 2)", "len(y) == 2", is_fixed=False),
        Example(
            "def f(a, b):\n    return a @ b\n\ny = f(mx.zeros((2, 3)), mx.zeros((4, 5)))",
            "def f(a, b):\n    return a @ b\n\ny = f(mx.zeros((2, 3)), mx.zeros((3, 5)))",
            "y.shape == (2, 5)",
            is_fixed=False,
        ),
    ),
)  # fmt: skip
def shape_mismatch(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find operations that are certain to raise for the shapes or dtypes of their arrays."""
    operator, outer = field(node, "operator"), node.parent
    if operator is not None and text_of(operator).removesuffix("=") not in _OPERATORS:
        return
    if node.type == "subscript" and outer is not None and (field(outer, "left") == node or "del" in outer.type):
        return  # what is assigned to it is another matter
    if any(is_mask(context, key) for key in node.children_by_field_name("subscript")):
        return  # boolean-index speaks of it
    yield from _raised(context, node, "shape-mismatch")
    if not _is_of_convolution(context, node):  # channels-first speaks of it
        yield from _raised(context, node, "channels-first")


def _is_of_convolution(context: RuleContext, node: Node) -> bool:
    """Return whether a convolution is called itself, with an array whose shape stands in the text."""
    call = call_of(node)
    if call is None or len(call.arguments) != 1 or shape_of(context, call.arguments[0]) is None:
        return False
    return call.function.type == "call" or text_of(call.function) in context.file.convolutions


def _raised(context: RuleContext, node: Node, code: str) -> Iterator[Finding]:
    """Find an operation that is certain to raise what a pitfall is about, where nothing is prepared for it."""
    error = context.shape_error(node)
    is_inside = error is not None and error.place is not None and is_prepared(context, error.place)
    if error is not None and error.code == code and not is_inside and not is_prepared(context, node):
        why, place = str(error), field(node, "function") or node
        if place.type == "call":  # of what a call returns: ``mx.grad(f)(x)``
            place = field(place, "function") or place
        message = f"This raises: {why[0].lower() + why[1:]}."
        yield Finding(field(place, "attribute") or place, message, cause=error.place)


@rule(
    "gradient-of-array",
    "error",
    "The gradient of a function that returns no scalar",
    PYTHON + "_autosummary/mlx.core.grad.html",
    kinds=("call",),
    is_general=True,
    needs_shapes=True,
    examples=(
        Example(
            "def f(a):\n    return a * a\n\ny = mx.grad(f)(x)",
            "def f(a):\n    return mx.sum(a * a)\n\ny = mx.grad(f)(x)",
            "y.shape == (2, 3)",
            is_fixed=False,
        ),
        Example(
            "def loss(model, a):\n    return mx.square(model(a)).mean(axis=-1)\n\n"
            "y, grads = nn.value_and_grad(model, loss)(model, x)",
            "def loss(model, a):\n    return mx.square(model(a)).mean()\n\n"
            "y, grads = nn.value_and_grad(model, loss)(model, x)",
            "y.shape == ()",
            is_fixed=False,
        ),
        Example(
            "y = mx.grad(lambda a: a * a)(3.0)",
            "y = mx.grad(lambda a: a * a)(mx.array(3.0))",
            "y.item() == 6",
            is_fixed=False,
        ),
        Example(
            "y = mx.grad(lambda a: (mx.sum(a * a), a))(x)",
            "y = mx.value_and_grad(lambda a: (mx.sum(a * a), a))(x)[1]",
            "y.shape == (2, 3)",
            is_fixed=False,
        ),
    ),
)
def gradient_of_array(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find the gradient of a function that is certain to return an array with dimensions, or no array at all."""
    yield from _raised(context, node, "gradient-of-array")


@rule(
    "quantization-groups",
    "error",
    "Weights that cannot be cut into groups",
    PYTHON + "_autosummary/mlx.core.quantize.html",
    kinds=("call",),
    is_general=True,
    needs_shapes=True,
    examples=(
        Example("y = mx.quantize(mx.zeros((8, 48)))[0]", "y = mx.quantize(mx.zeros((8, 64)))[0]", "y.shape == (8, 8)",
                is_fixed=False),
        Example("y = nn.QuantizedLinear(80, 8).weight", "y = nn.QuantizedLinear(96, 8, group_size=32).weight",
                "y.shape == (8, 12)", is_fixed=False),
        Example(
            "w, s, b = mx.quantize(mx.zeros((8, 64)), bits=8)\ny = mx.dequantize(w, s, b, bits=4)",
            "w, s, b = mx.quantize(mx.zeros((8, 64)), bits=8)\ny = mx.dequantize(w, s, b, bits=8)",
            "y.shape == (8, 64)",
            is_fixed=False,
        ),
        Example(
            "net = nn.Sequential(nn.Linear(48, 64), nn.Linear(64, 8))\nnn.quantize(net)\ny = net.layers[1].weight",
            "net = nn.Sequential(nn.Linear(48, 64), nn.Linear(64, 8))\n"
            'nn.quantize(net, class_predicate=lambda _, m: hasattr(m, "to_quantized") and m.weight.shape[-1] % 64 == 0)'
            "\ny = net.layers[1].weight",
            "y.shape == (8, 8)",
            is_fixed=False,
        ),
    ),
)  # fmt: skip
def quantization_groups(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find weights whose last dimension is no multiple of the group size with which they are quantised."""
    yield from _raised(context, node, "quantization-groups")


@rule(
    "attention-mask",
    "error",
    "A mask that does not fit attention",
    PYTHON + "_autosummary/mlx.core.fast.scaled_dot_product_attention.html",
    kinds=("call",),
    is_general=True,
    needs_shapes=True,
    examples=(
        Example(
            "q, k = mx.zeros((1, 4, 5, 8)), mx.zeros((1, 4, 7, 8))\n"
            "y = mx.fast.scaled_dot_product_attention(q, k, k, scale=1.0, mask=mx.zeros((5, 5)))",
            "q, k = mx.zeros((1, 4, 5, 8)), mx.zeros((1, 4, 7, 8))\n"
            "y = mx.fast.scaled_dot_product_attention(q, k, k, scale=1.0, mask=mx.zeros((5, 7)))",
            "y.shape == (1, 4, 5, 8)",
            is_fixed=False,
        ),
        Example(
            "q = mx.zeros((1, 4, 5, 8), dtype=mx.float16)\n"
            "mask = nn.MultiHeadAttention.create_additive_causal_mask(5)\n"
            "y = mx.fast.scaled_dot_product_attention(q, q, q, scale=1.0, mask=mask)",
            "q = mx.zeros((1, 4, 5, 8), dtype=mx.float16)\n"
            "mask = nn.MultiHeadAttention.create_additive_causal_mask(5, q.dtype)\n"
            "y = mx.fast.scaled_dot_product_attention(q, q, q, scale=1.0, mask=mask)",
            "y.dtype == mx.float16",
            is_fixed=False,
        ),
    ),
)
def attention_mask(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find masks whose shape or dtype MLX's attention refuses."""
    yield from _raised(context, node, "attention-mask")


RULES = (shape_mismatch, gradient_of_array, quantization_groups, attention_mask)
