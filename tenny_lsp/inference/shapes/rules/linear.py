"""Rules of products: matmul, einsum, tensordot, and the products with quantised, masked or chosen matrices."""

from typing import Any

from tenny_lsp.inference.shapes.broadcasting import axes_of, broadcast, operand, same, unknowns
from tenny_lsp.inference.shapes.dimension import UNKNOWN, Dimension, multiply, product
from tenny_lsp.inference.shapes.rule import Value, rule
from tenny_lsp.inference.shapes.values import (
    Array,
    Shape,
    ShapeError,
    at_least_float,
    promote,
    promote_all,
    shape_text,
)


def product_shape(a: Shape | None, b: Shape | None) -> Shape | None:
    """Return the shape of a matrix product.

    Raises:
        ShapeError: The inner dimensions differ, or one has no dimensions.
    """
    if () in (a, b):
        raise ShapeError("An array without dimensions cannot be multiplied as a matrix")
    if a is None or b is None:
        return None
    one = (1, *a) if len(a) == 1 else a
    other = (*b, 1) if len(b) == 1 else b
    same(
        one[-1],
        other[-2],
        f"Shapes {shape_text(a)} and {shape_text(b)} cannot be multiplied: {one[-1]} is not {other[-2]}",
    )
    outer = broadcast(one[:-2], other[:-2]) or ()
    rows = () if len(a) == 1 else (one[-2],)
    columns = () if len(b) == 1 else (other[-1],)
    return outer + rows + columns


@rule("mlx.core.matmul")
def matmul(a: Any, b: Any) -> Value:
    """The outer dimensions broadcast, then rows and columns."""
    one, other = operand(a), operand(b)
    return Array(product_shape(one.shape, other.shape), at_least_float(promote(one.dtype, other.dtype)))


@rule("mlx.core.addmm")
def addmm(c: Any, a: Any, b: Any, alpha: Any = 1.0, beta: Any = 1.0) -> Value:
    """The matrix product; what is added is broadcast to it."""
    found = matmul(a, b)
    return Array(broadcast(found.shape, operand(c).shape), promote(found.dtype, operand(c).dtype))


@rule("mlx.core.inner")
def inner(a: Any, b: Any) -> Value:
    """The products over the last dimensions of both."""
    one, other = operand(a), operand(b)
    dtype = at_least_float(promote(one.dtype, other.dtype))
    if () in (one.shape, other.shape):
        return Array(one.shape if other.shape == () else other.shape, promote(one.dtype, other.dtype))
    if one.shape is None or other.shape is None:
        return Array(None, dtype)
    same(one.shape[-1], other.shape[-1], f"The last dimensions differ: {one.shape[-1]} and {other.shape[-1]}")
    return Array(one.shape[:-1] + other.shape[:-1], dtype)


@rule("mlx.core.outer")
def outer(a: Any, b: Any) -> Value:
    """All products of the elements of both."""
    one, other = operand(a), operand(b)
    return Array((_size(one), _size(other)), promote(one.dtype, other.dtype))


def _size(array: Array) -> Dimension:
    return product(array.shape) if array.shape is not None else UNKNOWN


@rule("mlx.core.vecdot")
def vecdot(a: Any, b: Any, axis: Any = -1) -> Value:
    """Unknown but for the number of dimensions."""
    return Array(None, None)


@rule("mlx.core.kron")
def kron(a: Any, b: Any) -> Value:
    """Each dimension multiplied by that of the other."""
    one, other = operand(a), operand(b)
    dtype = promote(one.dtype, other.dtype)
    if one.shape is None or other.shape is None:
        return Array(None, dtype)
    ndim = max(len(one.shape), len(other.shape))
    pairs = zip(*((1,) * (ndim - len(shape)) + shape for shape in (one.shape, other.shape)), strict=True)
    return Array(tuple(multiply(left, right) for left, right in pairs), dtype)


@rule("mlx.core.tensordot")
def tensordot(a: Any, b: Any, axes: Any = 2) -> Value:
    """The dimensions that are not summed over, of both."""
    one, other = operand(a), operand(b)
    dtype = at_least_float(promote(one.dtype, other.dtype))
    if one.shape is None or other.shape is None:
        return Array(None, dtype)
    if isinstance(axes, int) and not isinstance(axes, bool):
        if not 0 <= axes <= min(len(one.shape), len(other.shape)):
            return Array(None, dtype)
        left = tuple(range(len(one.shape) - axes, len(one.shape)))
        right = tuple(range(axes))
    elif isinstance(axes, tuple) and len(axes) == 2 and all(isinstance(part, tuple) for part in axes):
        if len(axes[0]) != len(axes[1]):
            raise ShapeError("The axes to sum over differ in number")
        first, second = axes_of(axes[0], len(one.shape)), axes_of(axes[1], len(other.shape))
        if first is None or second is None:
            return Array(unknowns(len(one.shape) + len(other.shape) - 2 * len(axes[0])), dtype)
        left, right = first, second
    else:
        return Array(None, dtype)
    for i, j in zip(left, right, strict=True):
        same(one.shape[i], other.shape[j], f"{one.shape[i]} is not {other.shape[j]}")
    rest = tuple(d for i, d in enumerate(one.shape) if i not in left)
    return Array(rest + tuple(d for j, d in enumerate(other.shape) if j not in right), dtype)


