"""What an editor does to a server all day: encodings, edits, odd documents and settings, hanging up."""

import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lsp.conftest import ENVIRONMENT, FACTS_ONLY
from tests.lsp.session import DEADLINE_S, Server, ServerError, Session, serving

MX = "import mlx.core as mx\n"
UNITS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}
#: Where ``mx.abs`` stands in documents that do not say.
ABS = (1, 4)


def width(text: str, encoding: str) -> int:
    codec, size = UNITS[encoding]
    return len(text.encode(codec)) // size


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as server:
        server.session.initialize()
        yield server
        server.session.end()
        assert server.exit_status() == 0


@pytest.fixture
def session(server: Server) -> Session:
    return server.session


class Editor:
    """An open document and its text as the editor sees it.

    Args:
        session (Session): Whom to tell of edits.
        uri (str): The document's address.
        text (str): What it says at first.
    """

    def __init__(self, session: Session, uri: str, text: str) -> None:
        self._session, self._uri, self.text, self._version = session, uri, text, 1
        session.open(uri, text)

    def edit(self, *edits: tuple[str, str]) -> None:
        """Replaces texts that occur once by others, in one notification."""
        changes = []
        for old, new in edits:
            before, after = self.text.split(old)
            span = {"start": self._position(before), "end": self._position(before + old)}
            changes.append({"range": span, "text": new})
            self.text = before + new + after
        self._version += 1
        document = {"uri": self._uri, "version": self._version}
        self._session.notify("textDocument/didChange", {"textDocument": document, "contentChanges": changes})

    def hover(self, marked: str) -> str | None:
        """Returns the first line of the card at ``‸`` in a text that occurs once."""
        before, _ = self.text.split(marked.replace("‸", ""))
        position = self._position(before + marked.partition("‸")[0])
        card = self._session.hover(self._uri, position["line"], position["character"])
        return card and card.splitlines()[1].partition("(")[0]

    @staticmethod
    def _position(before: str) -> dict[str, int]:
        lines = before.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        return {"line": len(lines) - 1, "character": width(lines[-1], "utf-16")}


@pytest.mark.parametrize("encoding", UNITS)
def test_every_position_encoding(encoding: str, tmp_path: Path) -> None:
    before = "s = '👩‍🚀 e\u0301 ﬁ 𝐱 \t'; y = "
    with serving(tmp_path) as server:
        session = server.session.initialize(encodings=[encoding])
        session.open("file:///a.py", f"{MX}{before}mx.abs(x)\n")

        start = width(before + "mx.", encoding)
        result = session.answer(session.ask_hover("file:///a.py", 1, start + 1))

        assert session.capabilities["positionEncoding"] == encoding
        assert result["range"] == {
            "start": {"line": 1, "character": start},
            "end": {"line": 1, "character": start + 3},
        }
        assert session.hover("file:///a.py", 1, width(before, encoding) - 2) is None
        session.end()


def test_what_is_announced(session: Session) -> None:
    capabilities = session.capabilities

    assert capabilities["hoverProvider"]
    assert capabilities["signatureHelpProvider"]["triggerCharacters"] == ["(", ","]
    assert capabilities["notebookDocumentSync"]["notebookSelector"] == [{"cells": [{"language": "python"}]}]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_edits_are_followed(newline: str, session: Session) -> None:
    text = newline.join(["import mlx.core as mx", "", "def f(x):", "    # 👩‍🚀", "    return mx.abs(x)", ""])
    editor = Editor(session, f"file:///{len(newline)}{ord(newline[0])}.py", text)

    assert editor.hover("mx.a‸bs") == "mx.abs"
    editor.edit(("mx.abs", "mx.exp"))
    assert editor.hover("mx.e‸xp") == "mx.exp"
    editor.edit(("    # 👩‍🚀", f"    '𝐱𝐱'; y = mx.sin(x){newline}    z = 1{newline}"))
    assert editor.hover("mx.s‸in") == "mx.sin"
    assert editor.hover("mx.e‸xp") == "mx.exp"
    editor.edit(("import mlx.core as mx", "import mlx.core as m"))
    assert editor.hover("mx.e‸xp") is None
    editor.edit(("as m" + newline, "as mx" + newline), ("mx.exp", "mx.fast.rope"), ("def f(x):", "def f(x, /):"))
    assert editor.hover("mx.fast.r‸ope") == "mx.fast.rope"
    editor.edit((f"def f(x, /):{newline}", ""), (f"mx.fast.rope(x){newline}", "mx.cos"))
    assert editor.hover("mx.c‸os") == "mx.cos"


