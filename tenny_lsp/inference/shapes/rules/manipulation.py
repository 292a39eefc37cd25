"""Rules that change the shape alone: reshape, transpose, expand, squeeze, broadcast, flatten, pad."""

from typing import Any

from tenny_lsp.inference.shapes.broadcasting import axes_of, axis_of, broadcast, operand, same, unknowns
from tenny_lsp.inference.shapes.dimension import (
    UNKNOWN,
    Dimension,
    Unknown,
    multiply,
    product,
    quotient_without_rest,
)
from tenny_lsp.inference.shapes.rule import Value, both, core, rule
from tenny_lsp.inference.shapes.values import Array, Dtype, Items, Shape, ShapeError, is_int, shape_of, shape_text


def reshaped(shape: Shape | None, wanted: Shape | None) -> Shape | None:
    """Return the shape that ``reshape`` gives, with -1 resolved.

    Raises:
        ShapeError: The numbers of elements differ.
    """
    if wanted is None:
        return None
    inferred = [i for i, dimension in enumerate(wanted) if dimension == -1]
    if len(inferred) > 1:
        raise ShapeError("Only one dimension can be inferred")
    # An integer of unknown value may be -1, too: then it is not the dimension.
    if inferred or not any(isinstance(dimension, Unknown) for dimension in wanted):
        others = product(dimension for dimension in wanted if dimension != -1)
        count = product(shape) if shape is not None else UNKNOWN
        if isinstance(count, int) and isinstance(others, int):
            fits = others != 0 and count % others == 0 if inferred else count == others
            if not fits:
                raise ShapeError(f"An array of shape {shape_text(shape)} cannot be reshaped to {shape_text(wanted)}")
        rest = quotient_without_rest(count, others) if inferred else UNKNOWN
    else:
        rest = UNKNOWN
    return tuple(rest if dimension == -1 else dimension for dimension in wanted)


@rule("mlx.core.reshape")
def reshape(a: Any, shape: Any) -> Value:
    """The shape asked for."""
    found = operand(a)
    return Array(reshaped(found.shape, shape_of(shape)), found.dtype)


@rule("mlx.core.array.reshape")
def reshape_method(a: Any, *shape: Any) -> Value:
    """The shape asked for, as a tuple or as arguments."""
    return reshape(a, _gathered(shape))


def _gathered(given: tuple[Any, ...]) -> Value:
    """Return the tuple that variadic arguments give: the only one, or all of them."""
    if len(given) == 1 and not is_int(given[0]):
        return given[0]
    return given


@rule("mlx.core.flatten", "mlx.core.array.flatten")
def flatten(a: Any, start_axis: Any = 0, end_axis: Any = -1) -> Value:
    """The dimensions from one axis to another as one."""
    found = operand(a)
    if found.shape is None:
        return Array((UNKNOWN,) if (start_axis, end_axis) == (0, -1) else None, found.dtype)
    if not found.shape:
        return Array((1,), found.dtype)
    if isinstance(start_axis, int) and isinstance(end_axis, int):
        start_axis, end_axis = max(start_axis, -len(found.shape)), min(end_axis, len(found.shape) - 1)
    start, end = axis_of(start_axis, len(found.shape)), axis_of(end_axis, len(found.shape))
    if start is None or end is None:
        return Array(None, found.dtype)
    if start > end:
        raise ShapeError(f"The start axis {start_axis} comes after the end axis {end_axis}")
    shape = (*found.shape[:start], product(found.shape[start : end + 1]), *found.shape[end + 1 :])
    return Array(shape, found.dtype)


@rule("mlx.core.unflatten")
def unflatten(a: Any, axis: Any, shape: Any) -> Value:
    """One dimension as several."""
    found, wanted = operand(a), shape_of(shape)
    position = axis_of(axis, found.ndim)
    if found.shape is None or wanted is None:
        return Array(None, found.dtype)
    if position is None:
        return Array(unknowns(len(found.shape) + len(wanted) - 1), found.dtype)
    parts = reshaped((found.shape[position],), wanted)
    return Array((*found.shape[:position], *(parts or ()), *found.shape[position + 1 :]), found.dtype)


