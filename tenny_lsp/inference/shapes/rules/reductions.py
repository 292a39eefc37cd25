"""Rules of reductions, cumulative operations, sorting and searching."""

from typing import Any

from tenny_lsp.inference.shapes.broadcasting import axes_of, axis_of, flag, number_of, operand, unknowns, with_dimension
from tenny_lsp.inference.shapes.dimension import UNKNOWN, product
from tenny_lsp.inference.shapes.rule import Value, both, core, rule
from tenny_lsp.inference.shapes.values import Array, Dtype, Shape, at_least_float, is_inexact


def reduced(shape: Shape | None, axis: Value, keepdims: Value) -> Shape | None:
    """Return a shape without the axes that are reduced, or with ones in their place.

    Raises:
        ShapeError: An axis is out of range.
    """
    keeps = flag(keepdims)
    if keeps is None:
        return None
    if axis is None and not keeps:
        return ()
    if shape is None:
        return None
    axes = axes_of(axis, len(shape))
    if axes is None:
        if keeps:
            return unknowns(len(shape))
        return unknowns(len(shape) - len(axis)) if isinstance(axis, tuple) else None
    if keeps:
        return tuple(1 if i in axes else dimension for i, dimension in enumerate(shape))
    return tuple(dimension for i, dimension in enumerate(shape) if i not in axes)


@rule(*both("all any"))
def reduce_to_bool(a: Any, axis: Any = None, keepdims: Any = False) -> Value:
    """Reduced, of ``bool``."""
    return Array(reduced(operand(a).shape, axis, keepdims), "bool")


@rule("mlx.core.count_nonzero")
def count_nonzero(a: Any, axis: Any = None, keepdims: Any = False) -> Value:
    """Reduced, of ``int32``."""
    return Array(reduced(operand(a).shape, axis, keepdims), "int32")


@rule(*both("argmax argmin"))
def reduce_to_index(a: Any, axis: Any = None, keepdims: Any = False) -> Value:
    """Reduced, of ``uint32``."""
    return Array(reduced(operand(a).shape, axis, keepdims), "uint32")


@rule(*both("max min"))
def reduce_unchanged(a: Any, axis: Any = None, keepdims: Any = False) -> Value:
    """Reduced, of the same dtype."""
    found = operand(a)
    return Array(reduced(found.shape, axis, keepdims), found.dtype)


@rule("mlx.core.minmax")
def minmax(a: Any, axis: Any = None, keepdims: Any = False) -> Value:
    """Both reduced, of the same dtype."""
    found = reduce_unchanged(a, axis, keepdims)
    return found, found


@rule(*both("mean logsumexp"), "mlx.core.median")
def reduce_to_float(a: Any, axis: Any = None, keepdims: Any = False) -> Value:
    """Reduced; whole numbers become ``float32``."""
    found = operand(a)
    return Array(reduced(found.shape, axis, keepdims), at_least_float(found.dtype))


@rule(*both("var std"))
def variance(a: Any, axis: Any = None, keepdims: Any = False, ddof: Any = 0) -> Value:
    """Reduced; whole and complex numbers become ``float32``."""
    found = operand(a)
    dtype = "float32" if found.dtype == "complex64" else at_least_float(found.dtype)
    return Array(reduced(found.shape, axis, keepdims), dtype)


@rule(*both("sum prod"))
def summed(a: Any, axis: Any = None, keepdims: Any = False) -> Value:
    """Reduced; small whole numbers become 32 bits wide."""
    found = operand(a)
    dtype = widened(found.dtype)
    if found.shape == () or axis == ():
        dtype = found.dtype  # nothing is summed
    elif found.shape is None and dtype != found.dtype:
        dtype = None
    return Array(reduced(found.shape, axis, keepdims), dtype)


def widened(dtype: str | None) -> str | None:
    """Return the dtype of a sum of numbers of a dtype."""
    if dtype in ("bool", "int8", "int16"):
        return "int32"
    return "uint32" if dtype in ("uint8", "uint16") else dtype


def _along(a: Any, axis: Value) -> Shape | None:
    """Return the shape of a cumulative operation: without an axis that of the flattened array."""
    shape = operand(a).shape
    if axis is None:
        if shape is None:
            return (UNKNOWN,)
        return (product(shape),)
    axis_of(axis, operand(a).ndim)
    return shape


@rule(*both("cumprod"), "mlx.core.cumulative_prod")
def cumulative_product(
    a: Any, axis: Any = None, reverse: Any = False, inclusive: Any = True, dtype: Any = None
) -> Value:
    """The shape as it is, flat without an axis."""
    found = operand(a).dtype
    if dtype is not None:
        found = dtype.name if isinstance(dtype, Dtype) else None
    return Array(_along(a, axis), found)


@rule(*both("cumsum"), "mlx.core.cumulative_sum")
def cumulative(a: Any, axis: Any = None, reverse: Any = False, inclusive: Any = True, dtype: Any = None) -> Value:
    """The shape as it is, flat without an axis; booleans become ``int32``."""
    found = operand(a).dtype
    if dtype is not None:
        found = dtype.name if isinstance(dtype, Dtype) else None
    return Array(_along(a, axis), "int32" if found == "bool" else found)


@rule(*both("cummax cummin"))
def running(a: Any, axis: Any = None, reverse: Any = False, inclusive: Any = True) -> Value:
    """The shape as it is, flat without an axis."""
    return Array(_along(a, axis), operand(a).dtype)


@rule(*both("logcumsumexp"))
def logcumsumexp(a: Any, axis: Any = None, reverse: Any = False, inclusive: Any = True) -> Value:
    """The shape as it is, flat without an axis; whole numbers become ``float32``."""
    return Array(_along(a, axis), at_least_float(operand(a).dtype))


@rule(*core("softmax"))
def softmax(a: Any, axis: Any = None, precise: Any = False) -> Value:
    """The shape as it is; what whole numbers become depends on the shape."""
    found = operand(a)
    return Array(found.shape, found.dtype if found.dtype is not None and is_inexact(found.dtype) else None)


@rule("mlx.core.sort")
def sort(a: Any, axis: Any = -1) -> Value:
    """The array as it is, flat where the axis is None."""
    return Array(_along(a, axis), operand(a).dtype)


@rule("mlx.core.argsort")
def argsort(a: Any, axis: Any = -1) -> Value:
    """The shape as it is, flat where the axis is None, of ``uint32``."""
    return Array(_along(a, axis), "uint32")


@rule("mlx.core.partition")
def partition(a: Any, kth: Any, axis: Any = -1) -> Value:
    """The array as it is, flat where the axis is None."""
    return Array(_along(a, axis), operand(a).dtype)


@rule("mlx.core.argpartition")
def argpartition(a: Any, kth: Any, axis: Any = -1) -> Value:
    """The shape as it is, flat where the axis is None, of ``uint32``."""
    return Array(_along(a, axis), "uint32")


@rule("mlx.core.topk")
def topk(a: Any, k: Any, axis: Any = -1) -> Value:
    """``k`` along the axis."""
    shape = _along(a, axis)
    position = 0 if axis is None else axis_of(axis, None if shape is None else len(shape))
    if shape is None or position is None:
        return Array(unknowns(None if shape is None else len(shape)), operand(a).dtype)
    return Array(with_dimension(shape, position, number_of(k)), operand(a).dtype)


@rule("mlx.core.searchsorted")
def searchsorted(sorted_sequence: Any, values: Any, side: Any = "left") -> Value:
    """The shape of the values; the dtype of indices."""
    return Array(operand(values).shape, None)
