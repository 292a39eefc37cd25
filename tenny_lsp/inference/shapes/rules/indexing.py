"""Rules of indexing: integers, slices, ellipsis, None and arrays; gathering along axes."""

from dataclasses import dataclass
from typing import Any

from tenny_lsp.inference.shapes.broadcasting import (
    axis_of,
    broadcast,
    flag,
    number_of,
    operand,
    unknowns,
    with_dimension,
)
from tenny_lsp.inference.shapes.dimension import (
    UNKNOWN,
    Dimension,
    Expression,
    Unknown,
    add,
    floor_divide,
    is_at_least,
    product,
    subtract,
)
from tenny_lsp.inference.shapes.rule import Value, core, rule
from tenny_lsp.inference.shapes.values import Array, Shape, ShapeError, is_inexact, is_int


@dataclass(frozen=True, slots=True)
class Slice:
    """A slice; each part is an integer, None or unknown."""

    start: Value = None
    stop: Value = None
    step: Value = None


class Dots:
    """``...`` in an index."""


ELLIPSIS = Dots()


def indexed(array: Array, key: Value) -> Value:
    """Return what an array has at an index; unknown where that is no array for certain.

    Raises:
        ShapeError: There are too many indices, or one is a mask, by which MLX cannot read.
    """
    keys = key if isinstance(key, tuple) else (key,)
    if any(isinstance(part, Array) and part.dtype == "bool" for part in keys):
        raise ShapeError("An array cannot be read by a boolean mask")
    for part in keys:
        expect_places(part)
    if any(not _is_understood(part) for part in keys):
        return Array(None, array.dtype)
    used = sum(1 for part in keys if part is not None and part is not ELLIPSIS)
    if array.shape is None:
        return Array(None, array.dtype)
    if used > len(array.shape):
        raise ShapeError(f"{used} indices are given for an array of {len(array.shape)} dimensions")
    shape = _indexed_shape(array.shape, _with_ellipsis(keys, len(array.shape) - used))
    return Array(shape, array.dtype)


def expect_places(indices: Value) -> None:
    """Check that indices are whole numbers.

    Raises:
        ShapeError: They are an array of floating-point numbers.
    """
    if isinstance(indices, Array) and indices.dtype is not None and is_inexact(indices.dtype):
        raise ShapeError(f"Indices are whole numbers, and these are {indices.dtype}")


def _is_understood(part: Value) -> bool:
    if isinstance(part, Array):
        return part.shape is not None and part.dtype is not None
    return part is None or part is ELLIPSIS or isinstance(part, Slice) or is_int(part)


def _with_ellipsis(keys: tuple[Value, ...], missing: int) -> list[Value]:
    """Return an index with one part for each dimension, and ``None`` for those that are new."""
    if ELLIPSIS not in keys:
        keys = (*keys, ELLIPSIS)
    place = keys.index(ELLIPSIS)
    rest = [key for key in keys[place + 1 :] if key is not ELLIPSIS]
    return [*keys[:place], *[Slice()] * missing, *rest]


def _indexed_shape(shape: Shape, keys: list[Value]) -> Shape | None:
    """Return the shape at an index; arrays in it stand where the first stands, or in front if they are apart."""
    arrays = [key for key in keys if isinstance(key, Array)]
    gathered = broadcast(*(key.shape for key in arrays)) if arrays else ()
    if gathered is None:
        return None
    # An integer beside arrays counts as one of them.
    advanced = [i for i, key in enumerate(keys) if isinstance(key, Array) or (arrays and is_int(key))]
    is_together = not advanced or advanced == list(range(advanced[0], advanced[-1] + 1))
    result: list[Dimension] = [] if is_together else list(gathered)
    dimensions = iter(shape)
    for i, key in enumerate(keys):
        if advanced and is_together and i == advanced[0]:
            result += gathered
        if key is None:
            result.append(1)
            continue
        dimension = next(dimensions)
        if isinstance(key, Slice):
            result.append(slice_length(dimension, key))
        elif isinstance(key, int) and isinstance(dimension, int) and not -dimension <= key < dimension:
            return None  # MLX does not check this
    return tuple(result)


