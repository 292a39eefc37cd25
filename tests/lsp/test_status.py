"""What an editor is told of the server, and the commands that load and unload the model."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lsp.session import Server, Session, fake, serving

STATUS = "experimental/serverStatus"
WANTED = {"experimental": {"serverStatusNotification": True}}
LARGE = {"hover": {"deadlineMs": 50_000}, "model": {"path": "/models/large"}}
URI = "file:///net.py"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with fake(tmp_path) as server:
        server.session.initialize(LARGE, capabilities=WANTED)
        yield server
        server.session.end()
        assert server.exit_status() == 0
        assert "Traceback" not in server.log


@pytest.fixture
def session(server: Server) -> Session:
    return server.session


def until(session: Session, **wanted: object) -> Any:
    """Returns the first status with these values."""
    while not wanted.items() <= (now := session.notification(STATUS)).items():
        pass
    return now


def command(session: Session, name: str) -> None:
    session.request("workspace/executeCommand", {"command": name, "arguments": []})


def test_it_begins_with_the_documentation_being_read(session: Session) -> None:
    first = session.notification(STATUS)
    assert first["quiescent"] is False and first["api"] == "MLX's documentation is being read"
    then = until(session, quiescent=True)
    assert then["health"] == "ok" and then["reason"] == ""
    assert then["message"] == f"{then['api']} · the model is loaded when it is needed"


def test_it_follows_the_model(session: Session) -> None:
    until(session, quiescent=True)
    session.notify("fake/becomes", {"phase": "loading", "reason": ""})
    assert until(session, model="the model is being loaded")["quiescent"] is False
    session.notify("fake/becomes", {"phase": "backing off", "reason": "It ended (SIGKILL). It starts again."})
    backing_off = session.notification(STATUS)
    assert (backing_off["health"], backing_off["reason"]) == ("warning", "It ended (SIGKILL). It starts again.")
    session.notify("fake/becomes", {"phase": "failed", "reason": "It ended 5 times in a row."})
    assert session.notification(STATUS)["health"] == "error"


def test_it_says_why_hovers_have_no_sentence_until_they_have_one(session: Session) -> None:
    session.open(URI, "import mlx.nn as nn\nnn.ReLU()\nnn.Tanh()\n")
    session.notify("fake/reply", {"kind": "AdapterError", "text": "The adapter is torn"})
    session.hover(URI, 1, 4)
    assert until(session, model="the model does not answer")["reason"] == "The adapter is torn. Mend it."

    session.notify("fake/reply", {"text": "Is smooth."})
    session.hover(URI, 2, 4)
    assert until(session, health="ok")["reason"] == ""


def test_an_unloaded_model_comes_back_only_when_it_is_asked_to(session: Session) -> None:
    until(session, quiescent=True)
    command(session, "tenny.unloadModel")
    assert "Load Model" in until(session, model="no model")["reason"]
    session.notify("workspace/didChangeConfiguration", {"settings": {"tenny": {"model": {"path": "/models/other"}}}})
    session.open(URI, "import mlx.nn as nn\nnn.ReLU()\n")
    assert "Tenny:" not in (session.hover(URI, 1, 4) or "")

    command(session, "tenny.loadModel")
    until(session, model="the model is ready")


def test_a_model_that_is_switched_off_is_said_to_be(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        session = server.session.initialize(capabilities=WANTED)
        status = until(session, quiescent=True)
        assert status["model"] == "no model" and "tenny.model.enabled" in status["reason"]
        command(session, "tenny.loadModel")
        session.end()
        assert "Traceback" not in server.log


def test_an_interpreter_without_mlx_is_named(tmp_path: Path) -> None:
    bare = str(tmp_path / "bin" / "python")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text("#!/bin/sh\necho '[]'\n")
    (tmp_path / "bin" / "python").chmod(0o755)
    with serving(tmp_path) as server:
        session = server.session.initialize({"python": bare, "model": {"enabled": False}}, capabilities=WANTED)
        assert bare in until(session, quiescent=True)["reason"]
        session.end()


def test_nobody_is_told_who_has_not_asked(tmp_path: Path) -> None:
    with fake(tmp_path) as server:
        session = server.session.initialize(LARGE)
        session.open(URI, "import mlx.nn as nn\nnn.ReLU()\n")
        session.notify("fake/reply", {"text": "Keeps what is positive."})
        assert session.hover(URI, 1, 4)
        session.end()
        assert STATUS not in session.heard_so_far


def test_each_folder_has_an_interpreter_of_its_own(tmp_path: Path) -> None:
    """The first has MLX as this test has it; the second one in which only a made-up MLX lies."""
    site = tmp_path / "site"
    (site / "mlx" / "core").mkdir(parents=True)
    (site / "mlx" / "core" / "__init__.pyi").write_text('def conjure(a: int) -> int:\n    """Conjures."""\n')
    (site / "mlx" / "nn").mkdir()
    (site / "mlx" / "nn" / "__init__.py").write_text("")
    (site / "mlx-9.9.dist-info").mkdir()
    (site / "mlx-9.9.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: mlx\nVersion: 9.9\n")
    other = tmp_path / "python"
    other.write_text(f"#!/bin/sh\necho '[\"{site}\"]'\n")
    other.chmod(0o755)
    folders = [{"uri": f"file:///{name}", "name": name} for name in ("one", "two")]
    able = {"workspace": {"configuration": True, "workspaceFolders": True}}
    with serving(tmp_path) as server:
        session = server.session.initialize(capabilities=able, folders=folders)
        asked = session.heard("workspace/configuration")
        assert [item["section"] for item in asked["params"]["items"]] == ["tenny.python"] * 2
        session.reply(asked, [sys.executable, str(other)])
        for name, word in (("one", "abs"), ("two", "conjure")):
            session.open(f"file:///{name}/net.py", f"import mlx.core as mx\nmx.{word}\n")
            for asking in ("one", "two"):
                card = session.hover(f"file:///{name}/net.py", 1, 4)
                assert card and word in card, asking
        session.open("file:///two/other.py", "import mlx.core as mx\nmx.abs\n")
        assert "mlx 9.9" not in (session.hover("file:///two/other.py", 1, 4) or "")
        session.end()
