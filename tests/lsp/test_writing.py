"""Completions and inline completions in a real server, with a model that the test speaks for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lsp.session import Server, Session, fake

URI = "file:///net.py"
CODE = "import mlx.core as mx\nx = mx.\n"
DOT = {"textDocument": {"uri": URI}, "position": {"line": 1, "character": 7}}
AT_ONCE = {"completion": {"deadlineMs": 0}, "inline": {"enabled": "on", "debounceMs": 0}}
IN_TIME = AT_ONCE | {"completion": {"deadlineMs": 50_000}}


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


def first(completion: Any) -> str:
    label: str = completion["items"][0]["label"]
    return label


def inline(session: Session, *, line: int = 1, character: int = 7, trigger: int = 1) -> Any:
    return session.ask(
        "textDocument/inlineCompletion",
        {"textDocument": {"uri": URI}, "position": {"line": line, "character": character}}
        | {"context": {"triggerKind": trigger}},
    )


def test_late_scores_are_there_at_the_next_keystroke(session: Session) -> None:
    before = session.request("textDocument/completion", DOT)
    assert before["isIncomplete"] and first(before) != "arange"

    session.notify("fake/reply", {"text": '{"arange": 0.0}'})
    session.notify("workspace/didChangeConfiguration", {"settings": {"tenny": IN_TIME}})

    assert first(session.request("textDocument/completion", DOT)) == "arange"
    assert session.request("fake/asked") == ["import mlx.core as mx\nx = mx."]


def test_a_typed_alias_is_asked_about_before_its_dot(session: Session) -> None:
    for line, character, text in ((1, 7, ""), (1, 5, "x")):
        start = {"line": line, "character": character}
        span = {"start": start if text else {"line": 1, "character": 5}, "end": start}
        change = {"range": span, "text": text}
        session.notify(
            "textDocument/didChange", {"textDocument": {"uri": URI, "version": 9}, "contentChanges": [change]}
        )

    asked: list[str] = []
    while not asked:
        asked = session.request("fake/asked")

    assert asked == ["import mlx.core as mx\nx = mx."]


def test_an_invoked_line(session: Session) -> None:
    question = inline(session)
    session.notify("fake/reply", {"text": "zeros((2, 3))\ny = 1\n"})

    assert session.answer(question) == {"items": [{"insertText": "zeros((2, 3))"}]}


def test_the_next_request_ends_the_one_before(session: Session) -> None:
    earlier, later = inline(session), inline(session)
    session.notify("fake/reply", {"text": "zeros(3)\n"})

    assert session.answer(earlier) is None
    assert session.answer(later) == {"items": [{"insertText": "zeros(3)"}]}


def test_a_cancelled_request_leaves_the_server_alone(session: Session) -> None:
    question = inline(session)
    session.notify("$/cancelRequest", {"id": question})
    again = inline(session, trigger=2)
    session.notify("fake/reply", {"text": "ones(3)\n"})

    assert session.answer(again) == {"items": [{"insertText": "ones(3)"}]}


@pytest.mark.parametrize("enabled", ["auto", "off"])
def test_the_embedded_base_writes_nothing_unless_it_is_asked_to(session: Session, enabled: str) -> None:
    settings = {"settings": {"tenny": AT_ONCE | {"inline": {"enabled": enabled}}}}
    session.notify("workspace/didChangeConfiguration", settings)

    assert session.answer(inline(session)) is None
    assert session.request("fake/asked") == []


def test_a_failing_model_is_no_error(session: Session) -> None:
    question = inline(session)
    session.notify("fake/reply", {"kind": "ModelUnavailable"})

    assert session.answer(question) is None


def test_what_is_announced(tmp_path: Path) -> None:
    with fake(tmp_path) as server:
        announced = server.session.initialize().capabilities
        server.session.end()

    assert announced["completionProvider"] == {"triggerCharacters": [".", "="], "resolveProvider": True}
    assert announced["inlineCompletionProvider"] == {}
