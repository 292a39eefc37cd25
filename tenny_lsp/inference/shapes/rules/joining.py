"""Rules that join arrays or take them apart: concatenate, stack, split, repeat, tile, meshgrid."""

from itertools import pairwise
from typing import Any

from tenny_lsp.inference.shapes.broadcasting import axis_of, flag, number_of, operand, same, unknowns, with_dimension
from tenny_lsp.inference.shapes.dimension import (
    UNKNOWN,
    Dimension,
    Expression,
    add,
    multiply,
    product,
    quotient_without_rest,
    subtract,
    total,
)
from tenny_lsp.inference.shapes.rule import Value, both, core, rule
from tenny_lsp.inference.shapes.values import Array, Items, Shape, ShapeError, is_int, promote_all, shape_text


@rule(*core("concatenate concat"))
def concatenate(arrays: Any, axis: Any = 0) -> Value:
    """The sizes along the axis added."""
    if isinstance(arrays, Items) and isinstance(arrays.each, Array):
        return _of_unknown_number(arrays.each, axis)
    if not isinstance(arrays, tuple) or not arrays:
        return Array()
    found = [operand(array) for array in arrays]
    dtype = promote_all(array.dtype for array in found)
    if len(found) == 1 and axis is not None:
        return found[0]
    shapes = [array.shape for array in found if array.shape is not None]
    if not shapes:
        return Array(None, dtype)
    if axis is None:
        return Array((total(product(s) for s in shapes) if len(shapes) == len(found) else UNKNOWN,), dtype)
    _same_ndim(shapes)
    position = axis_of(axis, len(shapes[0]))
    if position is None:
        return Array(unknowns(len(shapes[0])), dtype)
    result = _agreed(shapes, position)
    size = total(shape[position] for shape in shapes) if len(shapes) == len(found) else UNKNOWN
    return Array(with_dimension(result, position, size), dtype)


def _of_unknown_number(each: Array, axis: Value) -> Array:
    if axis is None:
        return Array((UNKNOWN,), each.dtype)
    position = axis_of(axis, each.ndim)
    if each.shape is None or position is None:
        return Array(unknowns(each.ndim), each.dtype)
    return Array(with_dimension(each.shape, position, UNKNOWN), each.dtype)


def _same_ndim(shapes: list[Shape]) -> None:
    for shape in shapes:
        if len(shape) != len(shapes[0]):
            raise ShapeError(f"Arrays of {len(shapes[0])} and {len(shape)} dimensions cannot be joined")


def _agreed(shapes: list[Shape], axis: int | None) -> Shape:
    """Return the dimensions that shapes have in common, which they must have in all axes but one."""
    result = shapes[0]
    for shape in shapes[1:]:
        message = f"Arrays of shapes {shape_text(shapes[0])} and {shape_text(shape)} cannot be joined"
        result = tuple(
            one if i == axis else same(one, other, message)
            for i, (one, other) in enumerate(zip(result, shape, strict=True))
        )
    return result


@rule("mlx.core.stack")
def stack(arrays: Any, axis: Any = 0) -> Value:
    """The number of arrays as a dimension more."""
    if isinstance(arrays, Items) and isinstance(arrays.each, Array):
        count: Dimension = UNKNOWN
        found, dtype = arrays.each.shape, arrays.each.dtype
    elif isinstance(arrays, tuple) and arrays:
        count, parts = len(arrays), [operand(array) for array in arrays]
        shapes = [array.shape for array in parts if array.shape is not None]
        dtype = promote_all(array.dtype for array in parts)
        if shapes:
            _same_ndim(shapes)
        found = _agreed(shapes, None) if shapes else None
    else:
        return Array()
    if found is None:
        return Array(None, dtype)
    position = axis_of(axis, len(found) + 1)
    if position is None:
        return Array(unknowns(len(found) + 1), dtype)
    return Array((*found[:position], count, *found[position:]), dtype)


@rule(*both("split"))
def split(a: Any, indices_or_sections: Any, axis: Any = 0) -> Value:
    """As many parts as asked for, or those between the indices."""
    found = operand(a)
    position = axis_of(axis, found.ndim)
    sections = indices_or_sections
    if isinstance(sections, int) and not isinstance(sections, bool):
        if not 0 < sections < 100:
            return Items(Array(unknowns(found.ndim), found.dtype))
        size = UNKNOWN if position is None else quotient_without_rest(found.dimension(position), sections)
        if size is UNKNOWN and isinstance(found.dimension(position or 0), int) and position is not None:
            raise ShapeError(f"{found.dimension(position)} cannot be split into {sections} parts")
        return (_part(found, position, size),) * sections
    if isinstance(sections, tuple):
        return tuple(_part(found, position, size) for size in _sizes(found, position, sections))
    return Items(
        _part(found, position, UNKNOWN if not isinstance(sections, Expression) else _share(found, position, sections))
    )


def _share(found: Array, position: int | None, sections: Expression) -> Dimension:
    if position is None or not sections.is_int:
        return UNKNOWN
    return quotient_without_rest(found.dimension(position), sections)