@rule(*core("transpose permute_dims"))
def transpose(a: Any, axes: Any = None) -> Value:
    """The dimensions in the order of the axes; without any, reversed."""
    found = operand(a)
    if axes is None:
        return Array(found.shape[::-1] if found.shape is not None else None, found.dtype)
    if not isinstance(axes, tuple):
        return Array(unknowns(found.ndim), found.dtype)
    if found.shape is None:
        return Array(unknowns(len(axes)), found.dtype)
    if len(axes) != len(found.shape):
        raise ShapeError(f"{len(axes)} axes are given for an array of {len(found.shape)} dimensions")
    order = axes_of(axes, len(found.shape))
    if order is None:
        return Array(unknowns(len(found.shape)), found.dtype)
    if len(set(order)) != len(order):
        raise ShapeError(f"An axis is repeated in {axes}")
    return Array(tuple(found.shape[axis] for axis in order), found.dtype)


@rule("mlx.core.array.transpose")
def transpose_method(a: Any, *axes: Any) -> Value:
    """The dimensions in the order of the axes, given as a tuple or as arguments; without any, reversed."""
    return transpose(a, _gathered(axes) if axes else None)


@rule("mlx.core.array.T")
def transposed(a: Any) -> Value:
    """The dimensions reversed."""
    return transpose(a)


@rule("mlx.core.matrix_transpose", "mlx.core.array.mT")
def matrix_transpose(a: Any) -> Value:
    """The last two dimensions swapped."""
    found = operand(a)
    if found.shape is not None and len(found.shape) < 2:
        raise ShapeError("An array of less than two dimensions has no matrices")
    return swapaxes(a, -1, -2)


@rule(*both("swapaxes"))
def swapaxes(a: Any, axis1: Any, axis2: Any) -> Value:
    """Two dimensions swapped."""
    found = operand(a)
    one, other = axis_of(axis1, found.ndim), axis_of(axis2, found.ndim)
    if found.shape is None or one is None or other is None:
        return Array(unknowns(found.ndim), found.dtype)
    shape = list(found.shape)
    shape[one], shape[other] = shape[other], shape[one]
    return Array(tuple(shape), found.dtype)


@rule(*both("moveaxis"))
def moveaxis(a: Any, source: Any, destination: Any) -> Value:
    """One dimension moved."""
    found = operand(a)
    one, other = axis_of(source, found.ndim), axis_of(destination, found.ndim)
    if found.shape is None or one is None or other is None:
        return Array(unknowns(found.ndim), found.dtype)
    shape = list(found.shape)
    shape.insert(other, shape.pop(one))
    return Array(tuple(shape), found.dtype)


@rule("mlx.core.expand_dims")
def expand_dims(a: Any, axis: Any) -> Value:
    """Ones inserted at the axes of the result."""
    found = operand(a)
    given = axis if isinstance(axis, tuple) else (axis,)
    if found.shape is None or not (isinstance(axis, tuple) or is_int(axis)):
        return Array(None, found.dtype)
    places = axes_of(given, len(found.shape) + len(given))
    if places is None:
        return Array(unknowns(len(found.shape) + len(given)), found.dtype)
    shape = list(found.shape)
    for place in sorted(places):
        shape.insert(place, 1)
    return Array(tuple(shape), found.dtype)


@rule(*both("squeeze"))
def squeeze(a: Any, axis: Any = None) -> Value:
    """The dimensions without those of size 1, or without those of the axes."""
    found = operand(a)
    if found.shape is None:
        return found
    if axis is None:
        if not all(isinstance(dimension, int) for dimension in found.shape):
            return Array(None, found.dtype)
        return Array(tuple(dimension for dimension in found.shape if dimension != 1), found.dtype)
    axes = axes_of(axis, len(found.shape))
    if axes is None:
        return Array(None, found.dtype)
    for i in axes:
        same(found.shape[i], 1, f"Axis {i} has a size of {found.shape[i]} and cannot be squeezed")
    return Array(tuple(dimension for i, dimension in enumerate(found.shape) if i not in axes), found.dtype)


