"""Rules of convolutions, pooling and upsampling: the channels stand last."""

from typing import Any

from tenny_lsp.inference.shapes.broadcasting import number_of, operand, unknowns
from tenny_lsp.inference.shapes.dimension import UNKNOWN, Dimension, add, floor_divide, is_at_least, multiply, subtract
from tenny_lsp.inference.shapes.rule import Value, rule
from tenny_lsp.inference.shapes.values import Array, ShapeError, is_int, promote


def per_axis(value: Value, count: int, default: Dimension = UNKNOWN) -> tuple[Dimension, ...]:
    """Return an argument that is one integer, or one for each spatial axis."""
    if value is None:
        return (default,) * count
    if isinstance(value, tuple):
        if len(value) == 1:
            value = value * count
        return tuple(number_of(item) for item in value) if len(value) == count else (UNKNOWN,) * count
    return ((number_of(value) if is_int(value) else UNKNOWN),) * count


def convolved(
    size: Dimension, kernel: Dimension, stride: Dimension, padding: Dimension, dilation: Dimension = 1
) -> Dimension:
    """Return the size of one axis after a convolution."""
    span = add(size, multiply(2, padding))
    reach = add(multiply(dilation, subtract(kernel, 1)), 1)
    steps = subtract(span, reach)
    if stride != 1 and not is_at_least(steps, 0):
        return UNKNOWN
    return add(floor_divide(steps, stride), 1)


def _transposed(
    size: Dimension, kernel: Dimension, stride: Dimension, padding: Dimension, dilation: Dimension, more: Dimension
) -> Dimension:
    grown = multiply(subtract(size, 1), stride)
    reach = add(multiply(dilation, subtract(kernel, 1)), 1)
    if not is_at_least(reach, add(padding, 1)):
        return UNKNOWN
    found = add(subtract(add(grown, reach), multiply(2, padding)), more)
    return UNKNOWN if isinstance(found, int) and found <= 0 else found


def _spatial(input: Array, weight: Array, axes: int) -> bool:
    """Return whether the shapes of both are known.

    Raises:
        ShapeError: One has another number of dimensions than the convolution has.
    """
    for array in (input, weight):
        if array.ndim is not None and array.ndim != axes + 2:
            raise ShapeError(f"A convolution over {axes} axes takes {axes + 2} dimensions, not {array.ndim}")
    return input.shape is not None and weight.shape is not None


def _is_grouped_right(input: Array, weight: Array, groups: Value) -> None:
    channels, wanted = input.dimension(-1), multiply(weight.dimension(-1), number_of(groups))
    if isinstance(channels, int) and isinstance(wanted, int) and channels != wanted:
        raise ShapeError(f"The input has {channels} channels, the weight is for {wanted}")


def check_channels(input: Array, wanted: Value, axes: int) -> None:
    """Check that an array has the channels that a layer over so many axes takes, last.

    Raises:
        ShapeError: It has others.
    """
    channels, second = input.dimension(-1), input.dimension(1)
    if input.ndim != axes + 2 or not is_int(wanted) or not isinstance(wanted, int) or not isinstance(channels, int):
        return
    if channels != wanted:
        message = f"The layer takes {wanted} channels, not {channels}"
        if second == wanted:
            raise ShapeError(f"{message}; MLX takes the channels last", "channels-first")
        raise ShapeError(message)


def convolution(input: Any, weight: Any, stride: Any, padding: Any, dilation: Any, groups: Any, axes: int) -> Value:
    """Return the rule's result for a convolution over so many axes."""
    one, other = operand(input), operand(weight)
    dtype = promote(one.dtype, other.dtype)
    if not _spatial(one, other, axes) or one.shape is None or other.shape is None:
        return Array(unknowns(axes + 2), dtype)
    _is_grouped_right(one, other, groups)
    parts = zip(
        one.shape[1:-1], other.shape[1:-1], per_axis(stride, axes), per_axis(padding, axes), per_axis(dilation, axes),
        strict=True,
    )  # fmt: skip
    return Array((one.shape[0], *(convolved(*part) for part in parts), other.shape[0]), dtype)


