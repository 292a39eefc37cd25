"""How many threads OpenBLAS works on: one, where products are small."""

import contextlib
import ctypes
import sys
from collections.abc import Iterator

#: What the wheel's OpenBLAS and a system's call the same functions.
_PREFIXES = ("scipy_openblas_", "openblas_")


@contextlib.contextmanager
def on_one_thread() -> Iterator[None]:
    """Has OpenBLAS work on one thread meanwhile, where it is loaded.

    Products of a few rows are over before a second thread has begun; on a busy machine, waiting for it made them ten
    times as slow. What MLX is to compute there must be evaluated there.
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
