"""Arrays of float32 that widen half precision, as far as the shapes of the whole file tell their dtypes."""

from collections.abc import Iterator

from tenny_lsp.inference.shapes.values import Array
from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, appended
from tenny_lsp.pitfalls.rule import Example, Finding, rule
from tenny_lsp.source.syntax import Node, field, text_of, up_to

_TYPES = "https://ml-explore.github.io/mlx/build/html/python/data_types.html"
_HALVES = ("float16", "bfloat16")
#: Functions that make float32 unless they are asked for another dtype, and the place at which they can be asked.
_MADE = {
    "mlx.core.zeros": 1, "mlx.core.ones": 1, "mlx.core.array": 1, "mlx.core.full": 2, "mlx.core.linspace": 3,
    "mlx.core.random.normal": 1, "mlx.core.random.uniform": 3,
}  # fmt: skip
#: Words after which somebody who has float32 knows it.
_KNOWN = (b"float32", b".astype(", b"set_dtype")
_ARITHMETIC = {"+", "-", "*", "/", "@", "**", "//", "%"}


@rule(
    "float32-beside-half",
    "information",
    "An array of float32 widens half precision",
    _TYPES,
    kinds=("binary_operator", "augmented_assignment"),
    is_general=True,
    needs_shapes=True,
    examples=(
        Example(
            "w = mx.ones(3)\nh = mx.zeros((2, 3), dtype=mx.float16)\ny = h * w",
            "w = mx.ones(3, dtype=mx.float16)\nh = mx.zeros((2, 3), dtype=mx.float16)\ny = h * w",
            "y.dtype == mx.float16",
            "wrong",
        ),
        Example(
            "h = x.astype(mx.bfloat16)\nnoise = mx.random.normal((2, 3))\ny = mx.exp(h) + noise",
            "h = x.astype(mx.bfloat16)\nnoise = mx.random.normal((2, 3), dtype=mx.bfloat16)\ny = mx.exp(h) + noise",
            "y.dtype == mx.bfloat16",
            "wrong",
        ),
    ),
)
def float32_beside_half(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find operations on half precision and on an array that is float32 because nobody has said otherwise."""
    left, right, operator = field(node, "left"), field(node, "right"), field(node, "operator")
    if left is None or right is None or operator is None or text_of(operator).removesuffix("=") not in _ARITHMETIC:
        return
    for side, other in ((left, right), (right, left)):
        call = _made(context, side)
        if call is None or not _is_of(context, side, ("float32",)) or _is_known(node):
            continue
        half = context.shape_value(other)
        mx = context.alias("mlx.core", node)
        if isinstance(half, Array) and half.dtype in _HALVES and mx:
            text = f"dtype={mx}.{half.dtype}"
            message = f"This is float32, and so becomes the result; with `{text}` it stays {half.dtype}."
            fixes = (Fix(f"Make it {half.dtype}", (appended(call, text),), is_safe=False),)
            yield Finding(side, message, fixes)


def _is_of(context: RuleContext, node: Node, dtypes: tuple[str, ...]) -> bool:
    value = context.shape_value(node)
    return isinstance(value, Array) and value.dtype in dtypes


def _made(context: RuleContext, node: Node) -> Call | None:
    """Return the call that makes an array without being asked for a dtype; None where it is not just that."""
    call = call_of(context.value_of(node))
    if call is None or not call.is_whole or not call.arguments or "dtype" in call.keywords:
        return None
    place = _MADE.get(context.name(call.function))
    return call if place is not None and len(call.arguments) <= place else None


def _is_known(node: Node) -> bool:
    """Return whether the rest of the function speaks of dtypes: then who wrote it knows of float32."""
    scope = up_to(node, "function_definition", "module")
    rest = (scope.text or b"")[node.start_byte - scope.start_byte :] if scope is not None else b""
    return any(word in rest for word in _KNOWN)


RULES = (float32_beside_half,)
