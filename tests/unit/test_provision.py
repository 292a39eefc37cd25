"""The bootstrap's parts: which Python, which Tenny, which lock, and what becomes of the process."""

import ctypes
import importlib.util
import json
import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import bundle
import interpreters
import job
import pytest
import reports
from locking import Lock

from tests.unit.bootstrapping import SERVER, script

PYTHON = interpreters.running()
no_scripts_on_windows = pytest.mark.skipif(os.name == "nt", reason="the pretended programs are shell scripts")


def pretend(path: Path, version: list[int], implementation: str = "cpython") -> None:
    script(path, f"echo 'a .pth file talks'; echo '{json.dumps([str(path), '/base', version, implementation, 'tos'])}'")


@no_scripts_on_windows
def test_the_newest_suitable_python_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    script(tmp_path / "python3.14", "exit 9")
    script(tmp_path / "python3.13", "echo nonsense")
    pretend(tmp_path / "python3.12", [3, 12, 1], "pypy")
    pretend(tmp_path / "python3", [3, 9, 2])
    with pytest.raises(
        reports.Problem, match=r"CPython 3\.10 or newer, this is cpython .*no other on the PATH"
    ) as caught:
        interpreters.search()
    assert caught.value.exit_code == 4 and "tenny.server.python" in caught.value.next_step

    pretend(tmp_path / "of-uv", [3, 10, 0])
    script(tmp_path / "uv", f'test "$1 $2" = "python find" && echo {tmp_path / "of-uv"}')
    assert interpreters.search().path == str(tmp_path / "of-uv")

    pretend(tmp_path / "python", [3, 15, 0])
    assert interpreters.search() == (str(tmp_path / "python"), "/base", (3, 15, 0), "cpython", "tos")
    pretend(tmp_path / "python3.11", [3, 11, 7])
    assert interpreters.search().tag == "3.11-tos"


def test_this_python_is_described_as_another_would_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreters, "_NAMES", [sys.executable])

    assert interpreters.search() == PYTHON


@pytest.mark.parametrize(("version", "is_accepted"), [("0.1.0", True), ("0.1.9rc1", True), ("0.2.0", False)])
def test_which_installed_tenny_is_good_enough(version: str, is_accepted: bool) -> None:
    assert bundle.Bundle("0.1.3").accepts(version) is is_accepted


GOOD = {"tenny_lsp/__init__.py": '"""Tenny."""\n\n__version__ = "0.1.7"\n', "pygls/__init__.py": ""}


@pytest.mark.parametrize(
    ("files", "command", "is_used"),
    [
        (GOOD, "serve", True),
        (GOOD, "mcp", False),
        ({**GOOD, "mcp/__init__.py": ""}, "mcp", True),
        ({**GOOD, "tenny_lsp/__init__.py": '__version__ = "0.2.0"\n'}, "serve", False),
        ({**GOOD, "tenny_lsp/__init__.py": ""}, "serve", False),
        ({"tenny_lsp/__init__.py": '__version__ = "0.1.7"\n'}, "serve", False),
        ({"tenny_lsp/data/left.toml": "", "pygls/__init__.py": ""}, "serve", False),
        ({}, "serve", False),
    ],
    ids=["as good", "no agents", "agents", "another release", "no version", "source only", "left behind", "nothing"],
)
def test_which_installed_tenny_is_used(files: dict[str, str], command: str, is_used: bool, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / "site" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "site" / name).write_text(text)
    code = f"""if True:
        import sys
        sys.path[:0] = [{str(SERVER)!r}, {str(tmp_path / "site")!r}]
        import bundle, start
        print(start._is_installed(bundle.Bundle("0.1.3"), {command!r}))"""
    done = subprocess.run([getattr(sys, "_base_executable", None) or sys.executable, "-I", "-S", "-c", code], stdout=-1)

    assert done.stdout.decode().strip() == str(is_used)


def test_the_private_environment_can_serve_agents() -> None:
    assert "\nmcp==" in bundle.REQUIREMENTS.read_text("utf-8")


def test_a_checkout_is_its_own_bundle() -> None:
    here = bundle.find()

    assert (here.checkout, here.wheel) == (SERVER.parent, None)
    assert here.version == importlib.import_module("tenny_lsp").__version__


