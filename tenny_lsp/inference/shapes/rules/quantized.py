"""Rules of quantised weights: quantize, dequantize, and the products with them."""

from typing import Any

from tenny_lsp.inference.shapes.broadcasting import broadcast, number_of, operand
from tenny_lsp.inference.shapes.dimension import UNKNOWN, Dimension, floor_divide, multiply
from tenny_lsp.inference.shapes.rule import Value, rule
from tenny_lsp.inference.shapes.values import Array, Items, ShapeError, promote

_CODE = "quantization-groups"
#: What the affine mode can do.
_GROUPS, _BITS = (32, 64, 128), (1, 2, 3, 4, 5, 6, 8)
_DEFAULTS = {"affine": (64, 4), "mxfp4": (32, 4), "mxfp8": (32, 8), "nvfp4": (16, 4)}


def _group_and_bits(group_size: Value, bits: Value, mode: Value) -> tuple[Dimension, Dimension]:
    group, width = _DEFAULTS.get(mode, (UNKNOWN, UNKNOWN)) if isinstance(mode, str) else (UNKNOWN, UNKNOWN)
    return (
        group if group_size is None else number_of(group_size),
        width if bits is None else number_of(bits),
    )


def check_groups(size: Value, group_size: Value, bits: Value, mode: Value) -> None:
    """Check that the last dimension of a weight can be cut into groups.

    Args:
        size (Value): The dimension.
        group_size (Value): As it is given to ``mx.quantize``; None for the mode's own.
        bits (Value): As it is given.
        mode (Value): As it is given.

    Raises:
        ShapeError: It cannot.
    """
    last = number_of(size)
    group, width = _group_and_bits(group_size, bits, mode)
    if mode == "affine" and isinstance(group, int) and group not in _GROUPS:
        raise ShapeError(f"MLX quantises in groups of 32, 64 or 128, not of {group}", _CODE)
    if mode == "affine" and isinstance(width, int) and width not in _BITS:
        raise ShapeError(f"MLX quantises to 2, 3, 4, 5, 6 or 8 bits, not to {width}", _CODE)
    if isinstance(last, int) and isinstance(group, int) and last % group:
        raise ShapeError(f"{last} columns cannot be cut into groups of {group}", _CODE)


@rule("mlx.core.quantize")
def quantize(w: Any, group_size: Any = None, bits: Any = None, mode: Any = "affine", global_scale: Any = None) -> Value:
    """The packed weights, the scales and, in the affine mode, the biases."""
    found = operand(w)
    group, width = _group_and_bits(group_size, bits, mode)
    shape = found.shape
    if shape is not None and len(shape) < 2:
        raise ShapeError(f"Weights have at least 2 dimensions, and these have {len(shape)}", _CODE)
    check_groups(shape[-1] if shape is not None else UNKNOWN, group_size, bits, mode)
    is_affine = mode == "affine"
    packed = scales = None
    if shape:
        packed = (*shape[:-1], floor_divide(multiply(shape[-1], width), 32))
        scales = (*shape[:-1], floor_divide(shape[-1], group))
    parts = Array(packed, "uint32"), Array(scales, found.dtype if is_affine else "uint8")
    if not isinstance(mode, str):
        return Items(Array())
    return (*parts, Array(scales, found.dtype)) if is_affine else parts


def _check_packed(packed: Array, scales: Array, group: Dimension, width: Dimension) -> None:
    """Check that packed weights have as many columns as their scales are for.

    Raises:
        ShapeError: They have not: they were packed with another group size, or other bits.
    """
    words, groups = packed.dimension(-1), scales.dimension(-1)
    if not (isinstance(words, int) and isinstance(groups, int) and isinstance(group, int) and isinstance(width, int)):
        return
    if words * 32 != groups * group * width:
        raise ShapeError(
            f"The weight was not packed with {width} bits and a group size of {group}: {words} words of 32 bits do "
            f"not fit {groups} scales",
            _CODE,
        )


