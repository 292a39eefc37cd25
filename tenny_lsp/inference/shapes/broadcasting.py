"""What all rules share: operands, broadcasting, and axes."""

from itertools import zip_longest

from tenny_lsp.inference.shapes.dimension import UNKNOWN, Dimension, Unknown
from tenny_lsp.inference.shapes.rule import Value
from tenny_lsp.inference.shapes.values import (
    Array,
    Shape,
    ShapeError,
    dimension_of,
    is_number,
    promote,
    promote_all,
    scalar_dtype,
    shape_text,
)


def broadcast(*shapes: Shape | None) -> Shape | None:
    """Return the shape to which shapes are broadcast.

    Raises:
        ShapeError: They cannot be.
    """
    result: Shape | None = ()
    for shape in shapes:
        result = _broadcast_two(result, shape) if result is not None and shape is not None else None
    return result


def _broadcast_two(one: Shape, other: Shape) -> Shape:
    pairs = zip_longest(reversed(one), reversed(other), fillvalue=1)
    try:
        return tuple(broadcast_dimensions(left, right) for left, right in pairs)[::-1]
    except ShapeError:
        message = f"Shapes {shape_text(one)} and {shape_text(other)} cannot be broadcast"
        raise ShapeError(message) from None


def broadcast_dimensions(one: Dimension, other: Dimension) -> Dimension:
    """Return the dimension to which two are broadcast: what is not 1, where one is certain to be."""
    if isinstance(one, int) and isinstance(other, int):
        if 1 not in (one, other) and one != other:
            raise ShapeError(f"{one} and {other} cannot be broadcast")
        return other if one == 1 else one
    for left, right in ((one, other), (other, one)):
        if isinstance(left, int):
            return right if left == 1 else left
    return one if one == other else UNKNOWN


def same(one: Dimension, other: Dimension, message: str) -> Dimension:
    """Return the one dimension that two must be, as the text that is known best.

    Raises:
        ShapeError: They are two different numbers.
    """
    if isinstance(one, int) and isinstance(other, int) and one != other:
        raise ShapeError(message)
    if isinstance(one, Unknown):
        return other
    return other if isinstance(other, int) else one


def operand(value: Value) -> Array:
    """Return an operand as an array: a number is one without dimensions, with the dtype that it has alone."""
    if isinstance(value, Array):
        return value
    return Array((), scalar_dtype(value)) if is_number(value) else Array()


def operands(*values: Value) -> tuple[Shape | None, str | None]:
    """Return the shape and dtype of an operation on arrays and numbers; numbers take the dtype of the arrays.

    Raises:
        ShapeError: They cannot be broadcast.
    """
    shape = broadcast(*(operand(value).shape for value in values))
    if all(is_number(value) for value in values):
        return shape, promote_all(scalar_dtype(value) for value in values)
    arrays = [value for value in values if not is_number(value)]
    dtype = promote_all(operand(value).dtype for value in arrays)
    for value in values:
        if is_number(value):
            dtype = _beside(dtype, value)
    return shape, dtype


def _beside(dtype: str | None, number: Value) -> str | None:
    """Return the dtype of an operation on an array of a dtype and a number."""
    if dtype is not None:
        found = scalar_dtype(number, dtype)
        return promote(dtype, found)
    return "complex64" if scalar_dtype(number) == "complex64" else None


def axis_of(value: Value, ndim: int | None) -> int | None:
    """Return an axis, counted from the front; None where it is unknown.

    Raises:
        ShapeError: It is out of range.
    """
    if not isinstance(value, int) or isinstance(value, bool) or ndim is None:
        return None
    if not -ndim <= value < ndim:
        raise ShapeError(f"Axis {value} is out of range for an array of {ndim} dimensions")
    return value % ndim


def axes_of(value: Value, ndim: int | None) -> tuple[int, ...] | None:
    """Return axes, given as an integer, a tuple, or None for all; None where they are unknown.

    Raises:
        ShapeError: One is out of range.
    """
    if ndim is None:
        return None
    if value is None:
        return tuple(range(ndim))
    found = [axis_of(axis, ndim) for axis in (value if isinstance(value, tuple) else (value,))]
    known = tuple(axis for axis in found if axis is not None)
    return known if len(known) == len(found) else None


def unknowns(ndim: int | None) -> Shape | None:
    """Return a shape of which only the number of dimensions is known, if that is."""
    return None if ndim is None else (UNKNOWN,) * ndim


def flag(value: Value) -> bool | None:
    """Return a boolean argument; None where it is unknown."""
    if isinstance(value, bool):
        return value
    return bool(value) if isinstance(value, int) else None


def with_dimension(shape: Shape, axis: int, dimension: Dimension) -> Shape:
    """Return a shape with one dimension replaced."""
    return (*shape[:axis], dimension, *shape[axis + 1 :])


def number_of(value: Value) -> Dimension:
    """Return an integer argument as a dimension."""
    return dimension_of(value)
