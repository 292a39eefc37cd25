"""Shapes and dtypes as arguments: one tuple and MLX's own types, where PyTorch and NumPy take other forms."""

from collections.abc import Iterator

from tenny_lsp.inference.meaning import Plain
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.overloads import positional_of
from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Edit, Fix, replaced
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.pitfalls.signatures import called_entry, parameters
from tenny_lsp.pitfalls.values import dtype_of, literal_of
from tenny_lsp.source.syntax import Node, field, text_of

#: Function → where its shape starts among its arguments.
_SHAPED = {
    "mlx.core.zeros": 0, "mlx.core.ones": 0, "mlx.core.reshape": 1, "mlx.core.broadcast_to": 1,
    "mlx.core.random.normal": 0,
}  # fmt: skip
_TYPES = PYTHON + "data_types.html"
#: What Python and NumPy call MLX's dtypes.
_DTYPES = {
    "float32": "float32", "float": "float32", "float16": "float16", "half": "float16", "bfloat16": "bfloat16",
    "single": "float32", "int8": "int8", "int16": "int16", "int32": "int32", "int": "int32", "int64": "int64",
    "uint8": "uint8", "uint16": "uint16", "uint32": "uint32", "uint64": "uint64", "bool": "bool_", "bool_": "bool_",
    "complex64": "complex64",
}  # fmt: skip

_NAMES = _DTYPES.keys() | {"float64", "double", "longlong", "complex128", "str_", "object_"}


