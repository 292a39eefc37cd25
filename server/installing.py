"""Install packages into an environment with uv, else with venv and pip, with the user's own index settings."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from typing import IO

from bundle import REQUIREMENTS, Bundle
from explanations import explain, is_full_disk
from interpreters import Interpreter, program
from progress import Progress
from reports import Problem, log
from storage import executable, remove

_LOOK_EVERY_S = 0.5
#: What users set for their own environments and would go wrong in this one.
_NOT_FOR_US = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIRE_HASHES", "UV_REQUIRE_HASHES", "VIRTUAL_ENV")
_FOR_US = {
    "PIP_USER": "0",
    "PIP_REQUIRE_VIRTUALENV": "0",
    "PIP_NO_INPUT": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "NO_COLOR": "1",
}


class Installer:
    """Makes one environment.

    Args:
        python (Interpreter): What it is made with.
        folder (Path): Where; there is nothing yet.
        bundle (Bundle): Whose wheel is installed, if it is one.
        progress (Progress): Hears all that is said.
        lock (int): A descriptor that those who install hold too: if this process is killed, they may go on for a while.
    """

    def __init__(self, python: Interpreter, folder: Path, bundle: Bundle, progress: Progress, lock: int) -> None:
        self._python, self._folder, self._bundle = python, folder, bundle
        self._progress, self._lock = progress, lock

    def install(self) -> None:
        """Make the environment.

        Raises:
            Problem: It could not be made, and why.
        """
        uv = program("uv")
        if uv:
            try:
                return self._with_uv(uv)
            except Problem as problem:
                if is_full_disk(problem):
                    raise
                log(f"uv could not do it ({problem.message}); venv and pip are tried")
                remove(self._folder)
        return self._with_pip()

    def _with_uv(self, uv: str) -> None:
        self._progress.step("Making an environment with uv", 0)
        self._run(uv, "venv", "--python", self._python.path, str(self._folder))
        install = [uv, "pip", "install", "--python", str(executable(self._folder))]
        self._progress.step("Looking for packages", 5)
        self._run(*install, "--require-hashes", "--no-build", "-r", str(REQUIREMENTS), hear=True)
        self._install_wheel(install)

    def _with_pip(self) -> None:
        self._progress.step("Making an environment", 0)
        self._run(self._python.path, "-I", "-m", "venv", str(self._folder))
        # -I: with -m alone, a module in the folder they run in would come before their own.
        install = [str(executable(self._folder)), "-I", "-m", "pip", "install", "--no-compile", "--progress-bar", "off"]
        self._progress.step("Looking for packages", 5)
        self._run(*install, "--require-hashes", "--only-binary", ":all:", "-r", str(REQUIREMENTS), hear=True)
        self._install_wheel(install)

    def _install_wheel(self, install: list[str]) -> None:
        self._progress.step("Installing Tenny", 95)
        if self._bundle.wheel:
            self._run(*install, "--no-deps", str(self._bundle.wheel))

    def _run(self, *command: str, hear: bool = False) -> None:
        """Run a command whose words all go to the log.

        Args:
            command (str): What to run.
            hear (bool): Whether they tell how far all of it has come.

        Raises:
            Problem: It failed.
        """
        log("$ " + " ".join(command))
        said: deque[str] = deque(maxlen=200)
        try:
            process = _start(command, self._lock)
        except OSError as error:
            raise Problem(f"{command[0]} cannot be run: {error}", "Repair it, or choose another Python.") from error
        assert process.stdout is not None
        lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=_read, args=(process.stdout, lines), daemon=True).start()
        try:
            while True:
                try:
                    line = lines.get(timeout=_LOOK_EVERY_S)
                except queue.Empty:
                    if hear:
                        self._progress.look()
                    continue
                if line is None:
                    break
                log(line)
                said.append(line)
                if hear:
                    self._progress.hear(line)
            status = process.wait()
        finally:
            _end(process)
        if status:
            raise explain(list(said), command[0], self._python, self._folder)


def _start(command: tuple[str, ...], lock: int) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_US}
    environment.update(_FOR_US)
    windows = sys.platform == "win32"
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,  # this process's own is the editor's, and holds what the server will read
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        start_new_session=not windows,  # a group of its own, to be ended as one
        pass_fds=() if windows else (lock,),
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


def _read(pipe: IO[bytes], lines: queue.Queue[str | None]) -> None:
    with pipe:
        for line in pipe:
            lines.put(line.decode("utf-8", "replace").rstrip())
    lines.put(None)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process that still runs, and all that it has started."""
    if process.poll() is None:
        if sys.platform == "win32":
            process.terminate()
        else:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()
