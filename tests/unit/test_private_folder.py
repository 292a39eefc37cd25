"""Where a user's processes find each other, what tells workers apart, and who holds a lock."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tenny_lsp.model import peer, private_folder, shared
from tenny_lsp.model.locking import locked

FOLDER = private_folder.private_folder


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with TemporaryDirectory(prefix="run-") as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        yield Path(folder)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the variable is not asked")
def test_it_is_this_users_alone(runtime: Path) -> None:
    found = FOLDER("a.sock")

    assert found == FOLDER("a.sock") == runtime / "tenny-lsp"
    assert found.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the variable is not asked")
def test_a_path_that_is_too_long_for_a_socket_is_passed_over(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime / ("x" * 100)))
    monkeypatch.setattr("tempfile.tempdir", str(runtime))

    assert FOLDER("a.sock") == runtime / f"tenny-lsp-{os.geteuid()}"
    with pytest.raises(OSError, match="too long"):
        FOLDER("a" * 100)


@pytest.mark.parametrize("fault", ["mode", "owner", "link", "file", "above is anybodys", "above is somebodys"])
def test_a_folder_that_others_may_change_is_refused(
    runtime: Path, fault: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = FOLDER("a.sock")
    if fault == "mode":
        folder.chmod(0o750)
    elif fault == "link":
        folder.rmdir()
        folder.symlink_to(tmp_path)
    elif fault == "file":
        folder.rmdir()
        folder.touch(0o700)
    elif fault == "above is anybodys":
        runtime.chmod(0o777)
    else:
        above, own = Path.stat(runtime), Path.lstat(folder)
        stranger = os.stat_result((own.st_mode, 0, 0, 0, 12345, 0, 0, 0, 0, 0))
        monkeypatch.setattr(Path, "lstat", lambda self: stranger if fault == "owner" else own)
        fake = os.stat_result((above.st_mode, 0, 0, 0, 12345, 0, 0, 0, 0, 0))
        if fault != "owner":
            monkeypatch.setattr(Path, "stat", lambda self, **_: fake)
            monkeypatch.setattr(Path, "mkdir", lambda self, **_: None)
    with pytest.raises(OSError, match=r"not a folder of this user|belongs to somebody|File exists"):
        private_folder._make(folder)


def test_both_ends_of_a_socket_know_whose_the_other_is() -> None:
    one, two = socket.socketpair(socket.AF_UNIX)
    with one, two:
        assert peer.peer_uid(one) == peer.peer_uid(two) == os.geteuid()


def test_a_lock_is_held_by_one_and_not_inherited(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    with locked(path, 1) as file:
        assert not os.get_inheritable(file)
        sleeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False)
        with pytest.raises(OSError, match="has been locked"), locked(path, 0.1):
            pass
    with locked(path, 1):
        pass
    sleeper.communicate(b"\n")


@pytest.mark.parametrize("change", ["command", "version", "wire", "environment", "base"])
def test_workers_that_differ_have_different_names(change: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    command = ["python"]
    before = shared._name(command, tmp_path)
    assert shared._name(["python"], tmp_path) == before
    if change == "command":
        command.append("--other")
    elif change == "version":
        monkeypatch.setattr(shared, "__version__", "99")
    elif change == "wire":
        monkeypatch.setattr(shared.wire, "VERSION", 99)
    elif change == "environment":
        monkeypatch.setenv("MLX_DISABLE_COMPILE", "maybe")
    else:
        (tmp_path / "config.json").write_text("{}")

    assert shared._name(command, tmp_path) != before
