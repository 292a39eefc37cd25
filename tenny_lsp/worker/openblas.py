"""Find the functions of the OpenBLAS that is loaded in this process: the wheel's, or a system's."""

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

#: The names of ``sgemm`` and ``sgemv``. In the wheel's, ``model/runtime`` renames only what MLX calls.
_PRODUCTS = (("cblas_sgemm", "scipy_cblas_sgemv"), ("cblas_sgemm", "cblas_sgemv"))


@cache
def products() -> tuple[Callable[..., Any], Callable[..., Any]] | None:
    """Return CBLAS's ``sgemm`` and ``sgemv``. ``None``: no OpenBLAS is loaded."""
    symbols = ctypes.CDLL(None) if sys.platform == "linux" else None
    for names in _PRODUCTS:
        if all(hasattr(symbols, name) for name in names):
            sgemm, sgemv = (getattr(symbols, name) for name in names)
            return sgemm, sgemv
    return None
