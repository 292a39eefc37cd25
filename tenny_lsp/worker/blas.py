"""Multiply numpy's matrices with the OpenBLAS that is loaded in this process, which MLX uses, too.

A single row goes to ``sgemv``: ``sgemm`` packs a matrix before it multiplies, which then takes as long as the product.
numpy's own products would run on another OpenBLAS, whose threads ``tenny_lsp.worker.threads`` does not set.
"""

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]

#: Pairs of names, in the wheel's OpenBLAS, where ``model/runtime`` renames what MLX calls, and in a system's.
_NAMES = (("cblas_sgemm", "scipy_cblas_sgemv"), ("cblas_sgemm", "cblas_sgemv"))
#: CBLAS's numbers for matrices that lie row by row, and for their use as they lie or transposed.
_BY_ROWS, _AS_IT_LIES, _TRANSPOSED = 101, 111, 112
_ONE, _ZERO = ctypes.c_float(1), ctypes.c_float(0)


def is_loaded() -> bool:
    """Return whether `multiply` can be used."""
    return _functions() is not None


def multiply(left: Matrix, right: Matrix) -> Matrix:
    """Return ``left @ right``, ``(M, N) float32``.

    Args:
        left (Matrix): ``(M, K) float32``.
        right (Matrix): ``(K, N) float32``, whose rows or whose columns are contiguous.
    """
    functions = _functions()
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


@cache
def _functions() -> tuple[Callable[..., Any], Callable[..., Any]] | None:
    """Return ``sgemm`` and ``sgemv`` of the OpenBLAS in this process. ``None``: there is none."""
    symbols = ctypes.CDLL(None) if sys.platform == "linux" else None
    for names in _NAMES:
        if all(hasattr(symbols, name) for name in names):
            sgemm, sgemv = (getattr(symbols, name) for name in names)
            return sgemm, sgemv
    return None
