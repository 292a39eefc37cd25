"""A session with a server as an editor has it: framed JSON over pipes or a socket, and no library in between."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from tests.lsp.conftest import ENVIRONMENT, FACTS_ONLY, SERVER

#: A server that has not ended by then is killed, so that a test fails instead of hanging.
DEADLINE_S = 60


class ServerError(Exception):
    """An error that the server answered with; its first argument is the code."""


class Session:
    """One client's side of a conversation.

    Args:
        reader (IO[bytes]): What the server says.
        writer (IO[bytes]): What it is told.
    """

    def __init__(self, reader: IO[bytes], writer: IO[bytes]) -> None:
        self._reader, self._writer = reader, writer
        self._ids = 0
        self._answers: dict[int, dict[str, Any]] = {}
        self._heard: list[dict[str, Any]] = []
        self.capabilities: dict[str, Any] = {}

    def initialize(
        self,
        options: object = FACTS_ONLY,
        encodings: list[str] | None = None,
        capabilities: dict[str, Any] | None = None,
        folders: list[dict[str, str]] | None = None,
    ) -> "Session":
        able: dict[str, Any] = {"notebookDocument": {"synchronization": {}}} | (capabilities or {})
        able |= {"general": {"positionEncodings": encodings}} if encodings else {}
        params = {"processId": os.getpid(), "rootUri": None, "capabilities": able, "initializationOptions": options}
        params |= {"workspaceFolders": folders} if folders else {}
        self.capabilities = self.request("initialize", params)["capabilities"]
        self.notify("initialized", {})
        return self

    def ask(self, method: str, params: object = None) -> int:
        """Sends a request and returns its id, without waiting for the answer."""
        self._ids += 1
        self._send({"id": self._ids, "method": method, "params": params})
        return self._ids

    def answer(self, id_: int) -> Any:
        """Returns the answer to a request, however many other messages come before it."""
        while id_ not in self._answers:
            self._hear()
        message = self._answers.pop(id_)
        if "error" in message:
            raise ServerError(message["error"]["code"], message["error"]["message"])
        return message["result"]

    def notification(self, method: str) -> Any:
        """Returns the next notification of a kind, however many other messages come before it."""
        return self.heard(method)["params"]

    def heard(self, method: str) -> dict[str, Any]:
        """Returns the server's oldest message of a method that has not been returned yet, waiting for it."""
        while True:
            for message in self._heard:
                if message["method"] == method:
                    self._heard.remove(message)
                    return message
            self._hear()

    @property
    def heard_so_far(self) -> list[str]:
        """The methods of the messages that have come and not been returned."""
        return [str(message["method"]) for message in self._heard]

    def reply(self, message: dict[str, Any], result: object) -> None:
        """Answers a request of the server."""
        self._send({"id": message["id"], "result": result})

    def refuse(self, message: dict[str, Any], code: int) -> None:
        """Answers a request of the server with an error."""
        self._send({"id": message["id"], "error": {"code": code, "message": "no"}})

    def request(self, method: str, params: object = None) -> Any:
        return self.answer(self.ask(method, params))

    def notify(self, method: str, params: object = None) -> None:
        self._send({"method": method, "params": params})

    def open(self, uri: str, text: str) -> None:
        item = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def ask_hover(self, uri: str, line: int, character: int) -> int:
        position = {"line": line, "character": character}
        return self.ask("textDocument/hover", {"textDocument": {"uri": uri}, "position": position})

    def hover(self, uri: str, line: int, character: int) -> str | None:
        """Returns the Markdown under a position."""
        result = self.answer(self.ask_hover(uri, line, character))
        return result and str(result["contents"]["value"])

    def end(self) -> None:
        self.request("shutdown")
        self.notify("exit")

    def write(self, data: bytes) -> None:
        """Sends bytes as they are."""
        self._writer.write(data)
        self._writer.flush()

    def close(self) -> None:
        """Hangs up without a word."""
        self._writer.close()

    def _hear(self) -> None:
        message = self._receive()
        if "method" in message:
            self._heard.append(message)
        else:
            self._answers[message["id"]] = message

    def _send(self, message: dict[str, Any]) -> None:
        content = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.write(b"Content-Length: %d\r\n\r\n%s" % (len(content), content))

    def _receive(self) -> dict[str, Any]:
        length = 0
        while (line := self._reader.readline()) != b"\r\n":
            if not line:
                raise EOFError("the server has hung up")
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        message: dict[str, Any] = json.loads(self._reader.read(length))
        return message


class Server:
    """A server process, killed when it outlives its test.

    Args:
        command (list[str]): How to start it.
        log (Path): Where its stderr goes.
        folder (Path, optional): Its working directory. Default: the tests'.
        environment (dict[str, str]): Its environment's variables.
        deadline_s (float): When it is killed.
    """

    def __init__(
        self,
        command: list[str],
        log: Path,
        *,
        folder: Path | None = None,
        environment: dict[str, str] = ENVIRONMENT,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._log = log
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, env=environment, cwd=folder
            )
        assert self.process.stdin is not None and self.process.stdout is not None
        #: The connection of the session, on TCP.
        self.connection: socket.socket | None = None
        self.session = Session(self.process.stdout, self.process.stdin)
        self._watchdog = threading.Timer(deadline_s, self.process.kill)
        self._watchdog.start()

    def __enter__(self) -> "Server":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watchdog.cancel()
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(BrokenPipeError):
                pipe.close()  # type: ignore[union-attr]

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def exit_status(self) -> int:
        """Waits for the end of the process and returns its status."""
        return self.process.wait(DEADLINE_S)


@contextmanager
def serving(folder: Path, *options: str, python: tuple[str, ...] = ()) -> Iterator[Server]:
    """Runs the real server, its log in a folder."""
    command = [SERVER[0], *python, *SERVER[1:], *options]
    with Server(command, folder / "stderr.txt") as server:
        yield server


@contextmanager
def serving_tcp(folder: Path, deadline_s: float = DEADLINE_S) -> Iterator[Server]:
    """Runs the real server on TCP, its log in a folder; its session is on a connection to it."""
    command = [*SERVER[:-1], "--log-level", "info", "serve", "--tcp", "--port", "0"]
    with Server(command, folder / "stderr.txt", deadline_s=deadline_s) as server:
        address = None
        while address is None:
            assert server.process.poll() is None, server.log
            time.sleep(0.02)
            address = re.search(r"Serving on \('(.+)', (\d+)\)", server.log)
        with (
            socket.create_connection((address[1], int(address[2])), deadline_s) as connection,
            connection.makefile("rb") as reader,
            connection.makefile("wb") as writer,
        ):
            server.session = Session(reader, writer)
            server.connection = connection
            yield server


def fake(folder: Path, *arguments: str) -> Server:
    """Runs ``fake_server.py``, its log in a folder."""
    return Server([sys.executable, "-m", "tests.lsp.fake_server", *arguments], folder / "stderr.txt")
