"""Replace the bootstrap process by the server; on Windows, which cannot, run it as a child and wait for its end."""

from __future__ import annotations

import os
import subprocess
import sys

from bundle import HERE
from reports import Problem, report

_RUN = str(HERE / "run_server.py")


def become(python: str, what: list[str], *, source: str, folder: str, workspace: str, is_private: bool) -> int:
    """Become the language server, in the workspace; on Windows, returns its exit status.

    Args:
        python (str): The interpreter that has its packages.
        what (list[str]): The command of ``tenny-lsp``, with its own arguments.
        source (str): What the client is told of them: ``environment``, ``bundled`` or ``checkout``.
        folder (str): The folder that holds ``tenny_lsp``; empty: it is installed.
        workspace (str): The server's working directory.
        is_private (bool): Whether nothing but the interpreter's own packages is meant.

    Raises:
        Problem: The interpreter cannot be run.
    """
    isolated = is_private or sys.flags.isolated
    command = [python, *(["-I"] if isolated else []), _RUN, folder, *what]
    environment = dict(os.environ)
    if is_private:  # the worker that the server starts is not isolated
        for name in ("PYTHONPATH", "PYTHONHOME"):
            environment.pop(name, None)
    report("starting", f"Tenny starts with {python}.", python=python, source=source)
    os.chdir(workspace)
    try:
        if sys.platform == "win32":
            return _run_inside(command, environment)
        os.execve(python, command, environment)
    except OSError as error:
        raise Problem(f"{python} cannot be run: {error}", "Repair it, or choose another Python.") from error


def _run_inside(command: list[str], environment: dict[str, str]) -> int:
    with subprocess.Popen(command, env=environment, stdin=0, stdout=1, stderr=2) as server:
        while True:
            try:
                return server.wait()
            except KeyboardInterrupt:  # the server's own affair
                continue
