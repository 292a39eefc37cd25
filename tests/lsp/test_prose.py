"""The model's sentence in a real server: never waited for, shown when it is there, dropped when it is wrong."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tenny_lsp.model.prompts import hover_question
from tests.lsp.session import Server, ServerError, Session, fake

URI = "file:///net.py"
CODE = "import mlx.nn as nn\nnn.ReLU()\nnn.Tanh()\nnn.GELU()\n"
RELU, TANH, GELU = (1, 4), (2, 4), (3, 4)
LARGE = {"path": "/models/large"}
AT_ONCE = {"hover": {"deadlineMs": 0}, "model": LARGE}
IN_TIME = {"hover": {"deadlineMs": 50_000}, "model": LARGE}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with fake(tmp_path) as server:
        server.session.initialize(AT_ONCE).open(URI, CODE)
        yield server
        server.session.end()
        assert server.exit_status() == 0
        assert "Traceback" not in server.log


@pytest.fixture
def session(server: Server) -> Session:
    return server.session


def wait_for_the_model(session: Session) -> None:
    session.notify("workspace/didChangeConfiguration", {"settings": {"tenny": IN_TIME}})


def asked_about(prompts: list[str]) -> list[str]:
    """Returns the questions of prompts that carry documentation."""
    return [prompt.rpartition("Q: ")[2].removesuffix("\nA:") for prompt in prompts]


def prose(card: str | None) -> str | None:
    assert card is not None and card.startswith("```python\nclass nn.")
    return card.partition("**Tenny:** ")[2] or None


def test_late_now_and_there_the_next_time(session: Session) -> None:
    assert prose(session.hover(URI, *RELU)) is None

    session.notify("fake/reply", {"text": "mlx.nn.ReLU Keeps what is positive."})
    wait_for_the_model(session)

    assert prose(session.hover(URI, *RELU)) == "Keeps what is positive."
    assert asked_about(session.request("fake/asked")) == [hover_question("nn.ReLU")]


def test_in_time(session: Session) -> None:
    wait_for_the_model(session)
    waiting = session.ask_hover(URI, *RELU)
    session.notify("fake/reply", {"text": "Keeps what is positive."})

    assert prose(session.answer(waiting)["contents"]["value"]) == "Keeps what is positive."


def test_the_embedded_model_is_not_asked(session: Session) -> None:
    embedded = {"hover": {"deadlineMs": 50_000}}
    session.notify("workspace/didChangeConfiguration", {"settings": {"tenny": embedded}})

    assert prose(session.hover(URI, *RELU)) is None
    assert session.request("fake/asked") == []


def test_what_is_not_grounded_is_not_shown(session: Session) -> None:
    wait_for_the_model(session)
    for place, text in ((RELU, "Calls mx.rectify on it."), (TANH, "mlx.nn.ReLU Keeps what is positive.")):
        session.notify("fake/reply", {"text": text})
        assert prose(session.hover(URI, *place)) is None

    session.notify("fake/reply", {"text": "Is smooth."})
    assert prose(session.hover(URI, *GELU)) == "Is smooth."


@pytest.mark.parametrize("kind", ["AdapterError", "BaseModelError", "ModelUnavailable"])
def test_a_model_that_fails_leaves_the_facts_and_a_line_in_the_log(kind: str, server: Server) -> None:
    session = server.session
    wait_for_the_model(session)
    for place in (RELU, TANH):
        session.notify("fake/reply", {"kind": kind, "text": "The adapter is torn"})
        assert prose(session.hover(URI, *place)) is None

    assert server.log.count("The adapter is torn. Mend it.") == 1
    session.notify("fake/reply", {"text": "Keeps what is positive."})
    assert prose(session.hover(URI, *RELU)) == "Keeps what is positive."


def test_a_cancelled_hover_is_answered_so_and_its_question_goes_on(session: Session) -> None:
    wait_for_the_model(session)
    waiting = session.ask_hover(URI, *RELU)
    session.notify("$/cancelRequest", {"id": waiting})
    with pytest.raises(ServerError, match="-32800"):
        session.answer(waiting)

    session.notify("fake/reply", {"text": "Keeps what is positive."})

    assert prose(session.hover(URI, *RELU)) == "Keeps what is positive."
    assert len(session.request("fake/asked")) == 1


def test_a_slow_model_holds_up_nobody_else(session: Session) -> None:
    wait_for_the_model(session)
    waiting = session.ask_hover(URI, *RELU)

    assert session.hover(URI, 0, 0) is None
    while not (asked := session.request("fake/asked")):
        pass  # the index is being read
    assert asked_about(asked) == [hover_question("nn.ReLU")]
    session.notify("fake/reply", {"text": "Keeps what is positive."})
    assert session.answer(waiting)


def test_a_hover_that_is_cancelled_before_the_index_is_read_spoils_nothing(tmp_path: Path) -> None:
    with fake(tmp_path, "slow-index") as server:
        session = server.session.initialize(AT_ONCE)
        session.open(URI, CODE)
        first, second = session.ask_hover(URI, *RELU), session.ask_hover(URI, *TANH)
        session.notify("$/cancelRequest", {"id": first})
        with pytest.raises(ServerError, match="-32800"):
            session.answer(first)

        session.notify("fake/release")

        assert session.answer(second)["contents"]["value"].startswith("```python\nclass nn.Tanh")
        session.end()


@pytest.mark.skipif(sys.platform == "win32", reason="needs named pipes")
@pytest.mark.parametrize("goodbye", [Session.end, Session.close], ids=["shutdown", "hanging up"])
def test_no_child_outlives_the_server(goodbye, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    pipe = tmp_path / "alive"
    os.mkfifo(pipe)
    with fake(tmp_path, "worker", str(pipe)) as server:
        session = server.session.initialize(AT_ONCE)
        session.open(URI, CODE)
        assert prose(session.hover(URI, *RELU)) is None
        with pipe.open("rb") as alive:  # opens when the worker has opened its end
            goodbye(session)
            assert server.exit_status() == 0
            assert alive.read() == b""