@rule(
    "shape-not-a-tuple",
    "error",
    "A shape given as several numbers",
    PYTHON + "_autosummary/mlx.core.zeros.html",
    calls=("zeros", "ones", "empty", "reshape", "broadcast_to", "normal"),
    examples=(
        Example("y = mx.zeros(2, 3)", "y = mx.zeros((2, 3))", "y.shape == (2, 3)"),
        Example("y = mx.ones(2, 3, dtype=mx.int8)", "y = mx.ones((2, 3), dtype=mx.int8)", "y.shape == (2, 3)"),
        Example(
            "sizes = (2, 3)\ny = mx.zeros(*sizes, 4)",
            "sizes = (2, 3)\ny = mx.zeros((*sizes, 4))",
            "y.shape == (2, 3, 4)",
        ),
        Example("y = mx.reshape(x, 3, 2)", "y = mx.reshape(x, (3, 2))", "y.shape == (3, 2)"),
        Example("y = mx.broadcast_to(x, 4, 2, 3)", "y = mx.broadcast_to(x, (4, 2, 3))", "y.shape == (4, 2, 3)"),
        Example("y = mx.random.normal(2, 3)", "y = mx.random.normal((2, 3))", "y.shape == (2, 3)"),
    ),
)
def shape_not_a_tuple(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find ``mx.zeros(2, 3)``."""
    is_function = call.owner is None or context.is_of_module(call.owner)
    place = _SHAPED.get(context.name(call.function)) if is_function and len(_sizes(call)) > 1 else None
    sizes = _sizes(call)[place:] if place is not None else []
    counted = [size for size in sizes if size.type != "list_splat"]
    if len(sizes) < 2 or not counted or not all(context.meaning(size) == Plain("int") for size in counted):
        return
    text = f"({', '.join(map(text_of, sizes))})"
    edit = Edit(sizes[0].start_byte, sizes[-1].end_byte, text)
    message = f"The shape is one argument, a tuple: `{text}`."
    yield Finding(call.listed, message, (Fix(f"Write {text}", (edit,)),))


def _sizes(call: Call) -> list[Node]:
    """Return the positional arguments of a call, starred ones among them; none where it cannot be read."""
    listed = [child for child in call.listed.named_children if child.type != "keyword_argument"]
    is_plain = not call.listed.has_error and not any(
        child.type in ("dictionary_splat", "comment") for child in call.listed.named_children
    )
    return listed if is_plain else []


@rule(
    "normal-shape-first",
    "error",
    "`mx.random.normal` called as NumPy's",
    PYTHON + "_autosummary/mlx.core.random.normal.html",
    calls=("normal",),
    examples=(
        Example(
            "y = mx.random.normal(0.0, 1.0, (3,))", "y = mx.random.normal((3,), loc=0.0, scale=1.0)", "y.shape == (3,)"
        ),
    ),
)
def normal_shape_first(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find ``mx.random.normal(loc, scale, size)``: MLX's takes the shape first."""
    if len(call.arguments) != 3 or not call.is_whole or call.keywords:
        return
    if context.name(call.function) != "mlx.core.random.normal":
        return
    if context.meaning(call.arguments[0]) in (Plain("float"), Plain("int")):
        if call.arguments[2].type not in ("tuple", "list"):
            return
        loc, scale, shape = map(text_of, call.arguments)
        text = f"({shape}, loc={loc}, scale={scale})"
        message = "`mx.random.normal` takes the shape first, then the dtype; name `loc` and `scale`."
        yield Finding(call.listed, message, (Fix(f"Write {text}", (replaced(call.listed, text),)),))


@rule(
    "foreign-dtype",
    "error",
    "A dtype of Python's or NumPy's, or its name",
    _TYPES,
    calls=(
        "astype",
        "array",
        "zeros",
        "ones",
        "full",
        "eye",
        "identity",
        "tri",
        "arange",
        "linspace",
        "normal",
        "uniform",
        "randint",
    ),
    keywords=("dtype",),
    examples=(
        Example('y = mx.zeros(3, dtype="float32")', "y = mx.zeros(3, dtype=mx.float32)", "y.dtype == mx.float32"),
        Example("y = x.astype(float)", "y = x.astype(mx.float32)", "y.dtype == mx.float32"),
        Example("y = x.astype(np.float16)", "y = x.astype(mx.float16)", "y.dtype == mx.float16"),
        Example('y = x.astype("int32")', "y = x.astype(mx.int32)", "y.dtype == mx.int32"),
        Example('y = mx.eye(3, 3, 0, "float32")', "y = mx.eye(3, 3, 0, mx.float32)", "y.dtype == mx.float32"),
        Example("y = mx.array([1], dtype=np.int64)", "y = mx.array([1], dtype=mx.int64)", "y.dtype == mx.int64"),
    ),
)
def foreign_dtype(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find dtypes given as strings, Python types or NumPy's."""
    given = call.value("dtype")
    if given is None and call.arguments:
        given = call.arguments[-1]
    name = _foreign_name(context, given)
    if given is None or not name:
        return
    entry = called_entry(context, call)
    if entry is not None and "dtype" not in call.keywords and not _is_dtype(entry, len(call.arguments) - 1):
        return
    if entry is None or not entry.name.startswith("mlx.core.") or "**" in parameters(entry):
        return
    own, mx = _DTYPES.get(name), context.alias("mlx.core", call.node)
    fixes = (Fix(f"Write {mx}.{own}", (replaced(given, f"{mx}.{own}"),)),) if own and mx else ()
    message = f"MLX takes its own dtypes only, not `{text_of(given)}`" + (f"; write `mx.{own}`." if own else ".")
    yield Finding(given, message, fixes)


def _is_dtype(entry: ApiEntry, place: int) -> bool:
    """Return whether a positional argument is the dtype in all overloads that have as many."""
    found = [positional_of(one)[place].name for one in entry.signatures if len(positional_of(one)) > place]
    return set(found) == {"dtype"}


def _foreign_name(context: RuleContext, node: Node | None) -> str:
    """Return the name of a dtype given as a string, a type of Python's or a name of NumPy's; empty for others."""
    if node is None:
        return ""
    if node.type == "string":
        value = literal_of(node)
        return value if isinstance(value, str) else ""
    last = node.named_children[-1] if node.type == "attribute" else node
    external = context.external(node) if text_of(last) in _NAMES else ""
    module, _, name = external.rpartition(".")
    return name if module == "numpy" or external in ("float", "int", "bool") else ""


@rule(
    "integer-matmul",
    "error",
    "A matrix product of integers",
    _TYPES,
    kinds=("binary_operator",),
    calls=("matmul",),
    examples=(
        Example(
            "y = mx.array([1, 2]) @ mx.array([3, 4])",
            "y = mx.array([1, 2]).astype(mx.float32) @ mx.array([3, 4])",
            "y.item() == 11",
        ),
        Example(
            "a = mx.array([[1, 2]])\ny = mx.matmul(a, a.T.astype(mx.int32))",
            "a = mx.array([[1, 2]])\ny = mx.matmul(a.astype(mx.float32), a.T.astype(mx.int32))",
            "y.item() == 5",
        ),
    ),
)
def integer_matmul(context: RuleContext, found: Node | Call) -> Iterator[Finding]:
    """Find products of two arrays of integers: MLX multiplies matrices of floats."""
    if isinstance(found, Call):
        is_product = context.name(found.function) == "mlx.core.matmul" and len(found.arguments) == 2
        left, right = found.arguments if is_product else (None, None)
        node = found.node
    else:
        operator = field(found, "operator")
        is_product = operator is not None and text_of(operator) == "@"
        left, right, node = field(found, "left"), field(found, "right"), found
    if not is_product or left is None or right is None:
        return
    dtypes = dtype_of(context, left), dtype_of(context, right)
    mx = context.alias("mlx.core", node)
    if all(dtype.startswith(("int", "uint")) for dtype in dtypes):
        fix = Fix("Multiply as float32", (Edit(left.end_byte, left.end_byte, f".astype({mx}.float32)"),))
        message = (
            f"MLX multiplies matrices of floats only, and these are {dtypes[0]} and {dtypes[1]}: cast one of them."
        )
        yield Finding(node, message, (fix,) if mx else ())


@rule(
    "promoting-array",
    "information",
    "A number as an array widens half precision",
    _TYPES,
    kinds=("binary_operator",),
    examples=(
        Example(
            "h = x.astype(mx.float16)\ny = h * mx.array(0.5)", "h = x.astype(mx.float16)\ny = h * 0.5",
            "y.dtype == mx.float16", "wrong",
        ),
    ),
)  # fmt: skip
def promoting_array(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find half-precision arrays combined with a float32 array of one literal: the result is float32."""
    sides = field(node, "left"), field(node, "right")
    for array, other in (sides, sides[::-1]):
        call = call_of(array)
        if call is None or call.name != "array" or len(call.arguments) != 1 or call.keywords:
            continue
        number = literal_of(call.arguments[0])
        dtype = dtype_of(context, other) if isinstance(number, float) and dtype_of(context, array) == "float32" else ""
        if dtype in ("float16", "bfloat16"):
            text = text_of(call.arguments[0])
            message = (
                f"The array of one number is float32, and so becomes the result; with {text} alone it stays {dtype}."
            )
            yield Finding(call.node, message, (Fix(f"Write {text}", (replaced(call.node, text),), is_safe=False),))


RULES = (
    promoting_array, shape_not_a_tuple, normal_shape_first, foreign_dtype, integer_matmul,
)  # fmt: skip
