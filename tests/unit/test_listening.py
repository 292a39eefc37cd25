"""Taking connections on a socket: who may, and when the last one has gone."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tenny_lsp.model import wire
from tenny_lsp.worker import clients, listening
from tenny_lsp.worker.clients import SocketClient
from tenny_lsp.worker.listening import Listener
from tenny_lsp.worker.worker import Worker


class Served:
    """A worker that never loads its model, listening in a thread."""

    def __init__(self, path: Path, linger_s: float, inode: int = 0) -> None:
        self.path = path
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()
        self.listener = Listener(Worker(path), listener, path, inode or path.stat().st_ino, linger_s)
        self.thread = threading.Thread(target=self.listener.serve, daemon=True)
        self.thread.start()

    def end(self) -> None:
        self.thread.join(10)
        assert not self.thread.is_alive()

    def connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(10)
        connection.connect(str(self.path))
        return connection


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="run-") as folder:
        yield Path(folder)


HELLO = wire.encode(wire.Hello(wire.VERSION))


LEAVE = wire.encode(wire.Leave())


def test_everybody_is_greeted_and_a_while_after_the_last_it_ends(folder: Path) -> None:
    served = Served(folder / "a.sock", linger_s=0.5)
    one, two = served.connect(), served.connect()
    assert one.recv(100) == two.recv(100) == HELLO
    one.sendall(LEAVE)
    one.close()
    time.sleep(0.8)
    assert served.thread.is_alive()
    two.sendall(LEAVE)
    two.close()
    time.sleep(0.2)
    assert served.thread.is_alive()
    served.end()

    assert not served.path.exists()


def test_when_the_last_one_vanishes_it_ends_at_once(folder: Path) -> None:
    served = Served(folder / "a.sock", linger_s=100)
    with served.connect() as one, served.connect() as two:
        assert one.recv(100) == two.recv(100) == HELLO
        one.close()
        time.sleep(0.2)
        assert served.thread.is_alive()
    served.end()

    assert not served.path.exists()


def test_who_has_gone_as_usual_finds_it_although_another_vanishes(folder: Path) -> None:
    served = Served(folder / "a.sock", linger_s=100)
    with served.connect() as one, served.connect() as two:
        assert one.recv(100) == two.recv(100) == HELLO
        one.sendall(LEAVE)
        assert one.recv(100) == b""
    time.sleep(0.3)
    assert served.thread.is_alive()
    with served.connect() as three:
        assert three.recv(100) == HELLO
    served.end()


def test_nobody_waits_long_for_a_first_client_that_was_killed(folder: Path) -> None:
    served = Served(folder / "a.sock", linger_s=100)
    served.end()

    assert not served.path.exists()


def test_another_user_is_sent_away(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "peer_uid", lambda connection: os.geteuid() + 1)
    served = Served(folder / "a.sock", linger_s=1)

    with served.connect() as connection:
        assert connection.recv(100) == b""
    served.end()


def test_a_socket_that_another_worker_has_put_there_is_left(folder: Path) -> None:
    served = Served(folder / "a.sock", linger_s=0.1, inode=1)
    served.end()

    assert served.path.exists()


def test_a_socket_that_somebody_has_removed_is_no_trouble(folder: Path) -> None:
    served = Served(folder / "a.sock", linger_s=0.5)
    served.path.unlink()
    served.end()


def test_nobody_waits_for_a_client_that_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "_MOST_UNREAD_EVENTS", 10)
    ours, theirs = socket.socketpair()
    client = SocketClient(ours)
    begun_s = time.monotonic()
    for number in range(200):
        client.send(wire.Token(number, "x" * 10_000))

    assert time.monotonic() - begun_s < 5
    assert list(client.requests()) == []  # it has been left
    theirs.close()


def test_a_request_without_end_is_none() -> None:
    ours, theirs = socket.socketpair()
    client = SocketClient(ours)
    thread = threading.Thread(target=theirs.sendall, args=(b"short\n" + b"x" * ((1 << 22) + 1),))
    thread.start()

    assert list(client.requests()) == [b"short\n"]
    client.close()
    thread.join(10)
    theirs.close()


def test_what_is_left_is_sent_before_a_client_is_left() -> None:
    ours, theirs = socket.socketpair()
    client = SocketClient(ours)
    failure = wire.Failure("base", "It is torn", "Mend it.")
    client.send(failure)
    client.close()

    assert theirs.recv(1000) == wire.encode(failure) and theirs.recv(1000) == b""
    theirs.close()
