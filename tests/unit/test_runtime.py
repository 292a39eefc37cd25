import logging
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tenny_lsp.model import runtime

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="Only MLX's Linux wheel has the slow BLAS")

IMPORTS_NO_MLX = (
    "import sys; import tenny_lsp.model.runtime; print([name for name in sys.modules if name.startswith('mlx')])"
)
PREPARES = """
import ctypes, os
before = hasattr(ctypes.CDLL(None), "cblas_sgemm")
from tenny_lsp.model.runtime import prepare
print(prepare().blas, before, hasattr(ctypes.CDLL(None), "cblas_sgemm"), os.environ["MLX_DISABLE_COMPILE"], sep="|")
"""
MEASURES = "from tenny_lsp.model.runtime import measure; print(measure().matmul_gflops > 0, measure().mlx_version)"


@pytest.fixture
def clean_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A Linux machine without a GPU, whose MLX has not been imported and whose cache is empty."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MLX_", "OPENBLAS_"))}
    monkeypatch.setattr(os, "environ", environment)
    monkeypatch.delitem(sys.modules, "mlx.core", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(runtime, "_has_cuda", lambda: False)
    monkeypatch.setattr(runtime, "user_cache_path", lambda name: tmp_path / name)
    return


def prepare_anew() -> runtime.Runtime:
    return runtime.prepare.__wrapped__()


def start_python(program: str, cache: Path) -> "subprocess.Popen[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MLX_", "OPENBLAS_"))}
    environment["XDG_CACHE_HOME"] = str(cache)
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment)


def test_importing_it_imports_no_mlx(tmp_path: Path) -> None:
    output, _ = start_python(IMPORTS_NO_MLX, tmp_path).communicate()
    assert output.strip() == "[]"


@on_linux
def test_two_processes_that_start_at_once_both_get_openblas(tmp_path: Path) -> None:
    processes = [start_python(PREPARES, tmp_path) for _ in range(2)]
    for process in processes:
        output, _ = process.communicate()
        blas, before, after, compiler_off = output.strip().split("|")
        assert blas.startswith("patched scipy-openblas32 ")
        assert (before, after) == ("False", "True")
        assert compiler_off == "1"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["libopenblas.so"]
    assert not list(tmp_path.rglob(".patching-*"))


@on_linux
def test_mlx_works_on_the_patched_library(tmp_path: Path) -> None:
    output, _ = start_python(MEASURES, tmp_path).communicate()
    assert output.split()[0] == "True"


@pytest.mark.parametrize(("machine", "device"), [("arm64", "gpu"), ("x86_64", "cpu")])
def test_nothing_is_done_on_macos(
    clean_process: None, monkeypatch: pytest.MonkeyPatch, machine: str, device: str
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(runtime.platform, "machine", lambda: machine)
    before = dict(os.environ)
    assert prepare_anew() == runtime.Runtime("accelerate", device, None)
    assert os.environ == before


def test_nothing_is_done_with_a_gpu(clean_process: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_has_cuda", lambda: True)
    before = dict(os.environ)
    assert prepare_anew() == runtime.Runtime("unused", "gpu", None)
    assert os.environ == before


def test_the_users_own_compiler_and_thread_settings_stay(clean_process: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_load_blas", lambda: "some BLAS")
    os.environ |= {"MLX_DISABLE_COMPILE": "0", "OPENBLAS_NUM_THREADS": "3"}
    assert prepare_anew() == runtime.Runtime("some BLAS", "cpu", "float32")
    assert (os.environ["MLX_DISABLE_COMPILE"], os.environ["OPENBLAS_NUM_THREADS"]) == ("0", "3")


def test_prepared_too_late_it_says_so(
    clean_process: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "mlx.core", sys)
    assert prepare_anew().blas == "reference"
    assert "imported before" in caplog.text


@on_linux
def test_falls_back_to_the_systems_openblas_when_patching_fails(
    clean_process: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(runtime, "_patchelf", lambda: Path("/bin/false"))
    monkeypatch.setattr(runtime, "_load_globally", loaded.append)
    assert prepare_anew().blas == "system OpenBLAS"
    assert loaded == ["libopenblas.so.0"]
    assert "cannot be used" in caplog.text
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_falls_back_to_the_reference_blas_with_a_warning(
    clean_process: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def missing(library: str) -> None:
        raise OSError(f"{library}: cannot open shared object file")

    monkeypatch.setattr(runtime, "package_version", lambda name: None)
    monkeypatch.setattr(runtime, "_load_globally", missing)
    with caplog.at_level(logging.WARNING):
        assert prepare_anew() == runtime.Runtime("reference", "cpu", "float32")
    assert "install scipy-openblas32" in caplog.text


@pytest.mark.parametrize(("allowed", "quota", "threads"), [(2, 16, 2), (64, 16, 16), (8, 3, 3), (1, 0, 1)])
def test_threads_are_those_the_process_may_use(
    monkeypatch: pytest.MonkeyPatch, allowed: int, quota: int, threads: int
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(allowed)), raising=False)
    monkeypatch.setattr(runtime, "_cpu_quota", lambda: quota)
    assert runtime.thread_count() == threads


@pytest.mark.skipif(sys.platform != "linux" or platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_freed_memory_is_kept_on_a_linux_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "prepare", lambda: runtime.Runtime("system OpenBLAS", "cpu", "float32"))
    assert runtime.keep_freed_memory()

    monkeypatch.setattr(runtime, "prepare", lambda: runtime.Runtime("unused", "gpu", None))
    assert not runtime.keep_freed_memory()


def test_another_c_library_keeps_what_it_likes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "prepare", lambda: runtime.Runtime("system OpenBLAS", "cpu", "float32"))
    monkeypatch.setattr(runtime.ctypes, "CDLL", lambda _: object())

    assert not runtime.keep_freed_memory()
