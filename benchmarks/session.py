"""An editor's side of the Language Server Protocol over a server's stdio, the same for every server."""

import json
import queue
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

#: Seconds a server may take for one answer.
_PATIENCE_S = 60.0
#: Seconds without a message after which a server's background work is taken to be over.
_QUIET_S = 1.5
_CAPABILITIES = {
    "general": {"positionEncodings": ["utf-16"]},
    "workspace": {"configuration": True, "workspaceFolders": True, "didChangeConfiguration": {}},
    "textDocument": {
        "synchronization": {},
        "hover": {"contentFormat": ["markdown", "plaintext"]},
        "publishDiagnostics": {},
    },
}

_Message = dict[str, Any]


class SessionError(Exception):
    """A server died, went silent or refused a request."""


class Session:
    """A server process and what is said with it.

    Args:
        command (Sequence[str]): Starts the server.
        environment (Mapping[str, str]): Its environment.
        settings (Mapping[str, Any]): Section → what ``workspace/configuration`` is answered with.
        log (Path): Where its standard error goes.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], settings: Mapping[str, Any], log: Path
    ) -> None:
        self._settings = settings
        self._log = log
        self._messages: queue.SimpleQueue[tuple[float, _Message] | None] = queue.SimpleQueue()
        self._last_id = 0
        #: The requests that were started and have been answered since.
        self.answered: set[int] = set()
        with log.open("wb") as errors:
            self.started = time.perf_counter()
            self._process = subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
            )
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()

    def initialize(self, root: Path, options: object) -> float:
        """Return the seconds from the start of the process to the answer to ``initialize``."""
        folder = {"uri": root.as_uri(), "name": root.name}
        params = {"processId": None, "rootUri": root.as_uri(), "workspaceFolders": [folder]}
        params |= {"capabilities": _CAPABILITIES, "initializationOptions": options}
        self.request("initialize", params)
        elapsed_s = time.perf_counter() - self.started
        self.notify("initialized", {})
        return elapsed_s

    def request(self, method: str, params: object) -> tuple[Any, float]:
        """Return the result of a request, and the seconds until it had arrived.

        Raises:
            SessionError: The server died, was silent for a minute, or answered with an error.
        """
        sent = time.perf_counter()
        waiting = self.start(method, params)
        while True:
            try:
                arrived, message = self._next(_PATIENCE_S)
            except queue.Empty:
                raise SessionError(f"{method}: no answer in {_PATIENCE_S:.0f} s") from None
            if message.get("id") == waiting and "method" not in message:
                if "error" in message:
                    raise SessionError(f"{method}: {message['error']}")
                return message["result"], arrived - sent

    def start(self, method: str, params: object) -> int:
        """Send a request and return its number, which is in ``answered`` once later requests have seen the answer."""
        self._last_id += 1
        self._send({"id": self._last_id, "method": method, "params": params})
        return self._last_id

    def children(self) -> list[int]:
        """Return the processes that the server has started, where /proc tells."""
        tasks = Path(f"/proc/{self._process.pid}/task").glob("*/children")
        return [int(child) for task in tasks for child in task.read_text().split()]

    def notify(self, method: str, params: object) -> None:
        """Send a notification."""
        self._send({"method": method, "params": params})

    def settle(self) -> None:
        """Wait until the server has said nothing for a while, at most a minute."""
        deadline = time.perf_counter() + _PATIENCE_S
        while time.perf_counter() < deadline:
            try:
                self._next(_QUIET_S)
            except queue.Empty:
                return

    def close(self) -> None:
        """Shuts the server down as an editor does."""
        self.request("shutdown", None)
        self.notify("exit", None)
        self._process.wait(_PATIENCE_S)

    def _next(self, timeout_s: float) -> tuple[float, _Message]:
        """Return the next message and when it had arrived, having answered it if it is a question."""
        received = self._messages.get(timeout=timeout_s)
        if received is None:
            raise SessionError(f"the server ended: {self._log.read_text(errors='replace')[-500:]}")
        message = received[1]
        if "method" in message and "id" in message:
            self._send({"id": message["id"], "result": self._answer(message)})
        elif "id" in message:
            self.answered.add(message["id"])
        return received

    def _answer(self, question: _Message) -> object:
        if question["method"] != "workspace/configuration":
            return None
        return [self._settings.get(item.get("section")) for item in question["params"]["items"]]

    def _send(self, message: _Message) -> None:
        body = json.dumps({"jsonrpc": "2.0"} | message).encode()
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise SessionError("the server closed its input") from error

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        length = 0
        while line := stream.readline():
            if line.strip():
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
                continue
            body = stream.read(length)
            arrived = time.perf_counter()
            self._messages.put((arrived, json.loads(body)))
        self._messages.put(None)
