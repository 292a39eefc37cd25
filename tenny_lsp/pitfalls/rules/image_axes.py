"""Images whose axes are taken for PyTorch's: MLX has their channels last."""

import re
from collections.abc import Iterator

from tenny_lsp.inference.meaning import Api, Instance
from tenny_lsp.inference.names import reaching_bindings
from tenny_lsp.pitfalls.calls import Call, call_of, function_around, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.pitfalls.values import literal_of
from tenny_lsp.source.syntax import Node, field, text_of

_PAGE = PYTHON + "nn/_autosummary/mlx.nn.Conv2d.html"
#: Layers that take images, (batch, height, width, channels), and give images.
_IMAGES = ("Conv2d", "ConvTranspose2d", "MaxPool2d", "AvgPool2d", "Upsample")
#: Layers that give an image of an image.
_KEPT = ("BatchNorm", "GroupNorm", "InstanceNorm", "Dropout", "Dropout2d", "ReLU", "GELU", "SiLU", "LeakyReLU", "PReLU")
_REDUCED = ("mean", "max", "sum", "min", "var", "std")
_CHANNELS = re.compile(r"(?i)c|ch|chans?|(?:num_|n_|in_)?channels|c_?in|nc")
_ROWS = re.compile(r"(?i)h|height|rows?|h_?in|nh|ih")
_DEEPEST = 8
_CONV = "conv = nn.Conv2d(3, 5, 3)\nz = conv(mx.zeros((2, 8, 8, 3)))\n"
_GATE = "def gate(z):\n    pooled = {}\n    return z * mx.sigmoid(pooled)[:, None, None]\n"
_LAYER = "conv = nn.Conv2d(3, 3, 1)\n"
_GATED = "y = gate(mx.arange(27.0).reshape(1, 3, 3, 3))"
_EACH = "y[0, 0, 0, 2].item() < 1.5"