@rule("mlx.core.einsum")
def einsum(subscripts: Any, *operands: Any) -> Value:
    """The dimensions that the subscripts name on the right."""
    found = [operand(value) for value in operands]
    dtype = at_least_float(promote_all(array.dtype for array in found)) if len(found) > 1 else None
    if not isinstance(subscripts, str) or "." in subscripts:
        return Array(None, dtype)
    text = subscripts.replace(" ", "")
    left, arrow, right = text.partition("->")
    inputs = left.split(",")
    if len(inputs) != len(found):
        raise ShapeError(f"{len(inputs)} operands are named, {len(found)} are given")
    sizes: dict[str, Dimension] = {}
    for letters, array in zip(inputs, found, strict=True):
        shape = array.shape if array.shape is not None else (UNKNOWN,) * len(letters)
        if len(shape) != len(letters):
            raise ShapeError(f"'{letters}' names {len(letters)} dimensions of an array that has {len(shape)}")
        for letter, size in zip(letters, shape, strict=True):
            before = sizes.get(letter, 1)
            sizes[letter] = _of_letter(before, size) if letter in sizes else size
    if not arrow:
        right = "".join(sorted(letter for letter in sizes if left.count(letter) == 1))
    if any(letter not in sizes for letter in right):
        raise ShapeError("A dimension on the right is not named on the left")
    return Array(tuple(sizes[letter] for letter in right), dtype)


def _of_letter(one: Dimension, other: Dimension) -> Dimension:
    if isinstance(one, int) and isinstance(other, int):
        if one == 1 or other == 1:
            return max(one, other)
        return same(one, other, f"One name stands for dimensions of {one} and {other}")
    if one == other:
        return one
    for left, right in ((one, other), (other, one)):
        if isinstance(left, int) and left != 1:
            return left
        if left == 1:
            return right
    return UNKNOWN


@rule("mlx.core.einsum_path")
def einsum_path(subscripts: Any, *operands: Any) -> Value:
    """No array."""
    return UNKNOWN


@rule("mlx.core.hadamard_transform")
def hadamard_transform(a: Any, scale: Any = None) -> Value:
    """The shape as it is; whole numbers become ``float32``."""
    found = operand(a)
    return Array(found.shape, at_least_float(found.dtype))


@rule("mlx.core.convolve")
def convolve(a: Any, v: Any, mode: Any = "full") -> Value:
    """One dimension, by the mode."""
    one, other = operand(a), operand(v)
    if one.shape is None or other.shape is None or len(one.shape) != 1 or len(other.shape) != 1:
        return Array((UNKNOWN,), None)
    n, m = one.shape[0], other.shape[0]
    size: Dimension = UNKNOWN
    if isinstance(n, int) and isinstance(m, int) and n and m:
        size = {"full": n + m - 1, "same": max(n, m), "valid": max(n, m) - min(n, m) + 1}.get(str(mode), UNKNOWN)
    return Array((size,), None)


@rule("mlx.core.block_masked_mm")
def block_masked_mm(a: Any, b: Any, *_: Any, **__: Any) -> Value:
    """The matrix product."""
    return matmul(a, b)


@rule("mlx.core.gather_mm")
def gather_mm(a: Any, b: Any, lhs_indices: Any = None, rhs_indices: Any = None, sorted_indices: Any = False) -> Value:
    """The chosen matrices multiplied: the indices broadcast, then rows and columns."""
    one, other = operand(a), operand(b)
    dtype = at_least_float(promote(one.dtype, other.dtype))
    if lhs_indices is None and rhs_indices is None:
        return matmul(a, b)
    if one.shape is None or other.shape is None or len(one.shape) < 2 or len(other.shape) < 2:
        return Array(None, dtype)
    left = one.shape[:-2] if lhs_indices is None else operand(lhs_indices).shape
    right = other.shape[:-2] if rhs_indices is None else operand(rhs_indices).shape
    outer_shape = broadcast(left, right)
    same(one.shape[-1], other.shape[-2], f"The inner dimensions differ: {one.shape[-1]} and {other.shape[-2]}")
    return Array((*outer_shape, one.shape[-2], other.shape[-1]) if outer_shape is not None else None, dtype)


@rule("mlx.core.segmented_mm")
def segmented_mm(a: Any, b: Any, segments: Any) -> Value:
    """A product for each segment."""
    one, other, parts = operand(a), operand(b), operand(segments)
    dtype = at_least_float(promote(one.dtype, other.dtype))
    if one.ndim != 2 or other.ndim != 2 or parts.shape is None or not parts.shape:
        return Array(None, dtype)
    return Array((*parts.shape[:-1], one.dimension(0), other.dimension(1)), dtype)