def test_an_edit_at_the_very_end(session: Session) -> None:
    editor = Editor(session, "file:///end.py", MX)

    for text in ("mx.abs", "\n", "mx.exp\n"):
        lines = editor.text.split("\n")
        end = {"line": len(lines) - 1, "character": len(lines[-1])}
        change = {"range": {"start": end, "end": end}, "text": text}
        document = {"uri": "file:///end.py", "version": 2}
        session.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})
        editor.text += text

    assert (editor.hover("mx.a‸bs"), editor.hover("mx.e‸xp")) == ("mx.abs", "mx.exp")


def test_the_whole_text_may_come_at_once(session: Session) -> None:
    session.open("file:///whole.py", "x\n" * 9)
    document = {"uri": "file:///whole.py", "version": 2}
    change = {"textDocument": document, "contentChanges": [{"text": MX + "mx.abs"}]}
    session.notify("textDocument/didChange", change)

    assert session.hover("file:///whole.py", *ABS)


@pytest.mark.parametrize("character", ["\f", "\v", "\x1c", "\x85", "\u2028", "\0", "\ufeff", "\ud83d"])
def test_only_newlines_end_lines(character: str, session: Session) -> None:
    uri = f"file:///{ord(character)}.py"
    editor = Editor(session, uri, f"# {character}\n{MX}# {character}\nmx.abs\n")

    editor.edit(("mx.abs", "y = mx.exp"))

    assert editor.hover("mx.e‸xp") == "mx.exp"


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"], ids=["none", "LF", "CRLF"])
def test_beyond_the_end_of_a_line_and_of_the_file(ending: str, session: Session) -> None:
    session.open("file:///short.py", MX + "mx.abs" + ending)

    ends = session.answer(session.ask_hover("file:///short.py", 1, 6))["range"]
    assert ends == {"start": {"line": 1, "character": 3}, "end": {"line": 1, "character": 6}}
    assert session.hover("file:///short.py", 1, 999) in (None, session.hover("file:///short.py", 1, 6))
    for line in (2, 3, 99_999):
        session.hover("file:///short.py", line, 0)
    assert session.hover("file:///short.py", *ABS)


