"""A machine for the bootstrap to be tested on: programs that only pretend, a bundle with a wheel, and what was said."""

import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

SERVER = Path(__file__).parents[2] / "server"
DEADLINE_S = 60
#: What pretends to be uv. An environment's Python logs its arguments, and says on stdout what it hears on stdin.
UV = """
import json, os, pathlib, sys
step = "venv" if sys.argv[1] == "venv" else "wheel" if "--no-deps" in sys.argv else "packages"
with open({calls!r}, "a") as calls:
    heard = sys.stdin.read()
    print(json.dumps([step, sys.argv[1:], heard, os.getcwd()]), file=calls)
print("a line of uv's for stdout", flush=True)
{behaviour}
if step == "venv":
    python = pathlib.Path(sys.argv[-1], "bin", "python")
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\\necho became $* >&2; exec /bin/cat\\n")
    python.chmod(0o755)
"""


def script(path: Path, text: str) -> None:
    """Writes a shell script."""
    path.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    path.chmod(0o755)


def until(condition: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
    """Waits for something that a running process does."""
    end_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert process.poll() is None and time.monotonic() < end_s
        time.sleep(0.02)


class Machine:
    """A machine with a workspace, an empty PATH and a storage.

    Args:
        folder (Path): Where all of it lies.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.storage, self.workspace = folder, folder / "storage", folder / "workspace"
        self.programs, self.bundle, self._calls = folder / "programs", folder / "bundle", folder / "calls"
        self.environment = {"PATH": str(self.programs), "HOME": str(folder)}
        self._started: list[subprocess.Popen[bytes]] = []
        self.workspace.mkdir()
        self.programs.mkdir()
        shutil.copytree(SERVER, self.bundle / "server", ignore=shutil.ignore_patterns("__pycache__"))
        self.release("9.9.0")

    def release(self, version: str) -> None:
        """Replaces the bundle's wheel by one of a version."""
        for wheel in self.bundle.glob("*.whl"):
            wheel.unlink()
        with zipfile.ZipFile(self.bundle / f"tenny_lsp-{version}-py3-none-any.whl", "w") as wheel_file:
            wheel_file.writestr(f"tenny_lsp-{version}.dist-info/RECORD", f"of {version}")

    def program(self, name: str, text: str, folder: Path | None = None) -> Path:
        """Writes a program in Python."""
        path = (folder or self.programs) / name
        path.with_suffix(".txt").write_text(text, "utf-8")
        script(path, f'exec "{sys.executable}" -I "{path.with_suffix(".txt")}" "$@"')
        return path

    def uv(self, behaviour: str = "") -> None:
        """Installs a pretended uv; ``behaviour`` is Python that knows the ``step`` it is at."""
        self.program("uv", UV.format(calls=str(self._calls), behaviour=behaviour))

    def calls(self) -> list[Any]:
        """Returns for each call of uv the step, the arguments, what was on stdin, and the working directory."""
        return [json.loads(line) for line in self._calls.read_text().splitlines()] if self._calls.exists() else []

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        """Starts the bootstrap in the workspace; its stderr goes to a file of its own."""
        with self.log(self._count()).open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, str(self.bundle / "server"), "--storage", str(self.storage), *options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=self.workspace,
                env=self.environment,
            )
        self._started.append(process)
        return process

    def end(self) -> None:
        """Ends all that was started."""
        for process in self._started:
            process.kill()
            process.communicate()

    def serve(self) -> subprocess.Popen[bytes]:
        """Returns the bootstrap once it has become the server."""
        process, index = self.start(), self._count() - 1
        until(lambda: [state for state in self.states(index) if state["state"] == "starting"], process)
        return process

    def run(self, *options: str, said: bytes = b"initialize") -> tuple[int, bytes]:
        """Runs the bootstrap and the server that it becomes, with something to read already there."""
        process = self.start(*options)
        answer, _ = process.communicate(said, DEADLINE_S)
        return process.returncode, answer

    def _count(self) -> int:
        return len(list(self.folder.glob("stderr-*")))

    def log(self, index: int = -1) -> Path:
        """Returns the log of a start."""
        return self.folder / f"stderr-{index if index >= 0 else self._count() + index}"

    def states(self, index: int = -1) -> list[dict[str, Any]]:
        """Returns what a start told the client."""
        lines = self.log(index).read_text("utf-8").splitlines()
        return [json.loads(line.partition(" ")[2]) for line in lines if line.startswith("tenny-bootstrap ")]

    def environments(self) -> list[str]:
        """Returns the names of the environments that are whole."""
        return sorted(stamp.parent.name for stamp in self.storage.glob("*/tenny-ready.json"))


class Gate:
    """A place in a pretended program where it waits until it is let through, or is dead.

    Args:
        path (Path): A named pipe to be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        os.mkfifo(path)

    def at(self, step: str) -> str:
        """Returns the behaviour that waits at a step; when it goes on, it has come too late."""
        return f"if step == {step!r}: open({str(self._path)!r}).read()"

    def open(self) -> None:
        """Waits until somebody stands there, and lets them through."""
        self._path.write_text("")

    def arrived(self) -> int:
        """Waits until somebody stands there; returns the descriptor that keeps them there."""
        return os.open(self._path, os.O_WRONLY)
