"""Methods that arrays have, and that mean something else in PyTorch; and moving things to a device."""

import re
from collections.abc import Iterator

from tenny_lsp.inference.meaning import Group, Instance, Plain
from tenny_lsp.pitfalls.calls import Call
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, appended, atom, replaced
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.rule import ISSUES, PYTHON, USAGE, Example, Finding, rule
from tenny_lsp.pitfalls.values import axes_of, shape_of
from tenny_lsp.source.syntax import Node, field, text_of

_NUMBER = re.compile(r"-?\d+")
#: Two axes that are a whole permutation of a matrix's.
_MATRIX = {("1", "0"), ("-1", "-2"), ("1", "-2"), ("-1", "0")}
#: A device by its name, or what is called one: ``"cuda"``, ``self.device``, ``torch.device("mps")``.
_DEVICES = re.compile(r"""["'](?:cpu|cuda|gpu|mps|cuda:\d+|mps:\d+)["']|(?:\w+\.)*\w*device\w*(?:\(["'\w:]*\))?""")


@rule(
    "view-shape",
    "error",
    "`x.view(shape)` instead of `x.reshape(shape)`",
    ISSUES + "750",
    calls=("view",),
    examples=(
        Example("y = x.view(3, 2)", "y = x.reshape(3, 2)", "y.shape == (3, 2)"),
        Example("y = x.view(-1)", "y = x.reshape(-1)", "y.shape == (6,)"),
        Example("y = x.view((3, 2))", "y = x.reshape((3, 2))", "y.shape == (3, 2)"),
    ),
)
def view_shape(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find ``view`` that is given a shape."""
    if call.owner is None or not call.arguments or call.keywords or not context.is_array(call.owner):
        return
    first = context.meaning(call.arguments[0])
    if len(call.arguments) > 1 or first == Plain("int") or isinstance(first, Group):
        name = call.function.named_children[-1]
        message = (
            "`array.view` reinterprets the bytes as another dtype and takes no shape; `reshape` gives a new shape."
        )
        yield Finding(name, message, (Fix("Write reshape", (replaced(name, "reshape"),)),))


@rule(
    "transpose-two-axes",
    "error",
    "`x.transpose(i, j)` to swap two axes",
    ISSUES + "750",
    calls=("transpose",),
    examples=(
        Example("y = x.transpose(0, 1)", "y = x.swapaxes(0, 1)", "y.shape == (3, 2)", "wrong"),
        Example("y = x[None].transpose(1, 2)", "y = x[None].swapaxes(1, 2)", "y.shape == (1, 3, 2)"),
        Example("y = mx.transpose(x, 0, 1)", "y = mx.swapaxes(x, 0, 1)", "y.shape == (3, 2)"),
    ),
)
def transpose_two_axes(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find ``transpose`` that is given two axes as PyTorch's is: MLX's takes a permutation of all of them."""
    is_function = context.name(call.function) == "mlx.core.transpose"
    if call.keywords or not call.is_whole or len(call.arguments) != 2 + is_function:
        return
    axes = tuple(text_of(node).replace(" ", "") for node in call.arguments[-2:])
    if not all(map(_NUMBER.fullmatch, axes)):
        return
    array = call.arguments[0] if is_function else call.owner
    if not is_function and (array is None or not context.is_array(array)):
        return
    count = axes_of(context, array)
    if not is_function and count in (2, None) and axes in _MATRIX:  # right for a matrix
        return
    name = call.function.named_children[-1]
    message = (
        "`transpose` takes a permutation of all axes: two of them leave a matrix as it is or raise. "
        "`swapaxes` swaps two."
    )
    yield Finding(name, message, (Fix("Write swapaxes", (replaced(name, "swapaxes"),)),))


@rule(
    "transposed-batch",
    "warning",
    "`x.T` of more than two axes",
    "https://github.com/data-apis/array-api-compat/issues/451",
    attributes=("T",),
    examples=(
        Example("y = mx.zeros((4, 2, 3)).T", "y = mx.zeros((4, 2, 3)).mT", "y.shape == (4, 3, 2)", "wrong"),
        Example(
            "z = mx.zeros((4, 2, 3))\ny = z.T", "z = mx.zeros((4, 2, 3))\ny = z.mT", "y.shape == (4, 3, 2)", "wrong"
        ),
    ),
)
def transposed_batch(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find ``.T`` of an array that is known to have more than two axes: it reverses all of them."""
    name = field(node, "attribute")
    if name is None or not context.is_array(field(node, "object")):
        return
    shape = shape_of(context, field(node, "object"))
    # Two axes beside such of length one are swapped by both: what is left is where the ones stand.
    if shape is not None and sum(size != 1 for size in shape) > 2:
        message = f"`.T` reverses all {len(shape)} axes; `.mT` swaps the last two."
        yield Finding(name, message, (Fix("Write mT", (replaced(name, "mT"),), is_safe=False),))


@rule(
    "size-call",
    "error",
    "`x.size()` instead of `x.shape`",
    PYTHON + "_autosummary/mlx.core.array.size.html",
    calls=("size",),
    examples=(
        Example("y = x.size(0)", "y = x.shape[0]", "y == 2"),
        Example("y = x.size()", "y = x.shape", "y == (2, 3)"),
        Example("y = x.size(dim=-1)", "y = x.shape[-1]", "y == 3"),
    ),
)
def size_call(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find ``size`` that is called."""
    if call.owner is None or not call.is_whole or not context.is_array(call.owner):
        return
    axis = call.value("dim") or (call.arguments[0] if call.arguments else None)
    text = f"{text_of(call.owner)}.shape" + (f"[{text_of(axis)}]" if axis is not None else "")
    message = f"`array.size` is a number, the count of elements, and cannot be called; write `{text}`."
    is_known = not call.keywords.keys() - {"dim"} and len(call.arguments) + len(call.keywords) < 2
    fixes = (Fix(f"Write {text}", (replaced(call.node, text),)),) if is_known else ()
    yield Finding(call.function, message, fixes)


@rule(
    "to-device",
    "error",
    "`.to(…)`: there is no device to move to",
    USAGE + "unified_memory.html",
    calls=("to",),
    examples=(
        Example('y = x.to("cuda")', "y = x", "y.shape == (2, 3)"),
        Example("y = x.to(mx.float16)", "y = x.astype(mx.float16)", "y.dtype == mx.float16"),
        Example("y = x.to(dtype=mx.float16)", "y = x.astype(mx.float16)", "y.dtype == mx.float16"),
        Example('y = model.to("cuda")', "y = model", "y is model"),
        Example("model.to(mx.float16)", "model.set_dtype(mx.float16)", "model.weight.dtype == mx.float16"),
    ),
)
def to_device(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find ``to`` of arrays and modules."""
    if call.owner is None or not call.is_whole or len(call.arguments) + len(call.keywords) != 1:
        return
    value = context.meaning(call.owner)
    is_array = context.evaluator.is_array(value)
    is_module = isinstance(value, Instance) and context.inherits(value.of, "mlx.nn.Module")
    if isinstance(value, Instance) and is_module and not context.lacks(value.of, "to"):
        return
    if is_module and context.may_be_subclass(call.owner, "to"):
        return
    if not (is_array or is_module) or is_guarded(context, call.node) or context.file.mentions(".to ="):
        return
    given = call.arguments[0] if call.arguments else next(filter(None, map(call.value, call.keywords)), None)
    is_dtype = "dtype" in call.keywords or context.is_a(given, "mlx.core.Dtype")
    owner, what = text_of(call.owner), "An `mx.array`" if is_array else "`nn.Module`"
    fixes: tuple[Fix, ...] = ()
    if is_dtype and given is not None:
        method = "astype" if is_array else "set_dtype"
        text = f"{owner}.{method}({text_of(given)})"
        is_alone = call.node.parent is not None and call.node.parent.type == "expression_statement"
        fixes = (Fix(f"Write {text}", (replaced(call.node, text),)),) if is_array or is_alone else ()
        message = f"{what} has no `to`; its dtype is changed by `{method}`" + (
            "." if is_array else ", which returns None."
        )
    else:
        is_device = given is not None and ("device" in call.keywords or _DEVICES.fullmatch(text_of(given)))
        message = f"{what} has no `to`: memory is unified, and operations choose the device they run on. Leave it out."
        fixes = (Fix("Remove .to(…)", (replaced(call.node, atom(call.owner)),)),) if is_device else ()
    yield Finding(call.function.named_children[-1], message, fixes)


@rule(
    "clip-bounds",
    "error",
    "`mx.clip` without both bounds",
    PYTHON + "_autosummary/mlx.core.clip.html",
    calls=("clip",),
    examples=(
        Example("y = mx.clip(x, 1)", "y = mx.clip(x, 1, None)", "y.min().item() == 1"),
        Example("y = mx.clip(x, a_min=1)", "y = mx.clip(x, a_min=1, a_max=None)", "y.min().item() == 1"),
        Example("y = mx.clip(x, min=0, max=1)", "y = mx.clip(x, a_min=0, a_max=1)", "y.max().item() == 1"),
    ),
)
def clip_bounds(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find ``mx.clip`` that is given one bound, or NumPy's new names of them."""
    if context.name(call.function) != "mlx.core.clip" or not call.is_whole or not call.arguments:
        return
    renamed = [name for name in ("min", "max") if name in call.keywords]
    edits = [replaced(call.keywords[name].named_children[0], f"a_{name}") for name in renamed]
    given = {"a_min", "a_max"} & call.keywords.keys() | {f"a_{name}" for name in renamed}
    given |= set(("a_min", "a_max")[: len(call.arguments) - 1])
    missing = sorted({"a_min", "a_max"} - given)
    added = ("None" if name == "a_max" and not call.keywords else f"{name}=None" for name in missing)
    if missing:
        edits.append(appended(call, ", ".join(added)))
    if edits:
        message = "`mx.clip` needs both bounds, `a_min` and `a_max`; None stands for no bound."
        yield Finding(call.listed, message, (Fix("Give both bounds", tuple(edits)),))


@rule(
    "compared-with-none",
    "error",
    "`x == None`",
    PYTHON + "array.html",
    kinds=("comparison_operator",),
    examples=(
        Example("y = x == None", "y = x is None", "y is False"),
        Example("y = x != None", "y = x is not None", "y is True"),
    ),
)
def compared_with_none(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find arrays compared with None by ``==``."""
    if len(node.children) != 3 or node.children[2].type != "none" or node.children[1].type not in ("==", "!="):
        return
    if context.is_array(node.children[0]):
        right = "is" if node.children[1].type == "==" else "is not"
        message = (
            f"An array cannot be compared with None by `{node.children[1].type}`: it raises. Write `{right} None`."
        )
        yield Finding(node, message, (Fix(f"Write {right} None", (replaced(node.children[1], right),)),))


RULES = (
    view_shape, transpose_two_axes, transposed_batch, size_call, to_device, clip_bounds, compared_with_none,
)  # fmt: skip
