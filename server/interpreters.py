"""Find Python interpreters: the one that runs this, and others on the machine that can run Tenny."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

from reports import Problem, log

OLDEST = (3, 10)
#: Newest first; the last two may be any.
_NAMES = [f"python3.{minor}" for minor in range(14, OLDEST[1] - 1, -1)] + ["python3", "python"]
_ASK = """
import json, sys, sysconfig
base = getattr(sys, "_base_executable", None) or sys.executable
print(json.dumps([sys.executable, base, sys.version_info[:3], sys.implementation.name, sysconfig.get_platform()]))
"""
_ANSWER_TIMEOUT_S = 20


class Interpreter(NamedTuple):
    """A Python that runs on this machine.

    Args:
        path (str): Its executable.
        base (str): The executable of the installation that it is an environment of.
        version (tuple[int, int, int]): Its version.
        implementation (str): ``cpython`` or another.
        platform (str): What it was built for, such as ``linux-x86_64``.
    """

    path: str
    base: str
    version: tuple[int, int, int]
    implementation: str
    platform: str

    @property
    def is_suitable(self) -> bool:
        """Whether Tenny's packages exist for it."""
        return self.version[:2] >= OLDEST and self.implementation == "cpython"

    @property
    def tag(self) -> str:
        """What tells its packages from those of other Pythons."""
        return f"{self.version[0]}.{self.version[1]}-{self.platform}"

    def __str__(self) -> str:
        return "Python {}.{}.{} ({})".format(*self.version, self.path)


def running() -> Interpreter:
    """Return the Python that runs this."""
    base = getattr(sys, "_base_executable", None) or sys.executable
    version = (sys.version_info[0], sys.version_info[1], sys.version_info[2])
    return Interpreter(sys.executable, base, version, sys.implementation.name, sysconfig.get_platform())


def search() -> Interpreter:
    """Return the newest Python on the PATH that Tenny can run with, else one that uv knows.

    Raises:
        Problem: There is none.
    """
    for name in _NAMES:
        found = _ask(program(name))
        if found and found.is_suitable:
            return found
    uv = program("uv")
    wanted = ">={}.{}".format(*OLDEST)
    found = _ask(_output(uv, "python", "find", "--system", "--no-python-downloads", wanted)) if uv else None
    if found and found.is_suitable:
        return found
    raise Problem.of_python("There is no other on the PATH.")


def program(name: str) -> str | None:
    """Return the path of a program on the PATH."""
    found = shutil.which(name)
    return str(Path(found).absolute()) if found else None


def _ask(path: str | None) -> Interpreter | None:
    answer = path and _output(path, "-I", "-c", _ASK)
    if not answer:
        return None
    try:
        executable, base, version, implementation, platform = json.loads(answer.splitlines()[-1])
        return Interpreter(executable, base, (version[0], version[1], version[2]), implementation, platform)
    except (ValueError, TypeError, IndexError) as error:
        log(f"{path} does not answer as a Python does: {error}")
        return None


def _output(*command: str) -> str | None:
    """Return what a program prints; None when it fails, as the stand-ins for a missing Python do."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_ANSWER_TIMEOUT_S,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        log(f"{command[0]} is passed over: it ended with {error.returncode}")
    except (OSError, subprocess.SubprocessError) as error:
        log(f"{command[0]} is passed over: {error}")
    else:
        return done.stdout.decode("utf-8", "replace").strip()
    return None
