"""Execute short MLX code in a limited child process, and tell what it printed."""

import ast
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

#: What may be imported; ``mlx`` and what lies in it too.
_MODULES = {"concurrent.futures", "functools", "math"}
#: What reads files, runs text as code or reaches what is not named in the code.
_REFUSED = {
    *("breakpoint", "compile", "delattr", "eval", "exec", "exit", "getattr", "globals", "help", "input", "locals"),
    *("open", "quit", "setattr", "vars"),
}
_DUNDERS = {"__call__", "__init__", "__name__"}


@dataclass(frozen=True, slots=True)
class Execution:
    """What came of executing code.

    Args:
        output (str): What it printed and the value of its last line.
        error (str): Why it was not executed to its end; empty where it was.
    """

    output: str = ""
    error: str = ""


def execute(codes: Sequence[str], *, deadline_s: float = 60) -> list[Execution]:
    """Execute pieces of code, each by itself in an empty folder, and return what came of each.

    A piece is refused if it imports more than MLX, names what leads out of it, or names a file elsewhere. The child has
    a limit of processor time and of what it may write; one that dies or is late costs only the piece at fault.

    Args:
        codes (Sequence[str]): The pieces; ``mx``, ``nn``, ``optim`` and the functions of ``mlx.utils`` are there.
        deadline_s (float): Seconds for all of them.
    """
    refused = [refusal(code) for code in codes]
    accepted = [code for code, why in zip(codes, refused, strict=True) if not why]
    done: list[Execution] = []
    while len(done) < len(accepted):
        some, why = _run(accepted[len(done) :], deadline_s)
        done += some
        if len(done) < len(accepted):
            done.append(Execution(error=why))
    results = iter(done)
    return [Execution(error=why) if why else next(results) for why in refused]


def refusal(code: str) -> str:
    """Return why code is not executed, in a few words; empty where it may be."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"no Python: {error}"
    return next((why for node in ast.walk(tree) if (why := _refusal_of(node))), "")


def _refusal_of(node: ast.AST) -> str:
    modules: list[str] = []
    match node:
        case ast.Import(names):
            modules = [alias.name for alias in names]
        case ast.ImportFrom(module):
            modules = [module or "."]
        case ast.Name(name) if name in _REFUSED or name.startswith("__"):
            return f"{name} is not allowed"
        case ast.Attribute(_, name) if name.startswith("_") and name not in _DUNDERS:
            return f"{name} is not allowed"
        case ast.Constant(str(text)) if text.startswith(("/", "~")) or ".." in text or "\\" in text:
            return f"{text!r} may be a file elsewhere"
    foreign = (name for name in modules if name not in _MODULES and name.partition(".")[0] != "mlx")
    return next((f"import of {name} is not allowed" for name in foreign), "")


def _run(codes: Sequence[str], deadline_s: float) -> tuple[list[Execution], str]:
    """Execute pieces of code in one child; return the results until it ended, and why it ended early."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TENNY_CPU_SECONDS": str(int(deadline_s) + 1)}
    with tempfile.TemporaryDirectory(prefix="tenny-execution-", ignore_cleanup_errors=True) as folder:
        command = [sys.executable, "-m", "tenny_lsp.evaluation.executed"]
        child = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        try:
            said, complaint = child.communicate(json.dumps(codes), timeout=deadline_s)
            why = f"the process ended with status {child.returncode}: {complaint.strip()[-200:]}"
        except subprocess.TimeoutExpired:
            child.kill()
            said, _ = child.communicate()
            why = f"not finished after {deadline_s:.0f} s"
    lines = said.splitlines() if said.endswith("\n") or not said else said.splitlines()[:-1]
    return [Execution(**json.loads(line)) for line in lines], why
