"""Rules of operations on each element: arithmetic, comparisons, activations."""

from typing import Any

from tenny_lsp.inference.shapes.broadcasting import broadcast, operand, operands
from tenny_lsp.inference.shapes.dimension import UNKNOWN
from tenny_lsp.inference.shapes.rule import Value, both, core, rule
from tenny_lsp.inference.shapes.values import (
    BOOL,
    COMPLEX,
    FLOAT,
    INT,
    Array,
    Dtype,
    at_least_float,
    is_floating,
    is_number,
    promote_all,
)

_BFLOAT16 = Dtype("bfloat16")
_NN = (
    "celu elu gelu gelu_approx gelu_fast_approx hard_tanh hardswish leaky_relu log_sigmoid mish relu relu2 relu6 selu"
    " sigmoid silu softplus softsign"
)


def nn(names: str) -> tuple[str, ...]:
    """Return the full names of functions of ``mlx.nn``, given with spaces between them."""
    return tuple(f"mlx.nn.{name}" for name in names.split())


@rule(
    *core(
        "acos acosh arccos arccosh arcsin arcsinh arctan arctanh asin asinh atan atanh cosh degrees erf erfinv expm1"
    ),
    *core("radians sigmoid sinh tan tanh"),
    *both("cos exp log log10 log1p log2 rsqrt sin sqrt"),
)
def to_float(a: Any) -> Value:
    """The shape as it is; whole numbers become ``float32``."""
    found = operand(a)
    return Array(found.shape, at_least_float(found.dtype))


@rule("mlx.core.array.item")
def item(a: Any) -> Value:
    """A Python number of the dtype's kind."""
    dtype = operand(a).dtype
    if dtype is None:
        return UNKNOWN
    if dtype in ("bool", "complex64"):
        return BOOL if dtype == "bool" else COMPLEX
    return FLOAT if is_floating(dtype) else INT


@rule(*core("ceil floor negative positive sign trunc stop_gradient contiguous"), *both("square conj"))
@rule("mlx.core.bitwise_invert", "mlx.core.conjugate")
def unchanged(a: Any, *_: Any, **__: Any) -> Value:
    """The array as it is."""
    return operand(a)


@rule(*both("round"))
def rounded(a: Any, decimals: Any = 0) -> Value:
    """The array as it is."""
    return operand(a)


@rule(*both("reciprocal"))
def reciprocal(a: Any) -> Value:
    """One divided by the array."""
    return divide(1.0, a)


@rule(*both("abs"), *core("imag real"))
def magnitude(a: Any) -> Value:
    """The shape as it is; complex numbers become ``float32``."""
    found = operand(a)
    return Array(found.shape, "float32" if found.dtype == "complex64" else found.dtype)


@rule(*core("isfinite isinf isnan isneginf isposinf logical_not"))
def predicate(a: Any) -> Value:
    """The shape as it is, of ``bool``."""
    return Array(operand(a).shape, "bool")


@rule(*core("nan_to_num"))
def nan_to_num(a: Any, nan: Any = 0, posinf: Any = None, neginf: Any = None) -> Value:
    """The array as it is."""
    return operand(a)


@rule(*core("add subtract multiply maximum minimum floor_divide remainder power pow"))
@rule(*core("bitwise_and bitwise_or bitwise_xor"))
def binary(a: Any, b: Any) -> Value:
    """The operands broadcast and promoted."""
    return Array(*operands(a, b))


@rule(*core("left_shift right_shift bitwise_left_shift bitwise_right_shift"))
def shift(a: Any, b: Any) -> Value:
    """The operands broadcast and promoted; booleans become ``uint8``."""
    shape, dtype = operands(a, b)
    return Array(shape, "uint8" if dtype == "bool" else dtype)


@rule(*core("divide arctan2 atan2 logaddexp"))
def divide(a: Any, b: Any) -> Value:
    """The operands broadcast and promoted; whole numbers become ``float32``."""
    shape, dtype = operands(a, b)
    return Array(shape, at_least_float(dtype))


@rule("mlx.core.divmod")
def divmod_(a: Any, b: Any) -> Value:
    """Quotient and remainder, each as of the operands broadcast and promoted."""
    found = Array(*operands(a, b))
    return found, found


@rule(*core("equal greater greater_equal less less_equal not_equal logical_and logical_or logical_xor"))
def comparison(a: Any, b: Any) -> Value:
    """The operands broadcast, of ``bool``."""
    return Array(operands(a, b)[0], "bool")


@rule("mlx.core.isclose")
def isclose(a: Any, b: Any, rtol: Any = 0, atol: Any = 0, equal_nan: Any = False) -> Value:
    """The operands broadcast, of ``bool``."""
    return Array(operands(a, b)[0], "bool")


@rule(*core("allclose array_equal"))
def whole_comparison(a: Any, b: Any, *_: Any, **__: Any) -> Value:
    """One ``bool``."""
    return Array((), "bool")


@rule("mlx.core.clip")
def clip(a: Any, a_min: Any = None, a_max: Any = None) -> Value:
    """The array and its bounds broadcast and promoted."""
    bounds = [bound for bound in (a_min, a_max) if bound is not None]
    shape = broadcast(*(operand(value).shape for value in (a, *bounds)))
    # A number takes the dtype of the array, whatever the other bound is.
    return Array(shape, promote_all([operand(a).dtype, *(operands(a, bound)[1] for bound in bounds)]))


@rule("mlx.core.where")
def where(condition: Any, x: Any, y: Any) -> Value:
    """All three broadcast; the dtype is that of the two values."""
    shape, dtype = operands(x, y)
    return Array(broadcast(operand(condition).shape, shape), dtype)


@rule(*both("astype"))
def astype(a: Any, dtype: Any) -> Value:
    """The shape as it is, of another dtype."""
    return Array(operand(a).shape, dtype.name if isinstance(dtype, Dtype) else None)


@rule("mlx.core.result_type")
def result_type(*arrays_and_dtypes: Any) -> Value:
    """The dtype of an operation on all of them."""
    names = [value.dtype if isinstance(value, Array) else getattr(value, "name", None) for value in arrays_and_dtypes]
    dtype = promote_all(names) if not any(is_number(value) for value in arrays_and_dtypes) else None
    return Dtype(dtype) if dtype is not None else UNKNOWN


@rule(*core("to_fp8"))
def to_fp8(x: Any) -> Value:
    """The shape as it is, of ``uint8``."""
    return Array(operand(x).shape, "uint8")


@rule(*core("from_fp8"))
def from_fp8(x: Any, dtype: Any = _BFLOAT16) -> Value:
    """The shape as it is, of the dtype asked for."""
    return astype(x, dtype)


@rule(*nn(_NN))
def activation(x: Any, *_: Any, **__: Any) -> Value:
    """The shape as it is; the dtype where it is one of floating-point numbers."""
    found = operand(x)
    return Array(found.shape, found.dtype if found.dtype in ("float16", "bfloat16", "float32") else None)