class FakeBytes:
    """``msvcrt``: locks on bytes of files, each a descriptor's own."""

    LK_NBLCK = 2

    def __init__(self) -> None:
        self.held: dict[int, int] = {}

    def locking(self, descriptor: int, mode: int, count: int) -> None:
        first = os.lseek(descriptor, 0, os.SEEK_CUR)
        wanted = range(first, first + count)
        if any(byte in wanted for byte in self.held):
            raise PermissionError(13, "Permission denied")
        self.held |= dict.fromkeys(wanted, descriptor)

    def close(self, descriptor: int) -> None:
        self.held = {byte: holder for byte, holder in self.held.items() if holder != descriptor}


@pytest.fixture(params=["this system", "Windows"])
def lock_class(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The class of locks, of this system or as it is defined on Windows."""
    if request.param == "this system":
        return Lock
    fake = FakeBytes()
    monkeypatch.setitem(sys.modules, "msvcrt", fake)
    monkeypatch.setattr(sys, "platform", "win32")
    spec = importlib.util.spec_from_file_location("locking_on_windows", SERVER / "locking.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    close = os.close
    monkeypatch.setattr(module, "os", types.SimpleNamespace(**vars(os)))
    monkeypatch.setattr(module.os, "close", lambda descriptor: (fake.close(descriptor), close(descriptor)))
    return module.Lock


def test_locks(lock_class: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    alone = lock_class.attempt(path, shared=False)
    alone.write("Installing 40")
    alone.write("Done 5")
    assert (tmp_path / "lock").read_text() == "Done 5"
    assert lock_class.attempt(path, shared=True) is lock_class.attempt(path, shared=False) is None
    alone.release()

    with lock_class.attempt(path, shared=True), lock_class.attempt(path, shared=True):
        assert lock_class.attempt(path, shared=False) is None
    lock_class.attempt(path, shared=False).release()


def test_a_lock_outlives_the_program_in_the_one_it_becomes(tmp_path: Path) -> None:
    code = f"""if True:
        import os, sys
        sys.path.insert(0, {str(SERVER)!r})
        from locking import Lock
        Lock.attempt({str(tmp_path / "lock")!r}, shared=True).keep()
        os.execv(sys.executable, [sys.executable, "-c", "print(1, flush=True); input()"])"""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout and process.stdout.readline()
        assert Lock.attempt(str(tmp_path / "lock"), shared=False) is None
        process.communicate(b"\n")
    Lock.attempt(str(tmp_path / "lock"), shared=False).release()  # type: ignore[union-attr]


@pytest.mark.parametrize("isolation", [[], ["-I"]])
def test_the_server_has_its_folder_on_the_path_and_ours_not(isolation: list[str], tmp_path: Path) -> None:
    (tmp_path / "tenny_lsp").mkdir()
    (tmp_path / "tenny_lsp" / "__init__.py").touch()
    (tmp_path / "tenny_lsp" / "__main__.py").write_text("import json, sys; print(json.dumps([sys.argv[1:], sys.path]))")
    command = [sys.executable, *isolation, SERVER / "run_server.py", tmp_path, "serve"]

    arguments, path = json.loads(subprocess.run(command, stdout=subprocess.PIPE, cwd=tmp_path.parent).stdout)

    assert arguments == ["serve"] and path[0] == str(tmp_path)
    assert not {str(SERVER), str(tmp_path.parent), ""} & set(path)


def test_where_no_process_can_become_another_its_end_is_forwarded() -> None:
    code = f"""if True:
        import sys
        sys.path.insert(0, {str(SERVER)!r})
        from become import _run_inside
        sys.exit(_run_inside([sys.executable, "-c", "print(input()); exit(7)"], {{}}))"""
    done = subprocess.run([sys.executable, "-c", code], input=b"heard\n", stdout=subprocess.PIPE)

    assert (done.returncode, done.stdout.strip()) == (7, b"heard")


@pytest.mark.skipif(ctypes.sizeof(ctypes.c_void_p) != 8, reason="the size on 64 bits")
def test_the_jobs_limits_are_as_large_as_windows_has_them() -> None:
    assert ctypes.sizeof(job._Limits) == 144