def transposed_convolution(
    input: Any, weight: Any, stride: Any, padding: Any, dilation: Any, more: Any, groups: Any, axes: int
) -> Value:
    """Return the rule's result for a transposed convolution over so many axes."""
    one, other = operand(input), operand(weight)
    dtype = promote(one.dtype, other.dtype)
    if not _spatial(one, other, axes) or one.shape is None or other.shape is None:
        return Array(unknowns(axes + 2), dtype)
    _is_grouped_right(one, other, groups)
    parts = zip(
        one.shape[1:-1], other.shape[1:-1], per_axis(stride, axes), per_axis(padding, axes), per_axis(dilation, axes),
        per_axis(more, axes), strict=True,
    )  # fmt: skip
    return Array((one.shape[0], *(_transposed(*part) for part in parts), other.shape[0]), dtype)


def _rules_over(axes: int) -> None:
    @rule(f"mlx.core.conv{axes}d")
    def conv(input: Any, weight: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: Any = 1) -> Value:
        return convolution(input, weight, stride, padding, dilation, groups, axes)

    @rule(f"mlx.core.conv_transpose{axes}d")
    def conv_transpose(
        input: Any, weight: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, output_padding: Any = 0,
        groups: Any = 1,
    ) -> Value:  # fmt: skip
        return transposed_convolution(input, weight, stride, padding, dilation, output_padding, groups, axes)


for _axes in (1, 2, 3):
    _rules_over(_axes)


@rule("mlx.core.conv_general")
def conv_general(
    input: Any, weight: Any, stride: Any = 1, padding: Any = 0, kernel_dilation: Any = 1, input_dilation: Any = 1,
    groups: Any = 1, flip: Any = False,
) -> Value:  # fmt: skip
    """The batch, the spatial axes, which are unknown but where nothing dilates the input, and the channels."""
    one = operand(input)
    is_plain = input_dilation == 1 and (not isinstance(padding, tuple) or all(is_int(side) for side in padding))
    if one.ndim is None or one.ndim < 3 or not is_plain:
        return Array(unknowns(one.ndim), promote(one.dtype, operand(weight).dtype))
    return convolution(input, weight, stride, padding, kernel_dilation, groups, one.ndim - 2)


def pooled(x: Array, kernel: Value, stride: Value, padding: Value, axes: int) -> Value:
    """Return what a pooling layer over so many axes gives."""
    if x.shape is None or len(x.shape) != axes + 2:
        return Array(unknowns(x.ndim), None)
    kernels = per_axis(kernel, axes)
    strides = kernels if stride is None else per_axis(stride, axes)
    parts = zip(x.shape[1:-1], kernels, strides, per_axis(padding, axes), strict=True)
    shape = (x.shape[0], *(convolved(*part) for part in parts), x.shape[-1])
    return Array(shape, x.dtype if x.dtype in ("float16", "bfloat16", "float32") else None)


def upsampled(x: Array, factor: Value) -> Value:
    """Return what an ``Upsample`` layer gives."""
    if x.shape is None or len(x.shape) < 3:
        return Array(unknowns(x.ndim), None)
    axes = len(x.shape) - 2
    factors = factor if isinstance(factor, tuple) and len(factor) == axes else (factor,) * axes
    spatial = tuple(_scaled(size, by) for size, by in zip(x.shape[1:-1], factors, strict=True))
    return Array((x.shape[0], *spatial, x.shape[-1]), None)


def _scaled(size: Dimension, factor: Value) -> Dimension:
    if isinstance(factor, float) and factor.is_integer():
        factor = int(factor)
    if isinstance(factor, int) and not isinstance(factor, bool) and factor > 0:
        return multiply(size, factor)
    if isinstance(factor, float) and isinstance(size, int):
        return int(factor * size)
    return UNKNOWN
