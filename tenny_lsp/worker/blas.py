"""Multiply numpy's matrices with the OpenBLAS that is loaded in this process, which MLX uses, too.

A single row goes to ``sgemv``: ``sgemm`` packs a matrix before it multiplies, which then takes as long as the product.
numpy's own products would run on another OpenBLAS, whose threads ``tenny_lsp.worker.threads`` does not set.
"""

import ctypes

import numpy as np
import numpy.typing as npt

from tenny_lsp.worker.openblas import products

Matrix = npt.NDArray[np.float32]

#: CBLAS's numbers for matrices that lie row by row, and for their use as they lie or transposed.
_BY_ROWS, _AS_IT_LIES, _TRANSPOSED = 101, 111, 112
_ONE, _ZERO = ctypes.c_float(1), ctypes.c_float(0)


def multiply(left: Matrix, right: Matrix) -> Matrix:
    """Return ``left @ right``, ``(M, N) float32``. Call it only where `tenny_lsp.worker.openblas.products` are found.

    Args:
        left (Matrix): ``(M, K) float32``.
        right (Matrix): ``(K, N) float32``, whose rows or whose columns are contiguous.
    """
    functions = products()
    assert functions is not None and left.dtype == right.dtype == np.float32
    assert left.shape[1] == right.shape[0] and right.itemsize in right.strides
    sgemm, sgemv = functions
    left = np.ascontiguousarray(left)
    (rows, inner), columns = left.shape, right.shape[1]
    product = np.empty((rows, columns), np.float32)
    by_rows = right.strides[1] == right.itemsize
    stored, stride = (right, right.strides[0]) if by_rows else (right.T, right.strides[1])
    x, y = _address(left), _address(product)
    matrix, leading = _address(right), stride // right.itemsize
    if rows == 1:
        order = _TRANSPOSED if by_rows else _AS_IT_LIES
        sgemv(_BY_ROWS, order, *stored.shape, _ONE, matrix, leading, x, 1, _ZERO, y, 1)
    else:
        order = _AS_IT_LIES if by_rows else _TRANSPOSED
        sizes = (rows, columns, inner)
        sgemm(_BY_ROWS, _AS_IT_LIES, order, *sizes, _ONE, x, inner, matrix, leading, _ZERO, y, columns)
    return product


def _address(array: Matrix) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
