"""Edits at random: the server's text is the editor's; each request is answered exactly once, also a cancelled one."""

import asyncio
import json
import tempfile
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lsprotocol import types as lsp
from pygls.workspace import Workspace

from benchmarks.fuzz_session import PIECES, Typist, fuzz, position_at
from tenny_lsp.lsp.documents import Documents
from tenny_lsp.lsp.server import create_server

URI = "file:///fuzz.py"
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12).map("".join)


@st.composite
def edits(draw: st.DrawFn, text: str) -> tuple[lsp.TextDocumentContentChangePartial, str]:
    """Draws an edit of a text, and the text after it."""
    start, end = sorted(draw(st.integers(0, len(text))) for _ in range(2))
    start, end = (place - (text[place - 1 : place + 1] == "\r\n") for place in (start, end))
    new = draw(TEXTS)
    places = [lsp.Position(**position_at(text, place)) for place in (start, end)]
    return lsp.TextDocumentContentChangePartial(lsp.Range(*places), new), text[:start] + new + text[end:]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_the_servers_text_is_the_editors(data: st.DataObject) -> None:
    workspace = Workspace(None, sync_kind=lsp.TextDocumentSyncKind.Incremental)
    text = data.draw(TEXTS)
    workspace.put_text_document(lsp.TextDocumentItem(URI, "python", 1, text))
    documents = Documents(lambda: workspace)
    for version in range(data.draw(st.integers(1, 6))):
        change, text = data.draw(edits(text))
        workspace.update_text_document(lsp.VersionedTextDocumentIdentifier(version + 2, URI), change)

        view = documents.view(URI)
        assert (view.documents[0].source, view.buffer.text) == (text, text)
        place = data.draw(st.integers(0, len(text)))
        place -= text[place - 1 : place + 1] == "\r\n"
        position = lsp.Position(**position_at(text, place))
        assert view.offset(position) == place
        assert view.range(place, place).start == position


class Wire:
    """What the server writes to: messages, parsed."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def write(self, data: bytes) -> None:
        self.messages.append(json.loads(data.partition(b"\r\n\r\n")[2]))

    def close(self) -> None: ...


async def answers_of(seed: int, count: int) -> tuple[list[int], Counter[int]]:
    """Sends messages at random to a server in this process; returns the requests, and how often each was answered."""
    server, wire, typist = create_server(lambda _: None), Wire(), Typist(seed)
    server.protocol.set_writer(wire)
    asked: list[int] = []

    def send(message: dict[str, Any]) -> None:
        content = json.dumps({"jsonrpc": "2.0", **message})
        server.protocol.handle_message(json.loads(content, object_hook=server.protocol.structure_message))

    def ask(method: str, params: object) -> None:
        asked.append(len(asked) + 1)
        send({"id": asked[-1], "method": method, "params": params})

    ask("initialize", {"processId": None, "rootUri": None, "capabilities": {"textDocument": {"diagnostic": {}}}})
    send({"method": "initialized", "params": {}})
    for _ in range(count):
        method, params, is_request = typist.message()
        if not is_request:
            send({"method": method, "params": params})
            continue
        ask(method, params)
        if typist.cancels():
            await asyncio.sleep(0)
            send({"method": "$/cancelRequest", "params": {"id": asked[-1]}})
    ask("shutdown", None)
    while len([m for m in wire.messages if "method" not in m]) < len(asked):
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)  # in which a second answer would come
    assert server.protocol._request_futures == {}, "what is done is forgotten"
    return asked, Counter(message["id"] for message in wire.messages if "method" not in message)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_each_request_is_answered_exactly_once(seed: int) -> None:
    asked, answers = asyncio.run(asyncio.wait_for(answers_of(seed, 80), 60))

    assert answers == Counter(asked)


@pytest.mark.parametrize("messages", [20_000])
def test_a_real_server_survives_typing_at_random(messages: int) -> None:
    with tempfile.TemporaryFile() as log:
        outcome = fuzz(messages, 20, log)
        log.seek(0)
        said = log.read().decode("utf-8", "replace")

    assert "Traceback" not in said
    assert outcome.is_well and outcome.messages == messages and len(outcome.answers) > messages / 3