@rule("mlx.core.broadcast_to")
def broadcast_to(a: Any, shape: Any) -> Value:
    """The shape asked for."""
    found, wanted = operand(a), shape_of(shape)
    if wanted is None:
        return Array(None, found.dtype)
    result = broadcast(found.shape, wanted)
    if result is None:
        return Array(wanted, found.dtype)
    if len(result) > len(wanted):
        raise ShapeError(f"An array of {len(result)} dimensions cannot be broadcast to {len(wanted)}")
    # A dimension asked for that is unknown may be 1, and is then the array's own.
    return Array(tuple(_of_both(pair) for pair in zip(wanted, result, strict=True)), found.dtype)


def _of_both(pair: tuple[Dimension, Dimension]) -> Dimension:
    wanted, result = pair
    if wanted == 1 and result != 1 and isinstance(result, int):
        return result
    return wanted if isinstance(result, Unknown) and wanted != 1 else result


@rule("mlx.core.broadcast_arrays")
def broadcast_arrays(*arrays: Any) -> Value:
    """All arrays, broadcast against each other."""
    shape = broadcast(*(operand(array).shape for array in arrays))
    return tuple(Array(shape, operand(array).dtype) for array in arrays)


@rule("mlx.core.broadcast_shapes")
def broadcast_shapes(*shapes: Any) -> Value:
    """The shape to which shapes are broadcast."""
    found = broadcast(*(shape_of(shape) for shape in shapes))
    return found if found is not None else Items(UNKNOWN)


def _at_least(found: Array, ndim: int) -> Array:
    """Return an array with as many dimensions as asked for, as ``atleast_1d`` and its relatives add them."""
    if found.shape is None or len(found.shape) >= ndim:
        return found
    if ndim == 3:
        shape = {0: (1, 1, 1), 1: (1, *found.shape, 1), 2: (*found.shape, 1)}[len(found.shape)]
    else:
        shape = (1,) * (ndim - len(found.shape)) + found.shape
    return Array(shape, found.dtype)


def _at_least_each(arys: tuple[Any, ...], ndim: int) -> Value:
    found = tuple(_at_least(operand(array), ndim) for array in arys)
    return found[0] if len(found) == 1 else found


@rule("mlx.core.atleast_1d")
def atleast_1d(*arys: Any) -> Value:
    """Each array with at least one dimension."""
    return _at_least_each(arys, 1)


@rule("mlx.core.atleast_2d")
def atleast_2d(*arys: Any) -> Value:
    """Each array with at least two dimensions."""
    return _at_least_each(arys, 2)


@rule("mlx.core.atleast_3d")
def atleast_3d(*arys: Any) -> Value:
    """Each array with at least three dimensions."""
    return _at_least_each(arys, 3)


@rule("mlx.core.view", "mlx.core.array.view")
def view(a: Any, dtype: Any) -> Value:
    """The last dimension in elements of another size."""
    found = operand(a)
    if not isinstance(dtype, Dtype):
        return Array(unknowns(found.ndim))
    if found.shape is None or found.dtype is None or not found.shape:
        return Array((*found.shape[:-1], UNKNOWN) if found.shape else found.shape, dtype.name)
    before, after = itemsize(found.dtype), itemsize(dtype.name)
    last = found.shape[-1] if before == after else quotient_without_rest(multiply(found.shape[-1], before), after)
    return Array((*found.shape[:-1], last), dtype.name)


def itemsize(dtype: str) -> int:
    """Return the bytes of one element of a dtype."""
    if dtype == "bool":
        return 1
    bits = int("".join(letter for letter in dtype if letter.isdigit()))
    return bits // 8


@rule("mlx.core.from_dlpack")
def from_dlpack(x: Any, copy: Any = None) -> Value:
    """An array."""
    return Array()


@rule("mlx.core.as_strided")
def as_strided(a: Any, shape: Any = None, strides: Any = None, offset: Any = 0) -> Value:
    """The shape asked for."""
    found = operand(a)
    return Array(found.shape if shape is None else shape_of(shape), found.dtype)
