"""What real editors say otherwise than the protocol has it, and what they tell every server: understood, no noise."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lsp.session import Server, ServerError, serving

URI = "file:///net.py"
CODE = "import mlx.core as mx\n\n# temporary hack, remove after the demo\ny = mx.cat([x, x])\n"
COMMENT = {"line": 2, "character": 4}
CAT = {"line": 3, "character": 8}
ABS, WITHIN = {"line": 1, "character": 4}, {"line": 1, "character": 7}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path) as server:
        server.session.initialize()
        server.session.open(URI, CODE)
        yield server
        server.session.end()
        assert server.exit_status() == 0
        assert server.log == ""


def roasted(server: Server) -> str:
    answer = server.session.request(
        "workspace/executeCommand", {"command": "tenny.roastComment", "arguments": [URI, COMMENT]}
    )
    return str(answer["roast"])


def test_neovim_asks_for_a_kind_of_code_action_that_is_no_list(server: Server) -> None:
    context = {"diagnostics": [], "only": "quickfix"}
    params = {"textDocument": {"uri": URI}, "range": {"start": CAT, "end": CAT}, "context": context}

    actions = server.session.request("textDocument/codeAction", params)

    assert actions[0]["title"] == "Write mx.concatenate([x, x], axis=0)"
    assert {action["kind"] for action in actions} == {"quickfix"}


def test_eglot_asks_its_user_without_having_announced_it_and_says_null_of_an_edit(server: Server) -> None:
    remark = roasted(server)
    session = server.session
    message = session.heard("window/showMessageRequest")
    assert message["params"]["message"] == remark

    session.reply(message, {"title": "Insert as comment"})
    session.reply(session.heard("workspace/applyEdit"), None)

    assert session.hover(URI, **CAT)


def test_eglot_waits_for_an_answer_and_hears_no_question_until_it_is_there(server: Server) -> None:
    roasted(server)

    assert "window/showMessageRequest" not in server.session.heard_so_far
    server.session.reply(server.session.heard("window/showMessageRequest"), None)


@pytest.mark.parametrize("code", [-32601, -32603], ids=["cannot ask", "has given up"])
def test_an_editor_that_does_not_ask_is_told(code: int, server: Server) -> None:
    remark = roasted(server)

    server.session.refuse(server.session.heard("window/showMessageRequest"), code)

    assert server.session.notification("window/showMessage")["message"] == remark


def test_a_user_who_will_not_have_the_edit_is_told(server: Server) -> None:
    roasted(server)
    session = server.session
    session.reply(session.heard("window/showMessageRequest"), {"title": "Insert as comment"})

    session.refuse(session.heard("workspace/applyEdit"), -32603)

    assert session.notification("window/showMessage")["message"] == "The editor did not insert it."


def test_what_every_server_is_told_is_no_warning(server: Server) -> None:
    session = server.session
    session.notify("textDocument/willSave", {"textDocument": {"uri": URI}, "reason": 1})
    session.notify("textDocument/didSave", {"textDocument": {"uri": URI}, "text": CODE})
    session.notify("workspace/didChangeWatchedFiles", {"changes": []})
    answered = session.ask_hover(URI, **CAT)
    session.answer(answered)
    session.notify("$/cancelRequest", {"id": answered})

    assert session.hover(URI, **CAT)


def test_kate_asks_for_what_nobody_has_announced(server: Server) -> None:
    with pytest.raises(ServerError, match="-32601"):
        server.session.request("textDocument/documentSymbol", {"textDocument": {"uri": URI}})


def test_emacs_without_a_mode_for_markdown_gets_plain_text(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        session = server.session.initialize(capabilities={"textDocument": {"hover": {"contentFormat": ["plaintext"]}}})
        session.open(URI, "import mlx.core as mx\nmx.abs(x)\n")
        document = {"uri": URI}
        contents = session.request("textDocument/hover", {"textDocument": document, "position": ABS})["contents"]
        help_ = session.request("textDocument/signatureHelp", {"textDocument": document, "position": WITHIN})
        item = session.request("completionItem/resolve", {"label": "abs", "data": ["mlx.core.abs", "", URI]})
        session.end()

    assert contents["kind"] == "plaintext"
    assert contents["value"].startswith("mx.abs(")
    assert help_["signatures"][0]["documentation"]["kind"] == "plaintext"
    assert item["documentation"]["value"].startswith("mx.abs(")


def test_options_may_stand_under_tenny(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        session = server.session.initialize({"tenny": {"roast": {"enabled": False}, "model": {"enabled": False}}})
        session.open(URI, CODE)
        context = {"diagnostics": [], "only": ["refactor"]}
        params = {"textDocument": {"uri": URI}, "range": {"start": COMMENT, "end": COMMENT}, "context": context}
        assert session.request("textDocument/codeAction", params) == []
        session.end()
        assert server.exit_status() == 0
    assert server.log == ""