def _part(found: Array, position: int | None, size: Dimension) -> Array:
    if found.shape is None or position is None:
        return Array(unknowns(found.ndim), found.dtype)
    return Array(with_dimension(found.shape, position, size), found.dtype)


def _sizes(found: Array, position: int | None, indices: tuple[Value, ...]) -> list[Dimension]:
    """Return the sizes of the parts between indices, which are unknown where one may be out of bounds."""
    dimension = UNKNOWN if position is None else found.dimension(position)
    if isinstance(dimension, int) and all(isinstance(index, int) for index in indices):
        bounds = [0, *(min(max(i + dimension if i < 0 else i, 0), dimension) for i in indices), dimension]
        return [max(after - before, 0) for before, after in pairwise(bounds)]
    ends: list[Dimension] = [0, *(number_of(index) for index in indices), dimension]
    sizes = [subtract(after, before) for before, after in pairwise(ends)]
    return (
        [size if _is_size(size, dimension) else UNKNOWN for size in sizes]
        if _fit(sizes, dimension)
        else [UNKNOWN] * len(sizes)
    )


def _fit(sizes: list[Dimension], dimension: Dimension) -> bool:
    """Return whether all sizes are certain to lie in a dimension, one after the other."""
    return isinstance(dimension, Expression) and all(_is_size(size, dimension) for size in sizes)


def _is_size(size: Dimension, dimension: Dimension) -> bool:
    """Return whether a difference of indices is a sum of parts of a dimension, and so certain not to be negative."""
    if isinstance(size, int):
        return size >= 0
    if not isinstance(size, Expression) or not isinstance(dimension, Expression):
        return False
    return all(count > 0 for _, count in size.terms) and size.atoms <= dimension.atoms


@rule("mlx.core.unstack")
def unstack(x: Any, axis: Any = 0) -> Value:
    """The arrays along an axis."""
    found = operand(x)
    position = axis_of(axis, found.ndim)
    if found.shape is None:
        return Items(Array(None, found.dtype))
    if position is None:
        return Items(Array(unknowns(len(found.shape) - 1), found.dtype))
    each = Array(found.shape[:position] + found.shape[position + 1 :], found.dtype)
    count = found.shape[position]
    return (each,) * count if isinstance(count, int) and count < 100 else Items(each)


@rule("mlx.core.repeat")
def repeat(array: Any, repeats: Any, axis: Any = None) -> Value:
    """The size along the axis multiplied; flat without an axis."""
    found = operand(array)
    times = number_of(repeats) if is_int(repeats) else UNKNOWN
    if axis is None:
        return Array((multiply(product(found.shape), times) if found.shape is not None else UNKNOWN,), found.dtype)
    position = axis_of(axis, found.ndim)
    if found.shape is None or position is None:
        return Array(unknowns(found.ndim), found.dtype)
    return Array(with_dimension(found.shape, position, multiply(found.shape[position], times)), found.dtype)


@rule("mlx.core.tile")
def tile(a: Any, reps: Any) -> Value:
    """Each dimension multiplied by its number of repetitions."""
    found = operand(a)
    times = (
        tuple(number_of(n) for n in reps) if isinstance(reps, tuple) else (number_of(reps),) if is_int(reps) else None
    )
    if found.shape is None or times is None:
        return Array(None, found.dtype)
    ndim = max(len(found.shape), len(times))
    shape = (1,) * (ndim - len(found.shape)) + found.shape
    times = (1,) * (ndim - len(times)) + times
    return Array(tuple(multiply(one, other) for one, other in zip(shape, times, strict=True)), found.dtype)


@rule("mlx.core.meshgrid")
def meshgrid(*arrays: Any, sparse: Any = False, indexing: Any = "xy") -> Value:
    """One array for each, as long in each dimension as the array of that dimension."""
    found = [operand(array) for array in arrays]
    is_sparse = flag(sparse)
    sizes: list[Dimension] = [
        UNKNOWN if array.shape is None else array.shape[0] if array.shape else 1 for array in found
    ]
    if is_sparse is None or indexing not in ("xy", "ij") or any(array.ndim not in (None, 0, 1) for array in found):
        return tuple(Array(None, array.dtype) for array in found)
    order = list(range(len(found)))
    if indexing == "xy" and len(found) > 1:
        order[0], order[1] = 1, 0
    full = tuple(sizes[i] for i in order)
    return tuple(
        Array(tuple(size if not is_sparse or order[place] == i else 1 for place, size in enumerate(full)), array.dtype)
        for i, array in enumerate(found)
    )


@rule("mlx.core.diff")
def diff(a: Any, n: Any = 1, axis: Any = -1) -> Value:
    """Shorter along the axis by the number of differences."""
    found = operand(a)
    position = axis_of(axis, found.ndim)
    if found.shape is None or position is None:
        return Array(unknowns(found.ndim), None)
    size = found.shape[position]
    less: Dimension = UNKNOWN
    if isinstance(n, int):
        less = max(size - n, 0) if isinstance(size, int) else add(size, -n) if n in (0, 1) else UNKNOWN
    return Array(with_dimension(found.shape, position, less), found.dtype)
