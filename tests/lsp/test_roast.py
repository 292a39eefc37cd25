"""Roasts and reviews in a real server: what is offered, shown, inserted, published and taken back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tenny_lsp.features.repertoire import repertoire
from tenny_lsp.model.prompts import SENTIMENTS
from tests.lsp.conftest import HOME
from tests.lsp.session import Server, ServerError, Session, fake

URI = "file:///net.py"
CODE = """\
import mlx.core as mx

# temporary hack, remove after the demo
x = 1


def f(items=[]):
    try:
        return items[0] * 0.7978
    except:
        pass  # temporary hack too
"""
COMMENT = {"line": 2, "character": 4}
ABLE = {
    "window": {"showMessage": {}, "workDoneProgress": True},
    "workspace": {"workspaceEdit": {"documentChanges": True}},
    "textDocument": {"diagnostic": {}},
}
#: A client that asks for pitfalls and is told of nothing but remarks.
ASKING = {"textDocument": {"diagnostic": {}}}
OPTIONS = {"model": {"path": "/models/large"}, "roast": {"adapterPath": "/an/adapter"}}
#: With the model that comes with Tenny, which writes nothing.
EMBEDDED = {"roast": {"adapterPath": "/an/adapter"}}
REMARK = "The demo is short, and the hack has tenure now."
OTHER = "Remove it, and the demo removes you."


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    (HOME / "cache" / "tenny-lsp" / "said.json").unlink(missing_ok=True)  # what the tests before have said
    with fake(tmp_path) as server:
        yield server
        server.session.end()
        assert server.exit_status() == 0
        assert "Traceback" not in server.log


def started(server: Server, capabilities: dict[str, Any] = ABLE, options: object = OPTIONS) -> Session:
    session = server.session.initialize(options, capabilities=capabilities)
    session.open(URI, CODE)
    return session


def actions(session: Session, start: dict[str, int], end: dict[str, int], *only: str) -> list[dict[str, Any]]:
    context = {"diagnostics": []} | ({"only": list(only)} if only else {})
    params = {"textDocument": {"uri": URI}, "range": {"start": start, "end": end}, "context": context}
    found: list[dict[str, Any]] = session.request("textDocument/codeAction", params) or []
    return [action for action in found if action["kind"] == "refactor.rewrite.tenny"]


def ask_command(session: Session, name: str, *arguments: object) -> int:
    return session.ask("workspace/executeCommand", {"command": name, "arguments": list(arguments)})


def agree(session: Session) -> Any:
    """Lets the server show progress and returns its token."""
    request = session.heard("window/workDoneProgress/create")
    session.reply(request, None)
    return request["params"]["token"]


def roasted(session: Session, *remarks: str) -> dict[str, Any]:
    """Asks for a roast and returns the request that shows it."""
    waiting = ask_command(session, "tenny.roastComment", URI, COMMENT)
    agree(session)
    session.notify("fake/remarks", {"texts": list(remarks)})
    session.answer(waiting)
    return session.heard("window/showMessageRequest")


def edit(session: Session, version: int, line: int, text: str) -> None:
    start = {"line": line, "character": 0}
    document = {"uri": URI, "version": version}
    changes = [{"range": {"start": start, "end": start}, "text": text}]
    session.notify("textDocument/didChange", {"textDocument": document, "contentChanges": changes})


def test_it_is_offered_on_comments_docstrings_and_selections_only(server: Server) -> None:
    session = started(server)
    code, far = {"line": 3, "character": 0}, {"line": 7, "character": 4}

    (action,) = actions(session, COMMENT, COMMENT)

    assert action["title"] == "Tenny: roast this comment"
    assert action["command"]["command"] == "tenny.roastComment"
    assert action["command"]["arguments"] == [URI, COMMENT]
    assert actions(session, COMMENT, COMMENT, "refactor") == actions(session, COMMENT, COMMENT, "") == [action]
    assert actions(session, COMMENT, COMMENT, "quickfix") == actions(session, code, code) == []
    assert [action["title"] for action in actions(session, code, far)] == ["Tenny: roast this selection"]


def test_it_can_be_switched_off(server: Server) -> None:
    session = started(server, options={"roast": {"enabled": False}})

    assert actions(session, COMMENT, COMMENT) == []


def test_a_roast_is_returned_and_shown_and_again_shows_another(server: Server) -> None:
    session = started(server)
    waiting = ask_command(session, "tenny.roastComment", URI, COMMENT)
    token = agree(session)
    session.notify("fake/remarks", {"texts": ["mumble", REMARK]})

    assert session.answer(waiting) == {
        "comment": "temporary hack, remove after the demo",
        "sentiment": "Negative",
        "roast": REMARK,
    }
    shown = [session.heard("$/progress")["params"] for _ in range(4)]
    assert {part["token"] for part in shown} == {token}
    assert [part["value"]["kind"] for part in shown] == ["begin", "report", "report", "end"]
    message = session.heard("window/showMessageRequest")
    assert message["params"]["message"] == REMARK
    titles = [action["title"] for action in message["params"]["actions"]]
    assert titles == ["Insert as comment", "Again", "Dismiss"]
    session.reply(message, {"title": "Again"})
    agree(session)
    session.notify("fake/remarks", {"texts": [REMARK, OTHER]})
    again = session.heard("window/showMessageRequest")
    assert again["params"]["message"] == OTHER
    session.reply(again, None)


def test_the_embedded_model_chooses_among_hand_written_remarks_and_never_the_same_twice(server: Server) -> None:
    session = started(server, options=EMBEDDED)
    waiting = ask_command(session, "tenny.roastComment", URI, COMMENT)
    agree(session)

    first = session.answer(waiting)["roast"]

    message = session.heard("window/showMessageRequest")
    session.reply(message, {"title": "Again"})
    agree(session)
    again = session.heard("window/showMessageRequest")["params"]["message"]
    assert message["params"]["message"] == first != again
    assert {first, again} <= {written.response for written in repertoire().reserve}


def test_insert_writes_a_comment_below_it(server: Server) -> None:
    session = started(server)
    session.reply(roasted(session, REMARK), {"title": "Insert as comment"})

    request = session.heard("workspace/applyEdit")

    session.reply(request, {"applied": True})
    (change,) = request["params"]["edit"]["documentChanges"]
    place = {"line": 2, "character": 39}
    assert change["textDocument"] == {"uri": URI, "version": 1}
    assert change["edits"] == [{"range": {"start": place, "end": place}, "newText": f"\n# {REMARK}"}]


def test_a_comment_that_has_moved_is_found(server: Server) -> None:
    session = started(server)
    message = roasted(session, REMARK)

    edit(session, 2, 0, "# new\n\n")
    session.reply(message, {"title": "Insert as comment"})

    request = session.heard("workspace/applyEdit")
    session.reply(request, {"applied": True})
    (change,) = request["params"]["edit"]["documentChanges"]
    assert change["textDocument"]["version"] == 2
    assert change["edits"][0]["range"]["start"] == {"line": 4, "character": 39}


@pytest.mark.parametrize(
    ("line", "text", "said"),
    [
        (2, "# why\n", "The text has changed: nothing was inserted."),
        (2, "x = '''", "A comment cannot stand there: nothing was inserted."),
        (0, "x = '''\n", "A comment cannot stand there: nothing was inserted."),
        (0, "'''\n# temporary hack, remove after the demo\n'''\n", "The text has changed: nothing was inserted."),
    ],
)
def test_a_comment_that_is_none_any_more_is_left_alone(line: int, text: str, said: str, server: Server) -> None:
    session = started(server)
    message = roasted(session, REMARK)

    edit(session, 2, line, text)
    session.reply(message, {"title": "Insert as comment"})

    assert session.heard("window/showMessage")["params"]["message"] == said


def test_a_client_that_can_do_nothing_is_told(server: Server) -> None:
    session = started(server, capabilities=ASKING)
    waiting = ask_command(session, "tenny.roastComment", URI, COMMENT)
    session.notify("fake/remarks", {"texts": [REMARK]})

    assert session.answer(waiting)["roast"] == REMARK
    session.refuse(session.heard("window/showMessageRequest"), -32601)
    assert session.heard("window/showMessage")["params"]["message"] == REMARK
    assert (
        session.request(
            "workspace/executeCommand",
            {"command": "tenny.roastComment", "arguments": [URI, {"line": 3, "character": 0}]},
        )
        is None
    )
    assert session.heard("window/showMessage")["params"]["message"] == "There is no comment here."


def test_a_model_that_fails_is_logged_and_a_hand_written_remark_made(server: Server) -> None:
    session = started(server, capabilities=ASKING)
    waiting = ask_command(session, "tenny.roastComment", URI, COMMENT)
    session.notify("fake/remarks", {"kind": "AdapterError"})

    answer = session.answer(waiting)

    assert answer["roast"] and answer["sentiment"] in SENTIMENTS
    assert "It is torn. Mend it." in server.log


@pytest.mark.parametrize("how", ["request", "progress"])
def test_a_roast_can_be_cancelled(how: str, server: Server) -> None:
    session = started(server)
    waiting = ask_command(session, "tenny.roastComment", URI, COMMENT)
    token = agree(session)
    assert session.heard("$/progress")["params"]["value"]["kind"] == "begin"

    if how == "request":
        session.notify("$/cancelRequest", {"id": waiting})
    else:
        session.notify("window/workDoneProgress/cancel", {"token": token})

    with pytest.raises(ServerError, match="-32800"):
        session.answer(waiting)
    assert session.heard("$/progress")["params"]["value"]["kind"] == "end"


def published(session: Session) -> list[tuple[int, str]]:
    """Returns what is published next, as lines and messages."""
    params = session.heard("textDocument/publishDiagnostics")["params"]
    assert params["uri"] == URI
    for diagnostic in params["diagnostics"]:
        assert (diagnostic["severity"], diagnostic["source"], diagnostic["code"]) == (3, "Tenny", "cynical-review")
    return [(found["range"]["start"]["line"], found["message"]) for found in params["diagnostics"]]


def review(session: Session, count: int, *arguments: object) -> list[tuple[int, str]]:
    """Reviews with a remark of its own for each of ``count`` subjects and returns what is published at last."""
    waiting = ask_command(session, "tenny.cynicalReview", URI, *arguments)
    for number in range(count):
        session.notify("fake/remarks", {"texts": [f"Subject {number} of the review has a cache."]})
    assert session.answer(waiting) == {"remarks": count}
    return [published(session) for _ in range(count + 1)][-1]


def test_a_review_says_what_is_so_and_what_it_thinks(server: Server) -> None:
    session = started(server, capabilities=ASKING)

    found = dict(review(session, 5))

    assert [found.pop(line) for line in (2, 10)] == [
        f"Subject {number} of the review has a cache." for number in (0, 1)
    ]
    facts = {
        6: "The default of items is made once and shared by every call. ",
        8: "0.7978 stands here without a name. ",
        9: "A bare except catches KeyboardInterrupt and SystemExit too. ",
    }
    assert set(found) == set(facts)
    assert all(said.startswith(facts[line]) and said != facts[line] for line, said in found.items())


def test_a_remark_moves_with_its_line_and_ends_with_it(server: Server) -> None:
    session = started(server, capabilities=ASKING)
    before = review(session, 5)

    edit(session, 2, 4, "y = 2\n")
    assert [line for line, _ in published(session)] == [2, 7, 9, 10, 11]
    edit(session, 3, 7, "async ")
    assert [line for line, _ in published(session)] == [2, 9, 10, 11]
    edit(session, 4, 0, "# top\n")
    assert published(session)[0] == (3, before[0][1])
    session.request("workspace/executeCommand", {"command": "tenny.clearReview", "arguments": [URI]})
    assert published(session) == []


def test_a_range_is_reviewed_alone_and_closing_takes_it_back(server: Server) -> None:
    session = started(server, capabilities=ASKING)
    part = {"start": {"line": 2, "character": 0}, "end": {"line": 4, "character": 0}}

    assert [line for line, _ in review(session, 1, part)] == [2]

    session.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    assert published(session) == []


def test_a_review_goes_on_without_a_model_that_fails(server: Server) -> None:
    session = started(server, capabilities=ASKING)
    waiting = ask_command(session, "tenny.cynicalReview", URI)
    session.notify("fake/remarks", {"texts": ["Subject 0 of the review has a cache."]})
    session.notify("fake/remarks", {"kind": "ModelUnavailable"})

    assert session.answer(waiting) == {"remarks": 5}
    assert "It is torn. Mend it." in server.log


def test_a_review_shows_its_progress_and_can_be_cancelled(server: Server) -> None:
    session = started(server)
    waiting = ask_command(session, "tenny.cynicalReview", URI)
    token = agree(session)
    session.notify("fake/remarks", {"texts": ["Subject 0 of the review has a cache."]})
    values = [session.heard("$/progress")["params"]["value"] for _ in range(2)]
    assert values[1] == {"kind": "report", "message": "1 of 5", "percentage": 20}

    session.notify("window/workDoneProgress/cancel", {"token": token})

    with pytest.raises(ServerError, match="-32800"):
        session.answer(waiting)
    assert [published(session) for _ in range(2)][-1] == [(2, "Subject 0 of the review has a cache.")]


def test_a_question_is_answered_and_shown(server: Server) -> None:
    session = started(server, capabilities=ASKING)
    waiting = ask_command(session, "tenny.ask", "what replaces torch.cat?")
    session.notify("fake/reply", {"text": " nothing that is known to be so"})

    answer = session.answer(waiting)

    assert answer["answer"] == "torch.cat is mx.concatenate in MLX. dim is called axis."
    assert answer["sources"][0]["name"] == "mlx.core.concatenate"
    shown = f"{answer['answer']}\n\n```python\n{answer['code']}\n```"
    assert session.heard("window/showMessage")["params"]["message"] == shown


def test_the_embedded_model_answers_in_the_documentations_words_or_not_at_all(server: Server) -> None:
    session = started(server, capabilities=ASKING, options=EMBEDDED)
    waiting = ask_command(session, "tenny.ask", "what does mx.concatenate do?")
    session.notify("fake/reply", {"text": "mx.concatenate Dissolves every tensor."})

    answer = session.answer(waiting)

    assert not answer["generated"]
    assert "Concatenate the arrays along the given axis." in answer["answer"]


def test_a_client_that_does_not_ask_is_told_of_pitfalls_and_remarks_together(server: Server) -> None:
    session = started(server, capabilities={"textDocument": {}})
    edit(session, 2, 3, "y = mx.cat([x, x])\n")
    while not session.notification("textDocument/publishDiagnostics")["diagnostics"]:
        pass  # nothing is wrong yet
    waiting = ask_command(session, "tenny.cynicalReview", URI)
    for number in range(6):
        session.notify("fake/remarks", {"texts": [f"Subject {number} of the review has a cache."]})
    assert session.answer(waiting) == {"remarks": 6}

    told = [session.notification("textDocument/publishDiagnostics")["diagnostics"] for _ in range(7)][-1]

    remarks = [diagnostic for diagnostic in told if diagnostic["code"] == "cynical-review"]
    (pitfall,) = [diagnostic for diagnostic in told if diagnostic["code"] != "cynical-review"]
    assert len(remarks) == 6
    about = [remark for remark in remarks if remark["range"] == pitfall["range"]]
    assert [remark["message"].startswith(pitfall["message"]) for remark in about] == [True]


def open_cells(session: Session, *cells: str) -> list[str]:
    """Opens a notebook and returns its cells' URIs."""
    items = [
        {"uri": f"file:///n.ipynb#{number}", "languageId": "python", "version": 1, "text": text}
        for number, text in enumerate(cells)
    ]
    notebook = {
        "uri": "file:///n.ipynb",
        "notebookType": "jupyter-notebook",
        "version": 1,
        "cells": [{"kind": 2, "document": item["uri"]} for item in items],
    }
    session.notify("notebookDocument/didOpen", {"notebookDocument": notebook, "cellTextDocuments": items})
    return [str(item["uri"]) for item in items]


