"""What goes wrong around a real server: frames that are none, vanishing editors, full disks, files of 50,000 lines."""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lsp.conftest import ENVIRONMENT, SERVER
from tests.lsp.session import Server, ServerError, fake, serving, serving_tcp
from tests.vanishing import left_after, wait_for

MX = "import mlx.core as mx\n"
URI = "file:///a.py"
#: So long a model may take to be started; a machine may be busy.
STARTED_IN_S = 60


def frame(content: object) -> bytes:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(data), data)


def hang_up(server: Server) -> None:
    """Ends the session as the end of the client would."""
    if server.connection is None:
        server.session.close()
    else:
        server.connection.shutdown(socket.SHUT_WR)


def request(number: object, method: object, params: object, version: str = "2.0") -> bytes:
    return frame({"jsonrpc": version, "id": number, "method": method, "params": params})


def notification(method: str, params: object) -> bytes:
    return frame({"jsonrpc": "2.0", "method": method, "params": params})


DOCUMENT = {"textDocument": {"uri": URI}}
#: What is sent, and the code of the error that answers it, if any does.
MALFORMED: dict[str, tuple[bytes, int | None]] = {
    "no JSON": (frame(b"{nope"), None),
    "a list": (frame([1, 2]), None),
    "null": (frame(None), None),
    "text": (frame("x"), None),
    "no content": (frame(b""), None),
    "no UTF-8": (frame(b'{"jsonrpc":"2.0","method":"\xff\xfe"}'), None),
    "neither method nor id": (frame({"jsonrpc": "2.0"}), None),
    "deep": (frame(b'{"jsonrpc":"2.0","id":1,"params":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), None),
    "no version": (frame({"id": 901, "method": "textDocument/hover"}), None),
    "a batch": (frame([{"jsonrpc": "2.0", "id": 902, "method": "shutdown"}]), None),
    "parameters as a list": (request(903, "textDocument/hover", [1]), -32602),
    "parameters of wrong types": (request(904, "textDocument/hover", {"textDocument": 3, "position": "x"}), -32602),
    "a line before the first": (
        request(905, "textDocument/hover", DOCUMENT | {"position": {"line": -1, "character": 0}}),
        -32602,
    ),
    "a number as method": (request(906, 5, None), -32601),
    "an unknown method without parameters": (frame({"jsonrpc": "2.0", "id": 911, "method": "nope/nope"}), -32601),
    "initialize again": (request(907, "initialize", {"capabilities": {}}), -32600),
    "an unknown command": (request(908, "workspace/executeCommand", {"command": "tenny.dance"}), -32602),
    "a command without arguments": (request(909, "workspace/executeCommand", {"command": "tenny.ask"}), -32603),
    "a command with too few": (
        request(910, "workspace/executeCommand", {"command": "tenny.ask", "arguments": []}),
        -32602,
    ),
    "an answer to nobody": (frame({"jsonrpc": "2.0", "id": 9999, "result": {}}), None),
    "an answer without an id": (frame({"jsonrpc": "2.0", "result": {}}), None),
    "nothing to cancel": (notification("$/cancelRequest", {"id": 12345}), None),
    "an object to cancel": (notification("$/cancelRequest", {"id": {"a": 1}}), None),
    "a change of what is not open": (
        notification(
            "textDocument/didChange",
            {"textDocument": {"uri": "file:///no.py", "version": 1}, "contentChanges": [{"text": "x"}]},
        ),
        None,
    ),
    "half a character": (
        frame(
            b'{"jsonrpc":"2.0","method":"textDocument/didOpen","params":{"textDocument":{"uri":"file:///half.py",'
            b'"languageId":"python","version":1,"text":"import mlx.core as mx\\nx = \'\\ud800\'\\nmx.abs"}}}'
        ),
        None,
    ),
    "headers in lower case": (b"content-length:2\r\n\r\n{}", None),
    "lines that end otherwise": (b"Content-Length: 2\n\n{}", None),
    "two headers": (b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}", None),
    "no length": (b"Content-Type: x\r\n\r\n", None),
    "a negative length": (b"Content-Length: -5\r\n\r\n", None),
    "a length that is none": (b"Content-Length: abc\r\n\r\n", None),
    "a header without an end": (b"X: " + b"a" * 300_000 + b"\r\nContent-Length: 2\r\n\r\n{}", None),
    "empty lines": (b"\r\n\r\n\r\n", None),
}


@pytest.fixture(scope="module", params=["stdio", "TCP"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all that is malformed: it survives each."""
    folder = tmp_path_factory.mktemp("malformed")
    started = serving_tcp(folder, 300) if request.param == "TCP" else Server(SERVER, folder / "log", deadline_s=300)
    with started as server:
        server.session.initialize()
        server.session.open(URI, MX + "mx.abs\n")
        yield server


@pytest.mark.parametrize("kind", MALFORMED)
def test_what_is_malformed_is_answered_or_passed_over(kind: str, server: Server) -> None:
    data, code = MALFORMED[kind]
    server.session.write(data)

    if code is not None:
        with pytest.raises(ServerError) as raised:
            server.session.answer(json.loads(data.partition(b"\r\n\r\n")[2])["id"])
        assert raised.value.args[0] == code
    assert "mx.abs(" in str(server.session.hover(URI, 1, 4))


def test_a_frame_in_pieces_and_several_frames_at_once(server: Server) -> None:
    position = {"line": 1, "character": 4}
    frames = [request(number, "textDocument/hover", DOCUMENT | {"position": position}) for number in (951, 952, 953)]
    for start in range(0, len(frames[0]), 7):
        server.session.write(frames[0][start : start + 7])
        time.sleep(0.001)
    server.session.write(frames[1] + frames[2])

    for number in (951, 952, 953):
        assert "mx.abs(" in server.session.answer(number)["contents"]["value"]


@pytest.mark.skipif(sys.platform == "win32", reason="has no named pipes")
def test_what_is_no_file_is_not_read(server: Server, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "long.py").write_text("import mlx.core as mx\nmx.abs\n" + "#" * 10_000_000)
    for path in (tmp_path / "pipe.py", tmp_path / "long.py", Path("/dev/zero"), tmp_path):
        assert server.session.hover(path.as_uri(), 1, 4) is None
    (tmp_path / "short.py").write_text("import mlx.core as mx\nmx.abs\n")

    assert "mx.abs(" in str(server.session.hover((tmp_path / "short.py").as_uri(), 1, 4))


def test_requests_before_initialize_and_after_shutdown_are_refused(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        with pytest.raises(ServerError) as early:
            server.session.request("textDocument/hover", DOCUMENT | {"position": {"line": 0, "character": 0}})
        server.session.initialize()
        server.session.request("shutdown")
        with pytest.raises(ServerError) as late:
            server.session.request("textDocument/hover", DOCUMENT | {"position": {"line": 0, "character": 0}})
        server.session.notify("exit")
        assert server.exit_status() == 0

    assert (early.value.args[0], late.value.args[0]) == (-32002, -32600)


@pytest.mark.parametrize("start", [serving, serving_tcp], ids=["stdio", "TCP"])
def test_a_length_that_is_only_claimed_takes_no_memory(start: Any, tmp_path: Path) -> None:
    with start(tmp_path) as server:
        server.session.initialize()
        server.session.write(b"Content-Length: 999999999999999999\r\n\r\n{}")
        hang_up(server)

        assert server.exit_status() == 0
        assert "ended within a message" in server.log and "Traceback" not in server.log
        assert "MemoryError" not in server.log and "OverflowError" not in server.log


@pytest.mark.parametrize("how", ["hangs up", "resets", "says exit", "says shutdown and exit"])
def test_on_tcp_the_server_ends_with_its_client(how: str, tmp_path: Path) -> None:
    with serving_tcp(tmp_path) as server:
        assert server.connection is not None
        server.session.initialize()
        if how == "hangs up":
            hang_up(server)
        elif how == "resets":
            server.session.write(b"Content-Length: 99\r\n\r\n{")
            server.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(server.connection.detach())
        elif how == "says exit":
            server.session.notify("exit")
        else:
            server.session.end()

        assert server.exit_status() == (how == "says exit")
        assert "Traceback" not in server.log


def test_on_tcp_another_client_is_refused_and_hurts_nobody(server: Server) -> None:
    if server.connection is None:
        pytest.skip("nobody else comes to stdin")
    with socket.create_connection(server.connection.getpeername(), 60) as other:
        assert other.recv(1) == b""

    assert "mx.abs(" in str(server.session.hover(URI, 1, 4))


@pytest.mark.parametrize("text", ["\0", "x = '🙂\0'\r\n\tif x:\r        mx.abs", "\ufeff", "\r", "\t \t", "𝔘𝔫𝔦" * 100])
def test_texts_of_odd_characters(text: str, server: Server) -> None:
    uri = f"file:///odd{len(text)}.py"
    server.session.open(uri, text)
    for line in range(4):
        server.session.hover(uri, line, 3)
    position = {"line": 0, "character": 1}
    server.session.request("textDocument/completion", {"textDocument": {"uri": uri}, "position": position})
    server.session.request("textDocument/diagnostic", {"textDocument": {"uri": uri}})

    assert "Traceback" not in server.log.partition(uri)[2]


def test_a_file_of_50_000_lines(tmp_path: Path) -> None:
    code = MX + "def f(x):\n    y = mx.softmax(x, axis=-1)\n    return y\n" * 200 + "count = 1\n" * 49_399
    with Server(SERVER, tmp_path / "stderr.txt", deadline_s=240) as server:
        session = server.session.initialize()
        session.open(URI, code)
        for version, line in enumerate((2, 25_001, 50_000), 2):
            place = {"line": line, "character": 0}
            change = {"range": {"start": place, "end": place}, "text": "# typed\n"}
            document = {"uri": URI, "version": version}
            session.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})
            hovered = session.hover(URI, 3, 14)
            assert hovered and "mx.softmax(" in hovered
        assert session.request("textDocument/diagnostic", DOCUMENT)["kind"] == "full"
        session.end()
        assert server.exit_status() == 0


def test_two_servers_that_start_together_share_an_empty_cache(tmp_path: Path) -> None:
    environment = ENVIRONMENT | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    servers = [Server(SERVER, tmp_path / f"{name}.txt", environment=environment) for name in "ab"]
    with servers[0], servers[1]:
        for server in servers:
            server.session.initialize()
        for server in servers:
            server.session.open(URI, MX + "mx.abs")
            assert "mx.abs(" in str(server.session.hover(URI, 1, 4))
        for server in servers:
            server.session.end()
            assert (server.exit_status(), server.log) == (0, "")
    assert [file.suffix for file in (tmp_path / "cache" / "tenny-lsp" / "api").iterdir()] == [".json"]


@pytest.mark.skipif(sys.platform == "win32", reason="has no limits")
def test_a_disk_that_is_full_costs_the_cache_alone(tmp_path: Path) -> None:
    # No file may grow beyond 16 KiB: a write that would fails as on a full disk.
    command = ["sh", "-c", 'ulimit -f 32; exec "$@"', "sh", *SERVER]
    environment = ENVIRONMENT | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    with Server(command, tmp_path / "stderr.txt", environment=environment) as server:
        session = server.session.initialize()
        session.open(URI, MX + "mx.abs")
        assert "mx.abs(" in str(session.hover(URI, 1, 4))
        session.end()
        assert server.exit_status() == 0

    assert "could not be cached" in server.log
    assert [file for file in (tmp_path / "cache").rglob("*") if file.is_file()] == []


def children(pid: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    return [int(line) for line in found.split()]


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux's ps for children")
@pytest.mark.parametrize("how", ["hangs up", "is killed while it asks", "the server is killed"])
def test_when_the_editor_vanishes_no_process_is_left(how: str, tmp_path: Path) -> None:
    with Server(SERVER, tmp_path / "stderr.txt") as server:
        session = server.session.initialize({"model": {"enabled": True}})
        session.open(URI, "# TODO: fix this properly\n" + MX)
        session.request("workspace/executeCommand", {"command": "tenny.loadModel"})
        assert wait_for(lambda: bool(children(server.process.pid)), STARTED_IN_S) < STARTED_IN_S
        workers = children(server.process.pid)
        if how != "hangs up":
            range_ = {"start": {"line": 0, "character": 3}, "end": {"line": 0, "character": 3}}
            session.ask("workspace/executeCommand", {"command": "tenny.roastComment", "arguments": [URI, range_]})
        if how == "the server is killed":
            os.kill(server.process.pid, signal.SIGKILL)
        else:
            session.close()
            assert server.process.stdout is not None
            server.process.stdout.close()  # as the kernel does for an editor that was killed

        assert left_after([server.process.pid, *workers]) == ""


@pytest.mark.skipif(sys.platform == "win32", reason="asks ps for processes")
def test_when_the_editor_vanishes_a_thread_that_goes_on_holds_nobody(tmp_path: Path) -> None:
    with fake(tmp_path, "slow-index") as server:
        session = server.session.initialize()
        session.open(URI, MX + "mx.abs")
        session.ask_hover(URI, 1, 4)  # reads an index, for ever
        session.close()

        assert left_after([server.process.pid]) == ""