@rule(
    "spatial-axes",
    "warning",
    "Rows and channels reduced for rows and columns",
    _PAGE,
    calls=_REDUCED,
    examples=(
        Example(f"{_CONV}y = nn.relu(z).mean(axis=(2, 3))", f"{_CONV}y = nn.relu(z).mean(axis=(1, 2))",
                "y.shape == (2, 5)", "wrong"),
        Example(f"{_CONV}y = mx.max(z, axis=[-2, -1])", f"{_CONV}y = mx.max(z, axis=(1, 2))", "y.shape == (2, 5)",
                "wrong"),
        Example("conv = nn.Conv2d(3, 5, 3)\ndef f(z):\n    pooled = z.mean((2, 3))\n    return conv(z), pooled\n"
                "y = f(mx.zeros((2, 8, 8, 3)))[1]",
                "conv = nn.Conv2d(3, 5, 3)\ndef f(z):\n    pooled = z.mean((1, 2))\n    return conv(z), pooled\n"
                "y = f(mx.zeros((2, 8, 8, 3)))[1]", "y.shape == (2, 3)", "wrong"),
        Example(_LAYER + _GATE.format("z.mean(axis=(2, 3)) - 13") + _GATED,
                _LAYER + _GATE.format("z.mean(axis=(1, 2)) - 13") + _GATED, _EACH, "wrong"),
    ),
)  # fmt: skip
def spatial_axes(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find images that are reduced along their last two axes: the columns and the channels."""
    if not context.file.mentions("2d(") or not call.is_whole:
        return
    is_function = call.owner is not None and context.is_of_module(call.owner)
    image = next(iter(call.arguments), None) if is_function else call.owner
    axis = call.value("axis") or next(iter(call.arguments[1 if is_function else 0 :]), None)
    axes = literal_of(axis)
    if image is None or axis is None or not isinstance(axes, tuple | list) or sorted(axes) not in ([2, 3], [-2, -1]):
        return
    if is_function and not context.name(call.function).startswith("mlx.core."):
        return
    if (
        _is_image(context, image)
        or _is_convolved(context, image)
        or _is_gated(call, image)
        or _is_squeezed(context, call)
    ):
        yield Finding(
            axis, "Images are (batch, height, width, channels) in MLX: this reduces the columns and the channels, and "
            "leaves the rows. Write `(1, 2)`.", (Fix("Write (1, 2)", (replaced(axis, "(1, 2)"),), is_safe=False),),
        )  # fmt: skip


def _is_image(context: RuleContext, node: Node | None, depth: int = 0) -> bool:
    """Return whether an expression is certain to be what a convolution, or a layer like it, makes of images."""
    if node is None or depth > _DEEPEST:
        return False
    if node.type == "parenthesized_expression" and len(node.named_children) == 1:
        return _is_image(context, node.named_children[0], depth + 1)
    if node.type == "identifier":
        values = _values(context, node)
        return bool(values) and all(_is_image(context, value, depth + 1) for value in values)
    if node.type == "binary_operator":
        operator = field(node, "operator")
        is_plain = operator is not None and operator.type in ("+", "*", "-")
        return is_plain and any(_is_image(context, one, depth + 1) for one in node.named_children)
    call = call_of(node)
    if call is None or len(call.arguments) != 1 or call.keywords:
        return False
    if _is_layer(context, call.function, _IMAGES):
        return True
    is_kept = _is_layer(context, call.function, _KEPT)
    name = context.name(call.function)
    is_function = name.startswith("mlx.nn.") and name.count(".") == 2 and name.rpartition(".")[2].islower()
    return (is_kept or is_function) and _is_image(context, call.arguments[0], depth + 1)


def _is_layer(context: RuleContext, function: Node, names: tuple[str, ...]) -> bool:
    """Return whether a layer is one of some kinds, or a sequence of layers whose last is."""
    wanted, meaning = tuple(f"mlx.nn.{name}" for name in names), context.meaning(function)
    if isinstance(meaning, Instance) and meaning.parts:
        last = meaning.parts[-1]
        return isinstance(last, Instance) and isinstance(last.of, Api) and last.of.entry.name in wanted
    return context.is_one_of(function, wanted)


def _values(context: RuleContext, name: Node) -> list[Node | None]:
    """Return the values that a local name may have where it is used; None for each that is not known."""
    found = reaching_bindings(context.evaluator, text_of(name), name) if context.is_own(name) else None
    return [
        one.value if not one.steps and one.definition is None and not one.is_import else None for one in found or ()
    ]


def _places(context: RuleContext, name: Node) -> list[int]:
    """Return where a name gets the values that it may have where it is used."""
    return sorted(one.position for one in reaching_bindings(context.evaluator, text_of(name), name) or ())


def _is_convolved(context: RuleContext, node: Node) -> bool:
    """Return whether a name is given to a convolution with the value that it has here."""
    function = function_around(node)
    if node.type != "identifier" or function is None or function.type == "lambda":
        return False
    for found in within(field(function, "body"), "call"):
        call = call_of(found)
        if call is None or len(call.arguments) != 1 or text_of(call.arguments[0]) != text_of(node):
            continue
        is_same = _places(context, call.arguments[0]) == _places(context, node)
        if is_same and _is_layer(context, call.function, _IMAGES[:2]):
            return True
    return False


def _is_squeezed(context: RuleContext, call: Call) -> bool:
    """Return whether what is left of an image, with its axes kept, is given to a convolution as an image."""
    statement = call.node.parent
    if text_of(call.value("keepdims") or call.node) != "True" or statement is None or statement.type != "assignment":
        return False
    return _is_convolved_later(context, field(statement, "left"))


def _is_convolved_later(context: RuleContext, target: Node | None) -> bool:
    """Return whether what is assigned to a name is given to a convolution as it is."""
    function = function_around(target) if target is not None else None
    for found in within(field(function, "body"), "call") if target is not None else ():
        call = call_of(found)
        given = call.arguments[0] if call is not None and len(call.arguments) == 1 else None
        if call is None or given is None or target is None or text_of(given) != text_of(target):
            continue
        if _places(context, given) == [target.start_byte] and _is_layer(context, call.function, _IMAGES[:1]):
            return True
    return False


def _is_gated(call: Call, node: Node) -> bool:
    """Return whether what is reduced is multiplied later by one number for each channel: ``z * w[:, None, None]``."""
    function = function_around(call.node)
    if node.type != "identifier" or function is None:
        return False
    rest = (function.text or b"")[call.node.end_byte - function.start_byte :].decode("utf-8", "replace")
    wide = r"\[:, *None, *None(?:, *:)?\]"
    return re.search(rf"\b{text_of(node)} *\* *[^\n]*{wide}|{wide} *\* *{text_of(node)}\b", rest) is not None


@rule(
    "channels-second",
    "warning",
    "A shape unpacked as (batch, channels, height, width)",
    _PAGE,
    kinds=("assignment",),
    words=("2d(",),
    examples=(
        Example(f"{_CONV}n, c, h, w = z.shape\ny = c", f"{_CONV}n, h, w, c = z.shape\ny = c", "y == 5", "wrong"),
        Example("conv = nn.Conv2d(3, 5, 3)\ndef f(image):\n    B, C, H, W = image.shape\n    return conv(image), C\n"
                "y = f(mx.zeros((2, 8, 8, 3)))[1]",
                "conv = nn.Conv2d(3, 5, 3)\ndef f(image):\n    B, H, W, C = image.shape\n    return conv(image), C\n"
                "y = f(mx.zeros((2, 8, 8, 3)))[1]", "y == 3", "wrong"),
    ),
)  # fmt: skip
def channels_second(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find the shape of an image unpacked with its channels second."""
    left, right = field(node, "left"), field(node, "right")
    if left is None or left.type != "pattern_list" or right is None or len(left.named_children) != 4:
        return
    names = [text_of(one) for one in left.named_children]
    if not _CHANNELS.fullmatch(names[1]) or not _ROWS.fullmatch(names[2]):
        return
    if right.type != "attribute" or text_of(right.named_children[-1]) != "shape":
        return
    image = right.named_children[0]
    if _is_image(context, image) or _is_convolved(context, image):
        text = ", ".join((names[0], names[2], names[3], names[1]))
        yield Finding(
            left, "Images are (batch, height, width, channels) in MLX, as its convolutions take and give them: write "
            f"`{text}`.", (Fix(f"Write {text}", (replaced(left, text),), is_safe=False),),
        )  # fmt: skip


RULES = (spatial_axes, channels_second)
