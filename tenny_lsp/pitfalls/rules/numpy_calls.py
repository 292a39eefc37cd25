"""NumPy's functions that do not take MLX's arrays."""

import re
from collections.abc import Iterator

from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Edit, Fix, replaced
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.rule import USAGE, Example, Finding, rule
from tenny_lsp.pitfalls.values import dtype_of
from tenny_lsp.source.syntax import Node, text_of

#: NumPy's functions that call the method of the same name, with arguments that MLX's methods do not have → MLX's name.
_METHODS = {
    "all": "all", "amax": "max", "amin": "min", "any": "any", "max": "max", "mean": "mean", "min": "min",
    "prod": "prod", "std": "std", "sum": "sum", "var": "var",
}  # fmt: skip
#: What may give a module's parameters another dtype.
_CONVERTS = re.compile(r"=|dtype|load|update|apply|astype|\.to\(")
_SAME = ("axis", "keepdims", "ddof")


@rule(
    "numpy-reduction",
    "error",
    "A reduction of NumPy on an MLX array",
    USAGE + "numpy.html",
    calls=tuple(_METHODS),
    examples=(
        Example("y = np.mean(x)", "y = mx.mean(x)", "y.item() == 2.5"),
        Example("y = np.sum(x, axis=1, keepdims=True)", "y = mx.sum(x, axis=1, keepdims=True)", "y.shape == (2, 1)"),
        Example("y = np.max(x * 2, 0)", "y = mx.max(x * 2, 0)", "y.tolist() == [6, 8, 10]"),
    ),
)
def numpy_reduction(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find reductions that NumPy leaves to the method of the array, with arguments of its own: they always raise."""
    name = context.external(call.function) if call.arguments else ""
    if name != f"numpy.{call.name}" or not context.is_array(call.arguments[0]):
        return
    if is_guarded(context, call.node, ("TypeError",)):
        return
    mx, own = context.alias("mlx.core", call.node), _METHODS[call.name]
    fixes: tuple[Fix, ...] = ()
    if mx and call.is_whole and len(call.arguments) <= 2 and set(call.keywords) <= set(_SAME):
        fixes = (Fix(f"Write {mx}.{own}", (replaced(call.function, f"{mx}.{own}"),)),)
    yield Finding(
        call.function, f"`np.{call.name}` calls the array's own `{own}` with arguments that it does not have: it "
        f"raises. Write `mx.{own}`, or give it `np.array(x)`.", fixes,
    )  # fmt: skip


@rule(
    "numpy-of-bfloat16",
    "error",
    "`np.array` of bfloat16",
    "https://ml-explore.github.io/mlx/build/html/usage/numpy.html",
    calls=("array", "asarray"),
    examples=(
        Example(
            "y = np.array(x.astype(mx.bfloat16))",
            "y = np.array(x.astype(mx.bfloat16).astype(mx.float32))",
            "y.shape == (2, 3)",
        ),
        Example(
            "h = mx.ones((2, 2), mx.bfloat16)\ny = np.array(h)",
            "h = mx.ones((2, 2), mx.bfloat16)\ny = np.array(h.astype(mx.float32))",
            "y.shape == (2, 2)",
        ),
        Example(
            "model.set_dtype(mx.bfloat16)\ny = np.array(model.weight)",
            "model.set_dtype(mx.bfloat16)\ny = np.array(model.weight.astype(mx.float32))",
            "y.shape == (2, 3)",
        ),
    ),
)
def numpy_of_bfloat16(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find bfloat16 arrays given to NumPy, which has no such type."""
    if not context.external(call.function).startswith("numpy.") or len(call.arguments) != 1:
        return
    (array,) = call.arguments
    is_half = dtype_of(context, array) == "bfloat16" or _set_dtype(context, array) == "mlx.core.bfloat16"
    if is_half and (mx := context.alias("mlx.core", call.node)):
        cast = f".astype({mx}.float32)"
        message = "NumPy has no bfloat16: it raises. Cast to float32 first."
        yield Finding(array, message, (Fix("Cast to float32", (Edit(array.end_byte, array.end_byte, cast),)),))


def _set_dtype(context: RuleContext, parameter: Node) -> str:
    """Return the dtype that the last statement before a parameter of a module, in its block, gives the module."""
    root: Node | None = parameter
    while root is not None and root.type in ("attribute", "subscript"):
        root = root.named_children[0]
    statement: Node | None = parameter
    while statement is not None and "statement" not in statement.type:
        statement = statement.parent
    if root is None or root == parameter or statement is None or not context.is_a(root, "mlx.nn.Module"):
        return ""
    is_parameter = text_of(parameter.named_children[-1]) in ("weight", "bias")
    may_be_packed = any(context.file.mentions(word) for word in ("quantize", "Quantized"))
    earlier = statement.prev_named_sibling if is_parameter and not may_be_packed else None
    while earlier is not None:
        call = call_of(earlier.named_children[0]) if earlier.named_children else None
        if call is not None and call.name == "set_dtype" and text_of(call.owner or root) == text_of(root):
            return context.name(call.arguments[0]) if len(call.arguments) == 1 and not call.keywords else ""
        words = re.findall(r"\w+", text_of(earlier))
        if text_of(root) in words and _CONVERTS.search(text_of(earlier)):
            return ""
        earlier = earlier.prev_named_sibling
    return ""


RULES = (numpy_reduction, numpy_of_bfloat16)
