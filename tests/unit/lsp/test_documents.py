"""Views of documents and notebooks, and what is kept of them."""

from pathlib import Path

import pytest
from lsprotocol import types as lsp
from pygls.workspace import Workspace

from tenny_lsp.lsp.documents import Documents, path_of
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.source.buffer import Buffer

URI, CELLS = "file:///a.py", ("cell:/n.ipynb#1", "cell:/n.ipynb#2")


@pytest.fixture
def workspace() -> Workspace:
    workspace = Workspace(None)
    workspace.put_text_document(lsp.TextDocumentItem(URI, "python", 1, 'x = "🦀"\ny = 1\n'))
    cells = [lsp.NotebookCell(lsp.NotebookCellKind.Code, uri) for uri in CELLS]
    items = [lsp.TextDocumentItem(uri, "python", 1, f"x{n} = {n}") for n, uri in enumerate(CELLS)]
    workspace.put_notebook_document(
        lsp.DidOpenNotebookDocumentParams(lsp.NotebookDocument("file:///n.ipynb", "jupyter", 1, cells), items)
    )
    return workspace


@pytest.fixture
def documents(workspace: Workspace) -> Documents:
    return Documents(lambda: workspace)


def test_positions_are_offsets_in_code_points(documents: Documents) -> None:
    view = documents.view(URI)

    assert view.offset(lsp.Position(0, 8)) == 7  # the crab is two units of UTF-16
    assert view.range(5, 7) == lsp.Range(lsp.Position(0, 5), lsp.Position(0, 8))
    assert view.range(0, 9) == lsp.Range(lsp.Position(0, 0), lsp.Position(1, 1))


def test_a_notebook_is_one_text(documents: Documents) -> None:
    view = documents.view(CELLS[1])

    assert view.uri == "file:///n.ipynb" and view.buffer.text == "x0 = 0\nx1 = 1\n"
    assert view.offset(lsp.Position(0, 0)) == 7
    assert view.located(8)[0].uri == CELLS[1] and view.located(8)[1] == 1
    assert view.range(7, 9) == lsp.Range(lsp.Position(0, 0), lsp.Position(0, 2))
    assert view.alone().buffer.text == "x1 = 1"


def test_a_text_is_parsed_once(documents: Documents, workspace: Workspace) -> None:
    before = documents.view(URI).buffer
    assert documents.view(URI).buffer is before

    change = lsp.TextDocumentContentChangeWholeDocument("y = 2\n")
    workspace.update_text_document(lsp.VersionedTextDocumentIdentifier(2, URI), change)

    assert documents.view(URI).buffer.text == "y = 2\n"


def test_queries_are_kept_until_the_text_or_the_index_changes(documents: Documents, mlx_index: ApiIndex) -> None:
    view = documents.view(URI)
    queries = documents.queries(view, mlx_index)

    assert documents.queries(view, mlx_index) is queries
    assert documents.evaluator_of(view, mlx_index, view.buffer) is queries.evaluator
    assert documents.evaluator_of(view, mlx_index, Buffer("y = 3")) is not queries.evaluator
    assert documents.queries(view, ApiIndex("mlx", "0", {})) is not queries
    documents.forget(URI)
    assert documents.view(URI).buffer is not view.buffer


def test_a_file_that_was_never_opened_is_read(documents: Documents, tmp_path: Path) -> None:
    file = tmp_path / "on disk.py"
    file.write_text("z = 1")

    assert documents.view(file.as_uri()).buffer.text == "z = 1"
    with pytest.raises(OSError):
        documents.view((tmp_path / "gone.py").as_uri())


@pytest.mark.parametrize(
    ("uri", "path"),
    [("file:///a%20b/c.py", Path("/a b/c.py")), ("untitled:1", None), ("vscode-notebook-cell:/n.ipynb#W0", None)],
)
def test_where_a_document_lies(uri: str, path: Path | None) -> None:
    assert path_of(uri) == path


@pytest.mark.parametrize(
    ("text", "end", "left"),
    [
        ("ab", (0, 99), ""),
        ("ab", (0, 2), ""),
        ("ab\ncd", (0, 99), "\ncd"),
        ("ab\ncd", (1, 99), ""),
        ("🙂b\n", (0, 3), "\n"),
        ("🙂b\n", (0, 4), "\n"),
        ("ab\r\ncd", (0, 3), "\r\ncd"),
        ("ab\ncd", (99, 99), ""),
        ("a\x0cb\u2028c", (0, 5), ""),
    ],
)
def test_a_column_behind_the_end_of_a_line_is_its_end(text: str, end: tuple[int, int], left: str) -> None:
    workspace = Workspace(None, sync_kind=lsp.TextDocumentSyncKind.Incremental)
    workspace.put_text_document(lsp.TextDocumentItem("file:///a.py", "python", 1, text))
    change = lsp.TextDocumentContentChangePartial(lsp.Range(lsp.Position(0, 0), lsp.Position(*end)), "")
    workspace.update_text_document(lsp.VersionedTextDocumentIdentifier(2, "file:///a.py"), change)

    assert workspace.get_text_document("file:///a.py").source == left
