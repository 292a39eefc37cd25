"""What the shapes and dtypes of the whole file tell of code that runs, and does something else than it seems to."""

from collections.abc import Iterator

from tenny_lsp.inference.shapes.values import Array, is_number
from tenny_lsp.pitfalls.calls import call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.guards import is_prepared
from tenny_lsp.pitfalls.rule import PYTHON, USAGE, Example, Finding, rule
from tenny_lsp.pitfalls.values import literal_of
from tenny_lsp.source.syntax import Node, field, text_of

_MASK = "mask = (x > 2).astype(mx.int32)\n"
#: Half of the least number of float16: what is not more than it is rounded to 0.
_LEAST = 2.0**-25
#: What is rounded to infinity in float16.
_BEYOND = 65520
_HALF = "p = mx.zeros(3, dtype=mx.float16)\n"
_FILE = "import tempfile\npath = tempfile.mkdtemp() + '/a.safetensors'\n"


@rule(
    "inverted-integers",
    "warning",
    "`~` of a mask of integers",
    PYTHON + "_autosummary/mlx.core.where.html",
    kinds=("unary_operator",),
    is_general=True,
    needs_shapes=True,
    examples=(
        Example(f"{_MASK}y = mx.where(~mask, x, 0)", f"{_MASK}y = mx.where(mask == 0, x, 0)", "y.sum().item() == 3",
                "wrong"),
        Example(f"{_MASK}y = mx.where((~mask)[None], x, 0)", f"{_MASK}y = mx.where((mask == 0)[None], x, 0)",
                "y.sum().item() == 3", "wrong"),
        Example(f"{_MASK}y = mx.all(~mask)", f"{_MASK}y = mx.all(mask == 0)", "not y.item()", "wrong"),
    ),
)  # fmt: skip
def inverted_integers(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find ``~`` of integers where a condition is wanted: it inverts their bits, and all but -1 are true then."""
    operand = field(node, "argument")
    if operand is None or not text_of(node).startswith("~") or not _is_condition(context, node):
        return
    value = context.shape_value(operand)
    if not isinstance(value, Array) or value.dtype is None or not value.dtype.startswith(("int", "uint")):
        return
    fix = Fix("Compare with 0", (replaced(node, _compared(node, operand)),), is_safe=False)
    yield Finding(
        node, f"This is {value.dtype}, and `~` inverts its bits: of 0 and 1 it makes -1 and -2, which are both true. "
        "Write `mask == 0`, or make the mask of booleans.", (fix,),
    )  # fmt: skip


def _compared(node: Node, operand: Node) -> str:
    is_inside = node.parent is not None and node.parent.type == "argument_list"
    text = f"{text_of(operand)} == 0"
    return text if is_inside or (node.parent is not None and "parenthesized" in node.parent.type) else f"({text})"


def _is_condition(context: RuleContext, node: Node) -> bool:
    """Return whether an expression is what ``mx.where`` chooses by, or what ``mx.any`` and ``mx.all`` are asked of."""
    outer, inner = node.parent, node
    while outer is not None and outer.type in ("parenthesized_expression", "subscript"):
        if outer.type == "subscript" and field(outer, "value") != inner:
            return False
        inner, outer = outer, outer.parent
    call = call_of(outer.parent) if outer is not None and outer.type == "argument_list" else None
    if call is None or not call.arguments or call.arguments[0] != inner:
        return False
    return context.name(call.function) in ("mlx.core.where", "mlx.core.any", "mlx.core.all", "mlx.core.logical_and")


@rule(
    "vanishing-constant",
    "warning",
    "A constant that is 0 in float16",
    PYTHON + "data_types.html",
    kinds=("binary_operator", "call"),
    is_general=True,
    needs_shapes=True,
    examples=(
        Example(f"{_HALF}y = mx.log(p + 1e-8).min()", f"{_HALF}y = mx.log(p + 1e-6).min()", "y.item() > -20", "wrong",
                is_fixed=False),
        Example(f"{_HALF}y = mx.log(mx.maximum(p, 1e-9)).min()", f"{_HALF}y = mx.log(mx.maximum(p, 1e-6)).min()",
                "y.item() > -20", "wrong", is_fixed=False),
        Example("def f(a):\n    return mx.log(a + 1e-12)\ny = f(mx.zeros(3, dtype=mx.float16)).min()",
                "def f(a):\n    return mx.log(a + 1e-6)\ny = f(mx.zeros(3, dtype=mx.float16)).min()",
                "y.item() > -20", "wrong", is_fixed=False),
        Example(f"{_HALF}y = mx.log(mx.clip(p, 1e-10, 1)).min()", f"{_HALF}y = mx.log(mx.clip(p, 1e-6, 1)).min()",
                "y.item() > -20", "wrong", is_fixed=False),
    ),
)  # fmt: skip
def vanishing_constant(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find numbers that are added to float16 to keep it from 0, and are 0 in it themselves."""
    parts = list(node.named_children) if node.type == "binary_operator" else []
    operator = field(node, "operator")
    call = call_of(node)
    if operator is not None and text_of(operator) not in ("+", "-"):
        return
    if call is not None:
        if call.name not in ("maximum", "clip", "add") or not context.name(call.function).startswith("mlx.core."):
            return
        parts = list(call.arguments[:2])
    small = next((one for one in parts if one.type == "float" and _vanishes(one)), None)
    array = next((one for one in parts if one != small), None)
    if small is None or array is None:
        return
    value = context.shape_value(array)
    if isinstance(value, Array) and value.dtype == "float16":
        yield Finding(
            small, f"`{text_of(small)}` is 0 in float16, whose least number is 6e-8: this changes nothing. Take 1e-6, "
            "or compute in float32.",
        )  # fmt: skip


def _vanishes(node: Node) -> bool:
    number = literal_of(node)
    return isinstance(number, float) and 0 < number <= _LEAST


@rule(
    "overflowing-constant",
    "warning",
    "A factor that is infinite in float16",
    PYTHON + "data_types.html",
    kinds=("binary_operator",),
    is_general=True,
    needs_shapes=True,
    examples=(
        Example("keep = (x < 3).astype(mx.float16)\ny = (1.0 - keep) * -1e9",
                "keep = (x < 3).astype(mx.float16)\ny = (1.0 - keep) * -1e4", "y[0, 0].item() == 0", "wrong",
                is_fixed=False),
        Example("def bias(mask):\n    return 1e5 * mask\ny = bias(mx.zeros(3, dtype=mx.float16))",
                "def bias(mask):\n    return 1e4 * mask\ny = bias(mx.zeros(3, dtype=mx.float16))",
                "y[0].item() == 0", "wrong", is_fixed=False),
    ),
)  # fmt: skip
def overflowing_constant(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find float16 that is multiplied by a number beyond its greatest: by infinity, and 0 becomes not a number."""
    left, operator, right = (field(node, part) for part in ("left", "operator", "right"))
    if operator is None or operator.type != "*" or left is None or right is None:
        return
    for array, number in ((left, right), (right, left)):
        factor = literal_of(number)
        if not isinstance(factor, float | int) or isinstance(factor, bool) or abs(factor) < _BEYOND:
            continue
        value = context.shape_value(array)
        if isinstance(value, Array) and value.dtype == "float16":
            yield Finding(
                number, f"`{text_of(number)}` is infinite in float16, whose greatest number is 65504: what is 0 "
                "becomes nan. For a mask take `mx.where`, or -1e4.",
            )  # fmt: skip


@rule(
    "metadata-values",
    "error",
    "Metadata that are no texts",
    USAGE + "saving_and_loading.html",
    kinds=("call",),
    is_general=True,
    needs_shapes=True,
    examples=(
        Example(f'{_FILE}mx.save_safetensors(path, {{"x": x}}, metadata={{"step": 3}})\ny = 1',
                f'{_FILE}mx.save_safetensors(path, {{"x": x}}, metadata={{"step": str(3)}})\ny = 1'),
        Example(f'{_FILE}rate, names = 0.5, "a"\n'
                'mx.save_safetensors(path, {"x": x}, {"names": names, "rate": rate})\ny = 1',
                f'{_FILE}rate, names = 0.5, "a"\n'
                'mx.save_safetensors(path, {"x": x}, {"names": names, "rate": str(rate)})\ny = 1'),
        Example(f'{_FILE}def save(step):\n    mx.save_safetensors(path, {{"x": x}}, metadata={{"step": step}})\n'
                "save(100)\ny = 1",
                f'{_FILE}def save(step):\n    mx.save_safetensors(path, {{"x": x}}, metadata={{"step": str(step)}})\n'
                "save(100)\ny = 1"),
    ),
)  # fmt: skip
def metadata_values(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find numbers, lists and None among the metadata of ``save_safetensors``, whose values have to be texts."""
    call = call_of(node)
    if call is None or call.name != "save_safetensors" or context.name(call.function) != "mlx.core.save_safetensors":
        return
    given = call.value("metadata") or (call.arguments[2] if len(call.arguments) > 2 else None)
    made = context.value_of(given)
    pairs = [one for one in made.named_children if one.type == "pair"] if made is not None else []
    for pair in pairs if made is not None and made.type == "dictionary" else ():
        value = pair.named_children[-1]
        is_other = value.type in ("integer", "float", "true", "false", "none", "list", "tuple", "dictionary")
        if is_other or is_number(context.shape_value(value)):
            text = f"str({text_of(value)})"
            yield Finding(
                value, f"The values of the metadata have to be texts: this raises. Write `{text}`.",
                (Fix(f"Write {text}", (replaced(value, text),)),),
            )  # fmt: skip
            return


@rule(
    "padded-batch",
    "warning",
    "One pair of widths pads all axes",
    PYTHON + "_autosummary/mlx.core.pad.html",
    kinds=("call",),
    is_general=True,
    needs_shapes=True,
    examples=(
        Example("images = mx.zeros((2, 8, 8, 3))\ny = mx.pad(images, (1, 1))",
                "images = mx.zeros((2, 8, 8, 3))\ny = mx.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)])",
                "y.shape == (2, 10, 10, 3)", "wrong", is_fixed=False),
        Example("images = mx.zeros((2, 8, 8, 3))\ny = mx.pad(images, 1)",
                "images = mx.zeros((2, 8, 8, 3))\ny = mx.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)])",
                "y.shape == (2, 10, 10, 3)", "wrong", is_fixed=False),
    ),
)  # fmt: skip
def padded_batch(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find arrays of four axes and more that are padded on all of them, the batch and the channels too."""
    call = call_of(node)
    if call is None or call.name != "pad" or len(call.arguments) < 2 or context.name(call.function) != "mlx.core.pad":
        return
    widths = literal_of(call.arguments[1])
    is_pair = isinstance(widths, list | tuple) and len(widths) == 2 and all(type(one) is int for one in widths)
    if not (is_pair or type(widths) is int) or widths in (0, (0, 0), [0, 0]):
        return
    value = context.shape_value(call.arguments[0])
    if isinstance(value, Array) and value.ndim is not None and value.ndim >= 4 and not is_prepared(context, node):
        yield Finding(
            call.arguments[1], f"This pads all {value.ndim} axes, the batch and the channels too. Give a pair each: "
            "`[(0, 0), (1, 1), (1, 1), (0, 0)]`.",
        )  # fmt: skip


RULES = (inverted_integers, vanishing_constant, overflowing_constant, metadata_values, padded_batch)
