"""Limit OpenBLAS to one thread where matrix products are small."""

import contextlib
import ctypes
import sys
from collections.abc import Iterator

#: The prefixes of the same functions in the wheel's OpenBLAS and in a system's.
_PREFIXES = ("scipy_openblas_", "openblas_")


@contextlib.contextmanager
def on_one_thread() -> Iterator[None]:
    """Limit OpenBLAS, where it is loaded, to one thread inside of the ``with`` block.

    Products of a few rows end before a second thread has begun; on a busy machine, waiting for it made them ten times
    as slow. MLX computes lazily: evaluate inside of the block.
    """
    symbols = ctypes.CDLL(None) if sys.platform == "linux" else None
    prefix = next((prefix for prefix in _PREFIXES if hasattr(symbols, f"{prefix}set_num_threads")), None)
    if prefix is None:
        yield
        return
    before: int = getattr(symbols, f"{prefix}get_num_threads")()
    change = getattr(symbols, f"{prefix}set_num_threads")
    change(1)
    try:
        yield
    finally:
        change(before)
