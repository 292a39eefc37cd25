"""Ask git how old lines of a file are; without git, a repository or patience nothing is known."""

import asyncio
import contextlib
import os
import re
import shutil
from collections.abc import Collection, Mapping
from datetime import datetime, timezone
from pathlib import Path

from tenny_lsp.model.waiting import within

#: A review does not wait for a slow repository.
_DEADLINE_S = 2.0
#: So many lines are asked for at once.
_MOST_LINES = 40
_SECONDS_IN_YEAR = 365.25 * 24 * 3600
_ENTRY = re.compile(rb"^[0-9a-f]{40,64} \d+ (\d+)(?: \d+)?$")
#: Nothing that a repository configures is run, and nothing is asked for.
_SAFELY = ("--no-pager", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "diff.external=")
_QUIETLY = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}


async def ages(path: Path, text: str, lines: Collection[int], deadline_s: float = _DEADLINE_S) -> Mapping[int, int]:
    """Return how many whole years lines have stood in a file; lines of less than one year, or unknown, are missing.

    Args:
        path (Path): The file.
        text (str): Its text as it is now, saved or not.
        lines (Collection[int]): The numbers of the lines, from 0.
        deadline_s (float): How many seconds git has.
    """
    git = shutil.which("git")
    if git is None or not lines or not path.is_file():
        return {}
    asked = [f"-L{line + 1},{line + 1}" for line in sorted(lines)[:_MOST_LINES]]
    command = (git, *_SAFELY, "blame", "--line-porcelain", *asked, "--contents", "-", "--", path.name)
    try:
        output = await _output(command, path.parent, text.encode("utf-8", "surrogatepass"), deadline_s)
    except (OSError, asyncio.TimeoutError):
        return {}
    return _years(output, datetime.now(timezone.utc).timestamp())


async def _output(command: tuple[str, ...], folder: Path, text: bytes, deadline_s: float) -> bytes:
    """Return what a command prints; nothing where it fails.

    Raises:
        OSError: It could not be started.
        asyncio.TimeoutError: It was late, and has been killed.
    """
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=os.environ | _QUIETLY, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        output, _ = await within(deadline_s, process.communicate(text))
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return output if process.returncode == 0 else b""


def _years(output: bytes, now_s: float) -> dict[int, int]:
    """Return the whole years of the lines of a porcelain output."""
    found, line = {}, 0
    for row in output.split(b"\n"):
        if entry := _ENTRY.match(row):
            line = int(entry[1]) - 1
        elif row.startswith(b"author-time "):
            years = int((now_s - int(row.split()[1])) // _SECONDS_IN_YEAR)
            if years > 0:
                found[line] = years
    return found
