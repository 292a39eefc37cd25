"""Notebook cells in a real server: what the cells before have said counts, and answers are in the cell's lines."""

import pytest
from lsprotocol import types as lsp
from pytest_lsp import LanguageClient

from tests.lsp.conftest import at, hover

pytestmark = pytest.mark.asyncio(loop_scope="module")

CELLS = [
    "%matplotlib inline\nimport mlx.core as mx\n",
    "x = mx.zeros(3)\n",
    "s = '👩‍🚀'; x.res‸hape(3)\n",
    "mx.sum(x, ‸",
]


def open_notebook(client: LanguageClient, uri: str, cells: list[str]) -> list[lsp.TextDocumentItem]:
    items = [lsp.TextDocumentItem(f"{uri}#{i}", "python", 1, at(text)[0]) for i, text in enumerate(cells)]
    notebook = lsp.NotebookDocument(
        uri, "jupyter-notebook", 1, [lsp.NotebookCell(lsp.NotebookCellKind.Code, item.uri) for item in items]
    )
    client.notebook_document_did_open(lsp.DidOpenNotebookDocumentParams(notebook, items))
    return items


async def test_a_cell_sees_the_cells_before_it(client: LanguageClient) -> None:
    items = open_notebook(client, "file:///a.ipynb", CELLS)
    position = at(CELLS[2])[1]

    shown = await hover(client, items[2].uri, position)

    assert shown is not None and "mx.array.reshape(" in shown.contents.value  # type: ignore[union-attr]
    assert shown.range == lsp.Range(lsp.Position(0, 19 - 4), lsp.Position(0, 26 - 4))


async def test_signature_help_in_a_cell(client: LanguageClient) -> None:
    items = open_notebook(client, "file:///b.ipynb", CELLS)
    params = lsp.SignatureHelpParams(lsp.TextDocumentIdentifier(items[3].uri), at(CELLS[3])[1])

    help_ = await client.text_document_signature_help_async(params)

    assert help_ is not None and help_.active_parameter == 1


async def test_edits_of_a_cell_and_of_the_cells_are_followed(client: LanguageClient) -> None:
    uri = "file:///c.ipynb"
    items = open_notebook(client, uri, CELLS[:3])
    position = at(CELLS[2])[1]
    text = [lsp.TextDocumentContentChangeWholeDocument("x = 3\n")]
    cell = lsp.VersionedTextDocumentIdentifier(2, items[1].uri)
    notebook = lsp.VersionedNotebookDocumentIdentifier(2, uri)
    content = lsp.NotebookDocumentCellContentChanges(cell, text)
    changes = lsp.NotebookDocumentChangeEvent(cells=lsp.NotebookDocumentCellChanges(text_content=[content]))

    client.notebook_document_did_change(lsp.DidChangeNotebookDocumentParams(notebook, changes))
    assert await hover(client, items[2].uri, position) is None

    array = lsp.NotebookCellArrayChange(start=1, delete_count=1)
    structure = lsp.NotebookDocumentCellChangeStructure(array, did_close=[lsp.TextDocumentIdentifier(items[1].uri)])
    changes = lsp.NotebookDocumentChangeEvent(cells=lsp.NotebookDocumentCellChanges(structure=structure))
    notebook = lsp.VersionedNotebookDocumentIdentifier(3, uri)
    client.notebook_document_did_change(lsp.DidChangeNotebookDocumentParams(notebook, changes))
    assert await hover(client, items[2].uri, position) is None


async def test_a_cell_taken_out_and_not_closed_stands_alone(client: LanguageClient) -> None:
    uri = "file:///e.ipynb"
    items = open_notebook(client, uri, ["import mlx.core as mx\nmx.abs", "x = 1"])
    structure = lsp.NotebookDocumentCellChangeStructure(lsp.NotebookCellArrayChange(start=0, delete_count=1))
    changes = lsp.NotebookDocumentChangeEvent(cells=lsp.NotebookDocumentCellChanges(structure=structure))
    notebook = lsp.VersionedNotebookDocumentIdentifier(2, uri)
    client.notebook_document_did_change(lsp.DidChangeNotebookDocumentParams(notebook, changes))

    shown = await hover(client, items[0].uri, lsp.Position(1, 4))

    assert shown is not None and "mx.abs(" in shown.contents.value  # type: ignore[union-attr]


async def test_cells_that_are_not_python_are_passed_over(client: LanguageClient) -> None:
    uri = "vscode-notebook-cell:/a%20b.ipynb"
    texts = ["import mlx.core as mx", "mx.a‸bs(x)"]
    items = [lsp.TextDocumentItem(f"{uri}#W{i}%3D", "python", 1, at(text)[0]) for i, text in enumerate(texts)]
    cells = [lsp.NotebookCell(lsp.NotebookCellKind.Code, item.uri) for item in items]
    other = lsp.NotebookCell(lsp.NotebookCellKind.Code, f"{uri}#other")  # R, not sent to this server
    notebook = lsp.NotebookDocument("file:///a%20b.ipynb", "jupyter-notebook", 1, [cells[0], other, cells[1]])
    client.notebook_document_did_open(lsp.DidOpenNotebookDocumentParams(notebook, items))

    shown = await hover(client, items[1].uri, at(texts[1])[1])

    assert shown is not None and shown.range == lsp.Range(lsp.Position(0, 3), lsp.Position(0, 6))


async def test_a_closed_notebook_is_forgotten(client: LanguageClient) -> None:
    uri = "file:///d.ipynb"
    items = open_notebook(client, uri, CELLS[:3])
    closed = [lsp.TextDocumentIdentifier(item.uri) for item in items]

    client.notebook_document_did_close(lsp.DidCloseNotebookDocumentParams(lsp.NotebookDocumentIdentifier(uri), closed))

    assert await hover(client, items[2].uri, at(CELLS[2])[1]) is None