def test_a_document_that_is_not_open_is_read_or_passed_over(session: Session, tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(MX + "mx.abs", "utf-8")
    (tmp_path / "latin.py").write_bytes(b"# \xe9\n" + MX.encode())

    assert session.hover((tmp_path / "good.py").as_uri(), *ABS)
    for uri in ((tmp_path / "latin.py").as_uri(), tmp_path.as_uri(), "file:///no/such.py", "untitled:Untitled-1", "x"):
        assert session.hover(uri, *ABS) is None


def test_a_closed_document_is_forgotten(session: Session) -> None:
    session.open("file:///closed.py", MX + "mx.abs")
    assert session.hover("file:///closed.py", *ABS)

    session.notify("textDocument/didClose", {"textDocument": {"uri": "file:///closed.py"}})

    assert session.hover("file:///closed.py", *ABS) is None


def test_two_documents_are_two_texts(session: Session) -> None:
    session.open("file:///mlx.py", MX + "mx.abs")
    session.open("file:///numpy.py", "import numpy as mx\nmx.abs")

    both = [session.ask_hover("file:///mlx.py", *ABS), session.ask_hover("file:///numpy.py", *ABS)] * 2

    assert [session.answer(id_) is None for id_ in dict.fromkeys(both)] == [False, True]


def test_rubbish_settings_are_reported_and_survived(server: Server) -> None:
    server.session.open("file:///rubbish.py", MX + "mx.abs")
    for values in (
        None,
        {},
        3,
        "on",
        [{"tenny": {}}],
        {"tenny": None},
        {"tenny": 1},
        {"tenny": {"model": {"enabled": "yes", "idleUnloadS": -1}, "hover": [], "python": 3, "colour": "red"}},
        {"pylsp": {"plugins": {}}},
        {"tenny": {"python": "/no/such/python", "model": {"enabled": True, "path": "~nobody-at-all/base"}}},
        {"tenny": FACTS_ONLY},
    ):
        server.session.notify("workspace/didChangeConfiguration", {"settings": values})
        assert server.session.hover("file:///rubbish.py", *ABS)

    for problem in (
        "tenny.model.enabled must be bool",
        "tenny.colour is not a setting",
        "/no/such/python does not run",
    ):
        assert problem in server.log
    assert "Traceback" not in server.log
    assert "pylsp" not in server.log


def test_a_method_that_does_not_exist_is_an_error_and_no_more(session: Session) -> None:
    with pytest.raises(ServerError, match="-32601"):
        session.request("textDocument/dance", {})
    session.open("file:///after.py", MX + "mx.abs")
    assert session.hover("file:///after.py", *ABS)


def test_the_server_imports_no_mlx(tmp_path: Path) -> None:
    with serving(tmp_path, python=("-X", "importtime")) as server:
        session = server.session.initialize()
        session.open("file:///a.py", MX + "mx.abs")
        assert session.hover("file:///a.py", *ABS)
        session.end()
        server.exit_status()

        imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in server.log.splitlines()}

    assert {"pygls", "tenny_lsp"} < imported
    assert {"mlx", "mlx_lm", "transformers", "tokenizers", "numpy", "torch"}.isdisjoint(imported)


def test_hanging_up_ends_the_server(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        session = server.session.initialize()
        session.open("file:///a.py", MX + "mx.abs")
        assert session.hover("file:///a.py", *ABS)

        session.close()

        assert server.exit_status() == 0
        assert server.log == ""


def test_over_tcp() -> None:
    command = [sys.executable, "-m", "tenny_lsp", "--log-level", "info", "serve", "--tcp", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=ENVIRONMENT, text=True) as process:
        watchdog = threading.Timer(DEADLINE_S, process.kill)
        watchdog.start()
        assert process.stderr is not None
        lines = (re.search(r"Serving on \('(.+)', (\d+)\)", line) for line in process.stderr)
        host, port = next(line for line in lines if line).groups()
        with (
            socket.create_connection((host, int(port)), DEADLINE_S) as connection,
            connection.makefile("rb") as reader,
            connection.makefile("wb") as writer,
        ):
            session = Session(reader, writer).initialize()
            session.open("file:///a.py", MX + "mx.abs")
            assert session.hover("file:///a.py", *ABS)
            session.end()
            assert reader.read() == b""
        watchdog.cancel()
        process.kill()


def test_a_port_that_is_taken_is_bad_usage(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with serving(tmp_path, "--tcp", "--port", str(port)) as server:
            assert server.exit_status() == 2

    assert f"nothing can listen on 127.0.0.1, port {port}" in server.log
    assert "Traceback" not in server.log


def test_stdout_is_the_protocols(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        server.session.initialize().end()
        assert server.exit_status() == 0
        assert server.process.stdout is not None
        assert server.process.stdout.read() == b""


def test_names_of_other_files_of_the_workspace(session: Session, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("import mlx.nn as nn\nclass Net(nn.Module):\n    norm = nn.RMSNorm(8)\n")
    uri = (tmp_path / "main.py").as_uri()
    session.open(uri, "from net import Net\nNet().norm\nNet().parameters()\n")

    card = session.hover(uri, 1, 8)
    assert card is not None and card.startswith("```python\nnorm: nn.RMSNorm\n```")
    (tmp_path / "net.py").write_text(
        "import mlx.nn as nn\nclass Net(nn.Module):\n    norm = nn.LayerNorm(8)\n# changed"
    )
    card = session.hover(uri, 1, 8)
    assert card is not None and card.startswith("```python\nnorm: nn.LayerNorm\n```")
