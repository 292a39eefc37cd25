"""Start a worker process of one's own, and lead to it by pipes."""

import asyncio
import contextlib
import logging
import signal
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from tenny_lsp.errors import ModelUnavailable
from tenny_lsp.model.link import LINE_LIMIT_BYTES

LOGGER = logging.getLogger(__name__)

#: The folder that holds the package, and a worker's working directory: in the user's, a module of theirs could be
#: imported in place of one of ours.
HOME = Path(__file__).resolve().parents[2]


class ProcessLink:
    """The pipes of a worker process. Made by ``start``.

    Args:
        process (asyncio.subprocess.Process): All three of its streams are pipes.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._stderr_tail: deque[str] = deque(maxlen=20)
        self._log_task = asyncio.create_task(self._log_stderr())

    @classmethod
    async def start(cls, command: Sequence[str]) -> "ProcessLink":
        """Return the way to a worker that has been started and has not loaded anything yet.

        Raises:
            ModelUnavailable: The operating system refused to start it.
        """
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=HOME, limit=LINE_LIMIT_BYTES
            )
        except OSError as error:
            raise ModelUnavailable(
                f"The model worker could not be started with {command[0]}: {error.strerror}",
                "Check the Python interpreter in Tenny's settings.",
            ) from error
        return cls(process)

    @property
    def events(self) -> asyncio.StreamReader:
        """The process's stdout."""
        assert self._process.stdout is not None
        return self._process.stdout

    def write(self, line: bytes) -> None:
        """Write to the process's stdin."""
        assert self._process.stdin is not None
        if not self._process.stdin.is_closing():
            self._process.stdin.write(line)

    def kill(self) -> None:
        """Kill the process."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def ended(self) -> tuple[str, str]:
        """Return the process's exit code or signal, and the last lines of its stderr."""
        exit_code = await self._process.wait()
        # A grandchild may hold the pipe open, so not for long.
        await asyncio.wait({self._log_task}, timeout=0.5)
        return _describe(exit_code), "\n".join(self._stderr_tail)

    async def close(self, grace_s: float) -> None:
        """End the process: close its stdin, terminate it ``grace_s`` seconds later, then kill it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        exit_task = asyncio.create_task(self._process.wait())
        for end in (self._process.terminate, self._process.kill, lambda: None):
            ended, _ = await asyncio.wait({exit_task}, timeout=grace_s)
            if ended:
                break
            with contextlib.suppress(ProcessLookupError):
                end()
        exit_task.cancel()
        self._log_task.cancel()
        await asyncio.gather(exit_task, self._log_task, return_exceptions=True)

    async def _log_stderr(self) -> None:
        assert self._process.stderr is not None
        rest = b""
        while block := await self._process.stderr.read(1 << 14):
            *lines, rest = (rest + block).replace(b"\r", b"\n").split(b"\n")
            for line in lines:
                self._log_line(line)
            rest = rest[-LINE_LIMIT_BYTES:]
        self._log_line(rest)

    def _log_line(self, line: bytes) -> None:
        if text := line.decode(errors="replace").strip():
            self._stderr_tail.append(text)
            LOGGER.info("worker %d: %s", self._process.pid, text)


def _describe(exit_code: int) -> str:
    if exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        return signal.Signals(-exit_code).name
    except ValueError:
        return f"signal {-exit_code}"
