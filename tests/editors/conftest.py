"""Editors driven as their users drive them, each in a home of its own, against the real server; no other network."""

import json
import os
import select
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
#: An editor that has not ended by then is killed, so that its test fails instead of hanging.
DEADLINE_S = 180
#: So long may a server live on when its editor is gone.
PATIENCE_S = 10

NET = """\
import mlx.core as mx

# temporary hack, remove after the demo
x = mx.zeros((2, 3))
y = mx.cat([x, x])
n = len([1])


def f(items=[]):
    try:
        return items[0]
    except:
        return None


z = mx.conc
"""


@dataclass(frozen=True, slots=True)
class Run:
    """What came of driving an editor.

    Args:
        results (dict[str, Any]): What the driver wrote.
        status (int): The editor's exit status.
        left (list[str]): The command lines of the processes that outlived the editor.
        disk (list[str]): The lines of the file that was edited, as they are on disk.
    """

    results: dict[str, Any]
    status: int
    left: list[str]
    disk: list[str]

    def __getitem__(self, name: str) -> Any:
        return self.results[name]


def found(program: str, *packages: str) -> str:
    """Returns where an editor is; ``make test-editors`` fails where there is none, other runs skip the test."""
    path = shutil.which(program)
    if path is None:
        _missing(f"{program} is not installed", *packages)
    return str(path)


def _missing(what: str, *packages: str) -> None:
    say = pytest.fail if os.environ.get("TENNY_EDITORS") == "required" else pytest.skip
    say(f"{what}: on Debian, apt-get install --no-install-recommends {' '.join(packages)}")


def require_emacs_package(emacs: str, library: str, *packages: str) -> None:
    """Fails or skips, as ``found`` does, where Emacs has no such library."""
    command = [emacs, "--batch", "--eval", f'(unless (locate-library "{library}") (kill-emacs 3))']
    if subprocess.run(command, capture_output=True, check=False).returncode:
        _missing(f"Emacs has no {library}", *packages)


def drive(folder: Path, command: list[str], files: Mapping[str, str], *, scene: str = "all", end: str = "quit") -> Run:
    """Runs an editor on a file in an empty home with these files, and returns what its driver says of it.

    Args:
        folder (Path): An empty folder.
        command (list[str]): The editor and its arguments, without the file.
        files (Mapping[str, str]): What its user has written, by the path in the home.
        scene (str): What is done: see the drivers.
        end (str): How it ends: ``quit`` or ``kill``.
    """
    home, project, mark = folder / "home", folder / "project", uuid4().hex
    (project / ".git").mkdir(parents=True)
    (project / "net.py").write_text(NET, "utf-8")
    for name, text in {**files, "bin/tenny-lsp": f'#!/bin/sh\nexec "{sys.executable}" -m tenny_lsp "$@"\n'}.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text, "utf-8")
    (home / "bin/tenny-lsp").chmod(0o755)
    folders = {f"XDG_{kind.upper()}_HOME": str(home / f".{kind}") for kind in ("config", "cache", "data", "state")}
    told = {"TENNY_MARK": mark, "TENNY_SCENE": scene, "TENNY_END": end, "TENNY_RESULTS": str(folder / "results.json")}
    path = f"{home / 'bin'}:{os.environ['PATH']}"
    environment = {"HOME": str(home), "PATH": path, "PYTHONPATH": str(ROOT), "TERM": "linux", "LANG": "C.UTF-8"}
    environment |= folders | told
    status, screen = _run_in_terminal([*command, "net.py"], project, environment)
    left = _left_over(mark)
    written = folder / "results.json"
    assert written.exists(), f"the driver wrote nothing; the screen's last words: {screen[-2000:]!r}"
    results = json.loads(written.read_text("utf-8"))
    assert "problem" not in results, f"{results['problem']}; the screen's last words: {screen[-2000:]!r}"
    return Run(results, status, left, (project / "net.py").read_text("utf-8").splitlines())


def _run_in_terminal(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[int, bytes]:
    """Runs a program in a terminal of its own and returns its exit status and what it has drawn."""
    ours, theirs = os.openpty()
    # setsid makes the terminal its own; Emacs opens /dev/tty.
    process = subprocess.Popen(
        ["setsid", "--ctty", *command], stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env=environment
    )
    os.close(theirs)
    drawn: list[bytes] = []
    reading = threading.Thread(target=_read, args=(ours, drawn))
    reading.start()
    try:
        status = process.wait(DEADLINE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        status = process.wait()
    reading.join(PATIENCE_S)
    os.close(ours)
    return status, b"".join(drawn)


def _read(terminal: int, drawn: list[bytes]) -> None:
    with suppress(OSError):  # so a terminal ends whose program has
        while part := os.read(terminal, 65536):
            drawn.append(part)


def _left_over(mark: str) -> list[str]:
    """Returns the command lines of the processes with a mark in their environment that do not end in time."""
    left = []
    for process in Path("/proc").iterdir():
        with suppress(OSError):
            if process.name.isdigit() and f"TENNY_MARK={mark}".encode() in (process / "environ").read_bytes():
                line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                end = os.pidfd_open(int(process.name))
                if not select.select([end], [], [], PATIENCE_S)[0]:
                    left.append(line)
                os.close(end)
    return left
