"""What stands on the server's standard input, and what that is: pipes, one socket for both, a file."""

import json
import os
import socket
import subprocess
from pathlib import Path
from typing import Any

from tests.lsp.conftest import ENVIRONMENT, FACTS_ONLY, SERVER
from tests.lsp.session import Server

URI = "file:///net.py"
HOVER = {"textDocument": {"uri": URI}, "position": {"line": 1, "character": 8}}
TEXT = "import mlx.core as mx\nx = mx.exp(1)\n"


def framed(method: str, params: object, id_: int | None = None) -> bytes:
    message: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
    body = json.dumps(message if id_ is None else message | {"id": id_}).encode()
    return b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def session() -> list[bytes]:
    """Return the messages of a session with one hover."""
    document = {"uri": URI, "languageId": "python", "version": 1, "text": TEXT}
    return [
        framed("initialize", {"processId": None, "rootUri": None, "capabilities": {}} | FACTS, 1),
        framed("initialized", {}),
        framed("textDocument/didOpen", {"textDocument": document}),
        framed("textDocument/hover", HOVER, 2),
    ]


FACTS = {"initializationOptions": FACTS_ONLY}


def run(data: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(SERVER, input=data, capture_output=True, env=ENVIRONMENT, timeout=60, check=False)


def test_frames_that_come_in_pieces() -> None:
    with subprocess.Popen(SERVER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT) as process:
        assert process.stdin is not None and process.stdout is not None
        for place in range(0, len(data := b"".join(session())), 3):
            process.stdin.write(data[place : place + 3])
            process.stdin.flush()
        found = b""
        while b"exponential" not in found and (byte := process.stdout.read(1)):
            found += byte
        process.stdin.close()

    assert b"exponential" in found and process.returncode == 0


def test_a_message_larger_than_what_is_read_ahead() -> None:
    with Server([*SERVER], Path(os.devnull)) as server:
        server.session.initialize().open(URI, TEXT + "# " + "long " * 1_000_000)

        assert "exponential" in str(server.session.hover(URI, 1, 8))


def test_an_end_within_a_message() -> None:
    done = run(b"".join(session())[:-9])

    assert done.returncode == 0
    assert b"ended within a message" in done.stderr and b"Traceback" not in done.stderr


def test_a_header_without_an_end() -> None:
    done = run(b"".join(session()[:2]) + b"Content-Length: " + b"9" * 3_000_000)

    assert done.returncode == 0
    assert b"Standard input is not the protocol" in done.stderr and b"Traceback" not in done.stderr


def test_one_socket_for_both_directions() -> None:
    ours, theirs = socket.socketpair()
    with ours, subprocess.Popen(SERVER, stdin=theirs, stdout=theirs, env=ENVIRONMENT) as process:
        theirs.close()
        ours.sendall(b"".join(session()))
        found = b""
        while b"exponential" not in found and (data := ours.recv(65536)):
            found += data
        ours.shutdown(socket.SHUT_WR)

    assert b"exponential" in found and process.returncode == 0


def test_a_file_as_input(tmp_path: Path) -> None:
    file = tmp_path / "messages"
    file.write_bytes(b"".join(session()))
    with file.open("rb") as stdin:
        done = subprocess.run(SERVER, stdin=stdin, capture_output=True, env=ENVIRONMENT, timeout=60, check=False)

    assert b'"id": 1' in done.stdout and done.returncode == 0