def test_a_cell_is_roasted_and_reviewed_in_its_own_lines(server: Server) -> None:
    session = started(server)
    _, uri, _ = open_cells(session, "%time\n# first\n", "x = 1\n# temporary", "# third\n")
    waiting = ask_command(session, "tenny.roastComment", uri, {"line": 1, "character": 4})
    agree(session)
    session.notify("fake/remarks", {"texts": [REMARK]})
    assert session.answer(waiting)["comment"] == "temporary"

    session.reply(session.heard("window/showMessageRequest"), {"title": "Insert as comment"})

    request = session.heard("workspace/applyEdit")
    session.reply(request, {"applied": True})
    (change,) = request["params"]["edit"]["documentChanges"]
    place = {"line": 1, "character": 11}
    assert change["textDocument"]["uri"] == uri
    assert change["edits"] == [{"range": {"start": place, "end": place}, "newText": f"\n# {REMARK}"}]

    waiting = ask_command(session, "tenny.cynicalReview", uri)
    agree(session)
    session.notify("fake/remarks", {"texts": [OTHER]})
    assert session.answer(waiting) == {"remarks": 1}
    told = [session.heard("textDocument/publishDiagnostics")["params"] for _ in range(2)][-1]
    assert told["uri"] == uri
    assert [d["range"]["start"]["line"] for d in told["diagnostics"]] == [1]
