"""Explain why an installation failed, from the output of venv, pip or uv."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from interpreters import Interpreter
from reports import Problem


class _Cause(NamedTuple):
    signs: str
    message: str
    next_step: str


_AGAIN = "then restart Tenny's server"
_OFFLINE = (
    f"Connect to the network, or give pip or uv the index or proxy that yours uses, {_AGAIN}: what was downloaded is "
    "kept. Without any: install tenny-lsp into a Python of yours and choose that."
)
_DISK_IS_FULL = "The disk is full"
#: The first whose signs are in the output. A full disk comes first, it has many consequences; a lack of packages
#: comes last, pip says so of anything that kept it from downloading them.
_CAUSES = [
    _Cause(
        r"No space left on device|not enough space on the disk|Disk quota exceeded|os error (28|112|122)\b",
        _DISK_IS_FULL,
        f"Free 1 GB, {_AGAIN}.",
    ),
    _Cause(
        r"DO NOT MATCH THE HASHES|[Hh]ash mismatch",
        "A package is not the one that Tenny was tested with: its hash differs, so it was not installed",
        "Try again. If it stays so, a proxy or mirror on the way changes packages: use another index.",
    ),
    _Cause(
        r"ensurepip is not|No module named '?(ensurepip|venv|pip)\b",
        "{python} cannot make environments: its venv or ensurepip is missing",
        "On Debian and Ubuntu, apt install python3-venv (or python{minor}-venv); anywhere, install uv. "
        "Or choose another Python.",
    ),
    _Cause(
        r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|invalid peer certificate",
        "The certificate of the package index is not trusted",
        f"Where a proxy has a certificate of its own, name its file in PIP_CERT and SSL_CERT_FILE, {_AGAIN}.",
    ),
    _Cause(
        r"\b(401|403) (Client )?(Error|Unauthorized|Forbidden)|\((401|403) \w+\)",
        "The package index wants to know who you are",
        f"Give pip or uv your name and password for it, {_AGAIN}.",
    ),
    _Cause(
        r"Permission denied|Access is denied|Read-only file system|os error (5|13|30)\b",
        "{folder} cannot be written",
        "Make it writable, or choose another folder with --storage.",
    ),
    _Cause(
        r"name resolution|Name or service not known|nodename nor servname|getaddrinfo failed|dns error"
        r"|Failed to establish a new connection|Connection (refused|reset)|connection broken|Network is unreachable"
        r"|[Tt]imed? ?out|ProxyError|error sending request|Max retries exceeded|Network connectivity is disabled",
        "The package index cannot be reached",
        _OFFLINE,
    ),
    _Cause(
        r"No matching distribution found|No solution found|has no usable wheels|no wheels? with a matching",
        "The package index does not have all of Tenny's packages for {python} on this machine",
        "MLX wants Python 3.10 to 3.14; macOS 14 on Apple silicon, or a Linux of 2022 (glibc 2.35). Where that is so, "
        "choose another Python, or add to your index what it lacks.",
    ),
]


def explain(output: list[str], command: str, python: Interpreter, folder: Path) -> Problem:
    """Return why an environment could not be made.

    Args:
        output (list[str]): The last lines that a program printed.
        command (str): The program.
        python (Interpreter): What the environment was to be made with.
        folder (Path): Where.
    """
    text = "\n".join(output)
    facts = {"python": python, "minor": "{}.{}".format(*python.version), "folder": folder}
    for cause in _CAUSES:
        if re.search(cause.signs, text):
            return Problem(cause.message.format(**facts), cause.next_step.format(**facts))
    last = next((line.strip() for line in reversed(output) if line.strip()), "it said nothing")
    return Problem(f"{command} failed: {last}", "The log has all that it said.")


def is_full_disk(problem: Problem) -> bool:
    """Return whether another way of installing would fail just the same."""
    return problem.message.startswith(_DISK_IS_FULL)
