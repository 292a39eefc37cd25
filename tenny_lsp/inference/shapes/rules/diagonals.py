"""Rules of padding, slices of a given size, diagonals and triangles."""

from typing import Any

from tenny_lsp.inference.shapes.broadcasting import axes_of, axis_of, number_of, operand, unknowns
from tenny_lsp.inference.shapes.dimension import UNKNOWN, Dimension, add, is_at_least, subtract
from tenny_lsp.inference.shapes.rule import Value, both, core, rule
from tenny_lsp.inference.shapes.rules.reductions import widened
from tenny_lsp.inference.shapes.values import Array, Dtype, ShapeError, is_int, shape_of


@rule("mlx.core.pad")
def pad(a: Any, pad_width: Any, mode: Any = "constant", constant_values: Any = 0) -> Value:
    """Each dimension with its padding at both ends."""
    found = operand(a)
    if found.shape is None:
        return found
    widths = _widths(pad_width, len(found.shape))
    if widths is None:
        return Array(unknowns(len(found.shape)), found.dtype)
    shape = tuple(
        add(dimension, add(before, after)) for dimension, (before, after) in zip(found.shape, widths, strict=True)
    )
    return Array(shape, found.dtype)


def _widths(given: Value, ndim: int) -> list[tuple[Dimension, Dimension]] | None:
    if is_int(given):
        return [(number_of(given), number_of(given))] * ndim
    if not isinstance(given, tuple) or not given:
        return None
    if len(given) == 1 and is_int(given[0]):
        return [(number_of(given[0]), number_of(given[0]))] * ndim
    if len(given) == 2 and all(is_int(width) for width in given):
        return [(number_of(given[0]), number_of(given[1]))] * ndim
    pairs = [pair if isinstance(pair, tuple) else (pair, pair) for pair in given]
    if not all(len(pair) == 2 and all(is_int(width) for width in pair) for pair in pairs):
        return None
    if len(pairs) == 1:
        pairs *= ndim
    if len(pairs) != ndim:
        raise ShapeError(f"{len(pairs)} pairs of widths are given for an array of {ndim} dimensions")
    return [(number_of(before), number_of(after)) for before, after in pairs]


@rule("mlx.core.flip")
def flip(a: Any, axis: Any = None) -> Value:
    """The array as it is."""
    axes_of(axis, operand(a).ndim)
    return operand(a)


@rule("mlx.core.roll")
def roll(a: Any, shift: Any, axis: Any = None) -> Value:
    """The array as it is."""
    axes_of(axis, operand(a).ndim)
    return operand(a)


@rule("mlx.core.slice")
def slice_(a: Any, start_indices: Any, axes: Any, slice_size: Any) -> Value:
    """The size asked for."""
    return Array(shape_of(slice_size), operand(a).dtype)


@rule("mlx.core.slice_update")
def slice_update(a: Any, update: Any, start_indices: Any, axes: Any) -> Value:
    """The array as it is."""
    return operand(a)


@rule(*both("diagonal"))
def diagonal(a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Value:
    """The two axes taken out, and the length of the diagonal at the end."""
    found = operand(a)
    if found.shape is None:
        return found
    if len(found.shape) < 2:
        raise ShapeError("An array of less than two dimensions has no diagonal")
    one, other = axis_of(axis1, len(found.shape)), axis_of(axis2, len(found.shape))
    if one is None or other is None:
        return Array(unknowns(len(found.shape) - 1), found.dtype)
    rest = tuple(dimension for i, dimension in enumerate(found.shape) if i not in (one, other))
    return Array((*rest, diagonal_length(found.shape[one], found.shape[other], offset)), found.dtype)


def diagonal_length(rows: Dimension, columns: Dimension, offset: Value) -> Dimension:
    """Return the number of elements of a diagonal of a matrix."""
    if not isinstance(offset, int):
        return UNKNOWN
    if offset > 0:
        columns = subtract(columns, offset)
    else:
        rows = add(rows, offset)
    if isinstance(rows, int) and isinstance(columns, int):
        return max(0, min(rows, columns))
    if offset == 0 and is_at_least(rows, columns):
        return columns
    return rows if offset == 0 and is_at_least(columns, rows) else UNKNOWN


@rule(*both("diag"))
def diag(a: Any, k: Any = 0) -> Value:
    """Of a vector the matrix with that diagonal; of a matrix the diagonal."""
    found = operand(a)
    if found.shape is None or len(found.shape) not in (1, 2):
        return Array(None, found.dtype)
    if len(found.shape) == 2:
        return diagonal(a, k)
    size = add(found.shape[0], abs(k)) if isinstance(k, int) else UNKNOWN
    return Array((size, size), found.dtype)


@rule("mlx.core.trace")
def trace(a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1, dtype: Any = None) -> Value:
    """The sum of a diagonal."""
    found = diagonal(a, offset, axis1, axis2)
    kind = widened(found.dtype)
    if dtype is not None:
        kind = widened(dtype.name) if isinstance(dtype, Dtype) else None
    return Array(found.shape[:-1] if found.shape is not None else None, kind)


@rule(*core("tril triu"))
def triangle(x: Any, k: Any = 0) -> Value:
    """The array as it is."""
    return operand(x)
