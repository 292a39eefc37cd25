"""Pitfalls in a real server: shown, fixed, ignored and selected, for clients that ask and for those that are told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types as lsp
from pytest_lsp import LanguageClient

from tests.lsp.conftest import FACTS_ONLY, open_document
from tests.lsp.session import Session, serving
from tests.lsp.test_notebook import open_notebook

TEXT = "import mlx.core as mx\ns = '👩‍🚀'; x = mx.zeros(2, 3)\ny = mx.cat([x, x], dim=0)\n"
FIXED = "import mlx.core as mx\ns = '👩‍🚀'; x = mx.zeros((2, 3))\ny = mx.concatenate([x, x], axis=0)\n"
EVERYTHING = lsp.Range(lsp.Position(0, 0), lsp.Position(99, 0))


async def diagnostics(client: LanguageClient, uri: str) -> list[lsp.Diagnostic]:
    document = lsp.TextDocumentIdentifier(uri)
    report = await client.text_document_diagnostic_async(lsp.DocumentDiagnosticParams(document))
    assert isinstance(report, lsp.RelatedFullDocumentDiagnosticReport)
    return list(report.items)


async def actions(
    client: LanguageClient, uri: str, range_: lsp.Range = EVERYTHING, only: list[str] | None = None
) -> list[lsp.CodeAction]:
    context = lsp.CodeActionContext([], only)
    found = await client.text_document_code_action_async(
        lsp.CodeActionParams(lsp.TextDocumentIdentifier(uri), range_, context)
    )
    return [action for action in found or () if isinstance(action, lsp.CodeAction)]


def edited(text: str, edits: list[Any]) -> str:
    """Returns a text as an editor has it after edits in UTF-16 units."""
    lines = [line.encode("utf-16-le") for line in text.splitlines(keepends=True)] + [b""]
    starts = [sum(map(len, lines[:row])) for row in range(len(lines))]
    whole = b"".join(lines)
    for edit in sorted(edits, key=lambda e: (e.range.start.line, e.range.start.character), reverse=True):
        start = starts[edit.range.start.line] + 2 * edit.range.start.character
        end = starts[edit.range.end.line] + 2 * edit.range.end.character
        whole = whole[:start] + edit.new_text.encode("utf-16-le") + whole[end:]
    return whole.decode("utf-16-le")


@pytest.mark.asyncio(loop_scope="module")
async def test_pitfalls_are_shown_where_they_are(client: LanguageClient) -> None:
    open_document(client, "file:///pitfalls/a.py", TEXT)

    found = await diagnostics(client, "file:///pitfalls/a.py")

    assert [(d.code, d.source, d.severity) for d in found] == [
        ("shape-not-a-tuple", "Tenny", lsp.DiagnosticSeverity.Error),
        ("foreign-function", "Tenny", lsp.DiagnosticSeverity.Error),
    ]
    assert found[0].range == lsp.Range(lsp.Position(1, 25), lsp.Position(1, 31))
    assert found[0].code_description is not None and found[0].code_description.href.startswith("https://ml-explore.")
    assert "`(2, 3)`" in found[0].message


@pytest.mark.asyncio(loop_scope="module")
async def test_a_quick_fix_edits_the_file(client: LanguageClient) -> None:
    uri = "file:///pitfalls/b.py"
    open_document(client, uri, TEXT)

    found = await actions(client, uri, lsp.Range(lsp.Position(1, 30), lsp.Position(1, 30)), ["quickfix"])

    fix, ignore = found
    assert (fix.title, fix.is_preferred) == ("Write (2, 3)", True)
    assert fix.edit is not None and fix.edit.changes is not None
    assert edited(TEXT, list(fix.edit.changes[uri])).splitlines()[1] == "s = '👩‍🚀'; x = mx.zeros((2, 3))"
    assert ignore.edit is not None and ignore.edit.changes is not None
    open_document(client, uri + "2", edited(TEXT, list(ignore.edit.changes[uri])))
    assert [d.code for d in await diagnostics(client, uri + "2")] == ["foreign-function"]


@pytest.mark.asyncio(loop_scope="module")
async def test_all_safe_fixes_at_once(client: LanguageClient) -> None:
    uri = "file:///pitfalls/c.py"
    open_document(client, uri, TEXT)

    (action,) = await actions(client, uri, only=["source.fixAll"])
    if action.edit is None:
        action = await client.code_action_resolve_async(action)

    assert action.kind == "source.fixAll.tenny"
    assert action.edit is not None and action.edit.changes is not None
    assert edited(TEXT, list(action.edit.changes[uri])) == FIXED
    open_document(client, uri + "2", FIXED)
    assert await actions(client, uri + "2", only=["source.fixAll"]) == []
    assert await actions(client, uri, only=["refactor"]) == []


@pytest.mark.asyncio(loop_scope="module")
async def test_ignore_comments(client: LanguageClient) -> None:
    lines = ["y = mx.cat([])", "y = mx.cat([])  # tenny: ignore", "y = mx.cat([])  # tenny: ignore[foreign-function]"]
    lines += [
        "y = mx.cat([])  # tenny: ignore[dim-keyword]",
        "y = mx.cat([])  # tenny: ignore[dim-keyword, foreign-function]",
    ]
    open_document(client, "file:///pitfalls/d.py", "\n".join(["import mlx.core as mx", *lines]))

    assert [d.range.start.line for d in await diagnostics(client, "file:///pitfalls/d.py")] == [1, 4]


@pytest.mark.asyncio(loop_scope="module")
async def test_a_notebook_cell(client: LanguageClient) -> None:
    cells = ["%pylab\nimport mlx.core as mx\n", "x = mx.zeros(3)\n", "x.unsqueeze(0)\n"]
    items = open_notebook(client, "file:///pitfalls.ipynb", cells)

    assert await diagnostics(client, items[1].uri) == []
    (found,) = await diagnostics(client, items[2].uri)
    assert found.range == lsp.Range(lsp.Position(0, 0), lsp.Position(0, 11))
    fix = (await actions(client, items[2].uri))[0]
    assert fix.edit is not None and fix.edit.changes is not None
    assert edited(cells[2], list(fix.edit.changes[items[2].uri])) == "mx.expand_dims(x, 0)\n"


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with serving(tmp_path) as server:
        yield server.session.initialize({**FACTS_ONLY, "pitfalls": {"ignore": ["foreign-function", "no-such-code"]}})
        server.session.end()
        assert server.exit_status() == 0
        assert "no pitfalls called no-such-code" in server.log


def test_a_client_that_does_not_ask_is_told(session: Session) -> None:
    session.open("file:///e.py", TEXT)
    told = session.notification("textDocument/publishDiagnostics")
    assert (told["uri"], told["version"]) == ("file:///e.py", 1)
    assert [d["code"] for d in told["diagnostics"]] == ["shape-not-a-tuple"]

    change = {"textDocument": {"uri": "file:///e.py", "version": 2}, "contentChanges": [{"text": FIXED}]}
    session.notify("textDocument/didChange", change)
    assert session.notification("textDocument/publishDiagnostics")["diagnostics"] == []

    change = {"textDocument": {"uri": "file:///e.py", "version": 3}, "contentChanges": [{"text": TEXT}]}
    session.notify("textDocument/didChange", change)
    settings = {"tenny": {**FACTS_ONLY, "pitfalls": {"select": ["foreign-function", "no-such-code"]}}}
    session.notify("workspace/didChangeConfiguration", {"settings": settings})
    told = session.notification("textDocument/publishDiagnostics")
    assert [d["code"] for d in told["diagnostics"]] == ["foreign-function"]

    params = {
        "textDocument": {"uri": "file:///e.py"},
        "range": told["diagnostics"][0]["range"],
        "context": {"diagnostics": []},
    }
    actions = session.request("textDocument/codeAction", params)
    (fix_all,) = [action for action in actions if action["kind"] == "source.fixAll.tenny"]
    assert fix_all["edit"]["changes"]["file:///e.py"][0]["newText"] == "y = mx.concatenate([x, x], axis=0)\n"

    session.notify("textDocument/didClose", {"textDocument": {"uri": "file:///e.py"}})
    assert session.notification("textDocument/publishDiagnostics")["diagnostics"] == []


def test_shapes_are_told_when_the_user_pauses(session: Session) -> None:
    uri, text = "file:///s.py", "import mlx.core as mx\n\nx = mx.zeros((2, 3))\ny = x @ x\n"

    def codes_of(version: int) -> list[str]:
        """Returns what is told of a version after what is told at once."""
        told = session.notification("textDocument/publishDiagnostics")
        assert (told["version"], told["diagnostics"]) == (version, [])
        told = session.notification("textDocument/publishDiagnostics")
        assert told["version"] == version
        return [str(found["code"]) for found in told["diagnostics"]]

    session.open(uri, text)
    assert codes_of(1) == ["shape-mismatch"]

    for version, edited in ((2, "x @ x.T"), (3, "x @ x.T @ x.T")):
        change = {"textDocument": {"uri": uri, "version": version}}
        session.notify("textDocument/didChange", change | {"contentChanges": [{"text": text.replace("x @ x", edited)}]})
    assert codes_of(3) == ["shape-mismatch"]
