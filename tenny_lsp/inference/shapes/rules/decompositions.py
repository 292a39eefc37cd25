"""Rules of ``mlx.core.linalg``: inverses, factors, eigenvalues, norms."""

from typing import Any

from tenny_lsp.inference.shapes.broadcasting import operand
from tenny_lsp.inference.shapes.dimension import UNKNOWN, Dimension
from tenny_lsp.inference.shapes.rule import Value, core, rule
from tenny_lsp.inference.shapes.rules.reductions import reduced
from tenny_lsp.inference.shapes.values import Array, at_least_float, promote


@rule(*core("linalg.inv linalg.pinv linalg.cholesky linalg.cholesky_inv linalg.tri_inv"))
def inverse(a: Any, upper: Any = False) -> Value:
    """Matrices of the same size."""
    return operand(a)


@rule("mlx.core.linalg.solve")
def solve(a: Any, b: Any) -> Value:
    """The shape of the right-hand side."""
    return Array(None, promote(operand(a).dtype, operand(b).dtype))


@rule("mlx.core.linalg.solve_triangular")
def solve_triangular(a: Any, b: Any, upper: Any = False) -> Value:
    """The shape of the right-hand side."""
    return Array(None, promote(operand(a).dtype, operand(b).dtype))


@rule(*core("linalg.norm matrix_norm"))
def norm(a: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Value:
    """Reduced; whole numbers become ``float32``."""
    found = operand(a)
    dtype = "float32" if found.dtype == "complex64" else at_least_float(found.dtype)
    if isinstance(ord, str) and found.dtype == "complex64":
        dtype = None
    return Array(reduced(found.shape, axis, keepdims), dtype)


@rule(*core("linalg.eigvals linalg.eigvalsh"))
def eigenvalues(a: Any, UPLO: Any = "L") -> Value:
    """The matrices without their last dimension."""
    shape = operand(a).shape
    return Array(shape[:-1] if shape is not None else None, None)


@rule(*core("linalg.eig linalg.eigh"))
def eigen(a: Any, UPLO: Any = "L") -> Value:
    """The values, and the vectors."""
    return eigenvalues(a), Array(operand(a).shape, None)


@rule("mlx.core.linalg.qr")
def qr(a: Any) -> Value:
    """Both factors."""
    found = operand(a)
    if found.shape is None or len(found.shape) < 2:
        return Array(None, found.dtype), Array(None, found.dtype)
    *outer_shape, rows, columns = found.shape
    inner_size: Dimension = rows if rows == columns else UNKNOWN
    if isinstance(rows, int) and isinstance(columns, int):
        inner_size = min(rows, columns)
    return Array((*outer_shape, rows, inner_size), found.dtype), Array((*outer_shape, inner_size, columns), found.dtype)


@rule("mlx.core.linalg.cross")
def cross(a: Any, b: Any, axis: Any = -1) -> Value:
    """Unknown but for being an array."""
    return Array(None, promote(operand(a).dtype, operand(b).dtype))


@rule("mlx.core.linalg.det")
def det(a: Any) -> Value:
    """The matrices without their last two dimensions."""
    shape = operand(a).shape
    return Array(shape[:-2] if shape is not None else None, at_least_float(operand(a).dtype))


@rule("mlx.core.linalg.slogdet")
def slogdet(a: Any) -> Value:
    """Signs and logarithms."""
    found = det(a)
    return Array(found.shape, None), Array(found.shape, None)


@rule("mlx.core.linalg.svd")
def svd(a: Any, compute_uv: Any = True) -> Value:
    """The three factors, or the values alone."""
    shape = operand(a).shape
    if shape is None or len(shape) < 2 or not isinstance(compute_uv, bool):
        return UNKNOWN
    *outer_shape, rows, columns = shape
    size = min(rows, columns) if isinstance(rows, int) and isinstance(columns, int) else UNKNOWN
    values = Array((*outer_shape, size), operand(a).dtype)
    if not compute_uv:
        return values
    return (
        Array((*outer_shape, rows, rows), values.dtype),
        values,
        Array((*outer_shape, columns, columns), values.dtype),
    )


@rule("mlx.core.linalg.lu_factor")
def lu_factor(a: Any) -> Value:
    """The packed factors, and the pivots."""
    shape = operand(a).shape
    return Array(shape, operand(a).dtype), Array(None, "uint32")


@rule("mlx.core.linalg.lu")
def lu(a: Any) -> Value:
    """Three arrays."""
    return Array(), Array(), Array()