def slice_length(dimension: Dimension, part: Slice) -> Dimension:
    """Return how many elements of a dimension a slice takes."""
    start, stop, step = part.start, part.stop, part.step
    if isinstance(dimension, int) and all(value is None or _is_plain(value) for value in (start, stop, step)):
        return UNKNOWN if step == 0 else len(range(*slice(start, stop, step).indices(dimension)))
    if start in (None, 0) and stop is None and step in (None, 1):
        return dimension
    if not isinstance(dimension, Expression) or (step is not None and not _is_plain(step)):
        return UNKNOWN
    step = 1 if step is None else step
    if step == -1 and start is None and stop is None:
        return dimension
    bounds = _bound(dimension, start, 0), _bound(dimension, stop, dimension)
    if step < 1 or isinstance(bounds[0], Unknown) or isinstance(bounds[1], Unknown):
        return UNKNOWN
    if not is_at_least(bounds[1], bounds[0]):
        return UNKNOWN
    length = subtract(bounds[1], bounds[0])
    return length if step == 1 else floor_divide(add(length, step - 1), step)


def _is_plain(value: Value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _bound(dimension: Expression, given: Value, default: Dimension) -> Dimension:
    """Return a bound of a slice, counted from the front; unknown where it may lie outside of the dimension."""
    if given is None:
        return default
    place = number_of(given)
    if isinstance(place, int) and place < 0:
        place = add(dimension, place)
        return place if is_at_least(place, 0) else UNKNOWN
    if isinstance(place, Expression) and not _is_part(place, dimension):
        return UNKNOWN
    return place if is_at_least(dimension, place) else UNKNOWN


def _is_part(place: Expression, dimension: Expression) -> bool:
    """Return whether a bound is made of what the dimension is made of, and so is a size that is not negative."""
    return place.atoms <= dimension.atoms and all(count > 0 for _, count in place.terms)


@rule("mlx.core.take")
def take(a: Any, indices: Any, axis: Any = None) -> Value:
    """The shape of the indices in the place of the axis."""
    expect_places(indices)
    found = operand(a)
    chosen = () if is_int(indices) else operand(indices).shape
    if axis is None:
        return Array(chosen, found.dtype)
    position = axis_of(axis, found.ndim)
    if found.shape is None or chosen is None:
        return Array(None, found.dtype)
    if position is None:
        return Array(unknowns(len(found.shape) - 1 + len(chosen)), found.dtype)
    return Array((*found.shape[:position], *chosen, *found.shape[position + 1 :]), found.dtype)


@rule("mlx.core.take_along_axis")
def take_along_axis(a: Any, indices: Any, axis: Any = -1) -> Value:
    """The other dimensions broadcast, and that of the indices along the axis."""
    expect_places(indices)
    found, chosen = operand(a), operand(indices)
    if axis is None:
        return Array(chosen.shape if chosen.ndim == 1 else None, found.dtype)
    position = axis_of(axis, found.ndim if found.shape is not None else chosen.ndim)
    if found.shape is None or chosen.shape is None or position is None:
        ndim = found.ndim if found.ndim is not None else chosen.ndim
        return Array(unknowns(ndim), found.dtype)
    if len(found.shape) != len(chosen.shape):
        raise ShapeError(f"Indices of {len(chosen.shape)} dimensions for an array of {len(found.shape)}")
    one, other = (with_dimension(shape, position, 1) for shape in (found.shape, chosen.shape))
    result = broadcast(one, other)
    return Array(with_dimension(result, position, chosen.shape[position]) if result else None, found.dtype)


@rule("mlx.core.put_along_axis")
def put_along_axis(a: Any, indices: Any, values: Any, axis: Any = None) -> Value:
    """The array as it is."""
    return operand(a)


@rule("mlx.core.unique")
def unique(
    a: Any, size: Any = None, return_index: Any = False, return_inverse: Any = False, return_counts: Any = False,
    fill_value: Any = None,
) -> Value:  # fmt: skip
    """The values alone, where nothing else is asked for."""
    found = operand(a)
    if (flag(return_index), flag(return_inverse), flag(return_counts)) != (False, False, False):
        return UNKNOWN
    return Array((number_of(size),) if is_int(size) else (UNKNOWN,), found.dtype)


@rule(*core("depends"))
def depends(inputs: Any, dependencies: Any) -> Value:
    """The inputs as they are."""
    return inputs if isinstance(inputs, Array | tuple) else UNKNOWN


def size_of(array: Array) -> Dimension:
    """Return the number of elements of an array."""
    return product(array.shape) if array.shape is not None else UNKNOWN


def length_of(array: Array) -> Dimension:
    """Return the first dimension of an array."""
    return array.dimension(0)
