"""Limit OpenBLAS's threads to as many as help: one where matrix products are small, or the machine is busy.

Two threads that share a product wait for each other: where another process keeps one core busy, each product of a
few rows then takes ten times as long as on one thread. Only a measurement tells.
"""

import ctypes
import sys
import time
from collections.abc import Callable

import mlx.core as mx

#: The prefixes of the same functions in the wheel's OpenBLAS and in a system's.
_PREFIXES = ("scipy_openblas_", "openblas_")
#: What is measured: a batch of eight rows and a layer of a small model, ``(8, K) @ (K, N)``.
_ROWS, _IN, _OUT = 8, 576, 1536
_REPEATS = 10
#: A choice holds for so long.
_VALID_S = 0.5


class BlasThreads:
    """The number of OpenBLAS's threads; does nothing where OpenBLAS is not loaded.

    Args:
        set_count (Callable[[int], None] | None): Sets it. ``None``: there is no OpenBLAS.
        most (int): The number to start with, and the most that are used.
        clock (Callable[[], float]): Returns seconds.
    """

    def __init__(
        self,
        set_count: Callable[[int], None] | None,
        most: int,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._set_count = set_count
        self._most = most
        self._clock = clock
        self._chosen_s = -_VALID_S
        self._probe: tuple[mx.array, mx.array] | None = None

    def use_one(self) -> None:
        """Use one thread from now on."""
        if self._set_count is not None:
            self._set_count(1)

    def adapt(self) -> None:
        """Use as many threads as are fastest now; measured again half a second after the last time."""
        if self._set_count is None or self._most == 1 or self._clock() - self._chosen_s < _VALID_S:
            return
        one_s = self._products_s(1, float("inf"))
        is_slower = self._products_s(self._most, one_s) >= one_s
        self._set_count(1 if is_slower else self._most)
        self._chosen_s = self._clock()

    def _products_s(self, count: int, limit_s: float) -> float:
        """Return the time of some products on ``count`` threads, which stay in use.

        It ends when the limit is reached: where threads wait for each other, a single product may take 40 ms.
        """
        assert self._set_count is not None
        self._set_count(count)
        if self._probe is None:
            self._probe = mx.ones((_ROWS, _IN)), mx.ones((_IN, _OUT))
            mx.eval(self._probe)
        left, right = self._probe
        taken_s = 0.0
        for _ in range(_REPEATS):
            start_s = self._clock()
            mx.eval(left @ right)
            taken_s += self._clock() - start_s
            if taken_s >= limit_s:
                break
        return taken_s


def blas_threads() -> BlasThreads:
    """Return the threads of the OpenBLAS that is loaded in this process."""
    symbols = ctypes.CDLL(None) if sys.platform == "linux" else None
    prefix = next((prefix for prefix in _PREFIXES if hasattr(symbols, f"{prefix}set_num_threads")), None)
    if prefix is None:
        return BlasThreads(None, 1)
    return BlasThreads(getattr(symbols, f"{prefix}set_num_threads"), getattr(symbols, f"{prefix}get_num_threads")())