def _check_features(x: Array, packed: Array, transpose: Value, width: Dimension) -> None:
    """Check that an array has the features that packed weights take.

    Raises:
        ShapeError: It has others.
    """
    size, words, rows = x.dimension(-1), packed.dimension(-1), packed.dimension(-2)
    if not isinstance(size, int) or not isinstance(width, int) or not isinstance(transpose, bool):
        return
    wanted = words * 32 // width if transpose and isinstance(words, int) else rows
    if transpose and not isinstance(words, int):
        return
    if isinstance(wanted, int) and size != wanted:
        other = "" if transpose else "; with `transpose=True` it takes rows of weights, as a layer has them"
        raise ShapeError(f"The weight takes {wanted} features, not {size}{other}")


@rule("mlx.core.dequantize")
def dequantize(
    w: Any, scales: Any, biases: Any = None, group_size: Any = None, bits: Any = None, mode: Any = "affine",
    global_scale: Any = None, dtype: Any = None,
) -> Value:  # fmt: skip
    """The weights unpacked."""
    found = operand(w)
    group, width = _group_and_bits(group_size, bits, mode)
    _check_packed(found, operand(scales), group, width)
    shape = found.shape
    if shape:
        shape = (*shape[:-1], floor_divide(multiply(shape[-1], 32), width))
    return Array(shape, operand(scales).dtype if mode == "affine" and dtype is None else None)


def _quantized_columns(w: Array, scales: Array, transpose: Value, group: Dimension, width: Dimension) -> Dimension:
    if transpose is True:
        return w.dimension(-2)
    if transpose is False:
        return floor_divide(multiply(w.dimension(-1), 32), width)
    return UNKNOWN


@rule("mlx.core.quantized_matmul")
def quantized_matmul(
    x: Any, w: Any, scales: Any, biases: Any = None, transpose: Any = True, group_size: Any = None, bits: Any = None,
    mode: Any = "affine",
) -> Value:  # fmt: skip
    """The product with the weights unpacked."""
    one, packed = operand(x), operand(w)
    group, width = _group_and_bits(group_size, bits, mode)
    dtype = promote(one.dtype, operand(scales).dtype) if mode == "affine" else None
    _check_packed(packed, operand(scales), group, width)
    if one.shape is None or packed.ndim != 2 or len(one.shape) < 1:
        return Array(None, dtype)
    _check_features(one, packed, transpose, width)
    columns = _quantized_columns(packed, operand(scales), transpose, group, width)
    return Array((*one.shape[:-1], columns), dtype)


@rule("mlx.core.qqmm")
def qqmm(x: Any, w: Any, *_: Any, **__: Any) -> Value:
    """The product with the transposed weights."""
    one, other = operand(x), operand(w)
    if one.shape is None or not one.shape or other.ndim != 2:
        return Array()
    return Array((*one.shape[:-1], other.dimension(-2)), None)


@rule("mlx.core.gather_qqmm")
def gather_qqmm(x: Any, w: Any, *_: Any, **__: Any) -> Value:
    """An array."""
    return Array()


@rule("mlx.core.gather_qmm")
def gather_qmm(
    x: Any, w: Any, scales: Any, biases: Any = None, lhs_indices: Any = None, rhs_indices: Any = None,
    transpose: Any = True, group_size: Any = None, bits: Any = None, mode: Any = "affine", global_scale: Any = None,
    sorted_indices: Any = False,
) -> Value:  # fmt: skip
    """The products with chosen weights, unpacked."""
    one, packed = operand(x), operand(w)
    group, width = _group_and_bits(group_size, bits, mode)
    dtype = promote(one.dtype, operand(scales).dtype) if mode == "affine" else None
    if one.shape is None or packed.shape is None or len(one.shape) < 2 or len(packed.shape) < 2:
        return Array(None, dtype)
    left = one.shape[:-2] if lhs_indices is None else operand(lhs_indices).shape
    right = packed.shape[:-2] if rhs_indices is None else operand(rhs_indices).shape
    outer_shape = broadcast(left, right)
    columns = _quantized_columns(packed, operand(scales), transpose, group, width)
    return Array((*outer_shape, one.shape[-2], columns) if outer_shape is not None else None, dtype)
