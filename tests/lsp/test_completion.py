"""Completion in a real server: what an editor gets, item by item, and what it may ask on."""

import pytest
from lsprotocol import types as lsp
from pytest_lsp import LanguageClient

from tests.lsp.conftest import at, open_document
from tests.lsp.test_notebook import open_notebook

pytestmark = pytest.mark.asyncio(loop_scope="module")

IMPORTS = "import mlx.core as mx\nimport mlx.nn as nn\n"


async def completion(client: LanguageClient, uri: str, code: str) -> lsp.CompletionList | None:
    text, position = at(code)
    open_document(client, uri, text)
    document = lsp.TextDocumentIdentifier(uri=uri)
    found = await client.text_document_completion_async(lsp.CompletionParams(document, position))
    assert found is None or isinstance(found, lsp.CompletionList)
    return found


async def items(client: LanguageClient, uri: str, code: str) -> dict[str, lsp.CompletionItem]:
    found = await completion(client, uri, code)
    assert found is not None
    return {item.label: item for item in reversed(found.items)}


async def test_the_likeliest_name_comes_first_and_keeps_its_place(client: LanguageClient) -> None:
    found = await completion(client, "file:///c1.py", IMPORTS + "class Net(nn.‸")

    assert found is not None and found.is_incomplete
    first = found.items[0]
    assert (first.label, first.sort_text, first.kind, first.preselect) == (
        "Module",
        "0000",
        lsp.CompletionItemKind.Class,
        True,
    )
    assert [item.sort_text for item in found.items] == sorted(item.sort_text or "" for item in found.items)


async def test_calls_get_parentheses_in_clients_with_snippets(client: LanguageClient) -> None:
    found = await items(client, "file:///c2.py", IMPORTS + "y = nn.‸")

    assert (found["Linear"].insert_text, found["ReLU"].insert_text) == ("Linear($0)", "ReLU()")
    assert found["Linear"].insert_text_format == lsp.InsertTextFormat.Snippet
    before_call = await items(client, "file:///c3.py", IMPORTS + "y = nn.Lin‸(2, 3)")
    assert before_call["Linear"].insert_text is None


async def test_a_foreign_name_finds_mlxs(client: LanguageClient) -> None:
    found = await completion(client, "file:///c4.py", IMPORTS + "y = mx.ca‸")

    assert found is not None
    item = next(item for item in found.items if item.filter_text == "cat")
    assert (item.label, item.insert_text) == ("concatenate", "concatenate($0)")
    assert item.detail == "torch.cat"
    resolved = await client.completion_item_resolve_async(item)
    assert isinstance(resolved.documentation, lsp.MarkupContent)
    assert resolved.documentation.value.startswith("`torch.cat` is `mx.concatenate` in MLX.")


async def test_documentation_comes_when_asked_for(client: LanguageClient) -> None:
    item = (await items(client, "file:///c5.py", IMPORTS + "y = mx.‸"))["softmax"]

    resolved = await client.completion_item_resolve_async(item)

    assert item.documentation is None
    assert isinstance(resolved.documentation, lsp.MarkupContent)
    assert resolved.documentation.kind == lsp.MarkupKind.Markdown
    assert "mx.softmax(" in resolved.documentation.value
    strange = lsp.CompletionItem(label="strange", data={"of": "another server"})
    assert (await client.completion_item_resolve_async(strange)).documentation is None


async def test_members_of_a_layer_include_its_weights(client: LanguageClient) -> None:
    code = (
        IMPORTS + "class Net(nn.Module):\n    def __init__(self):\n        self.fc = nn.Linear(2, 3)\n        self.fc.‸"
    )

    assert {"weight", "bias", "parameters"} <= (await items(client, "file:///c6.py", code)).keys()


async def test_deprecated_names_are_struck_through(client: LanguageClient) -> None:
    found = await items(client, "file:///c7.py", IMPORTS + "mx.metal.‸")

    assert list(found["clear_cache"].tags or ()) == [lsp.CompletionItemTag.Deprecated]
    assert found["start_capture"].tags is None


async def test_keyword_arguments_say_what_they_take(client: LanguageClient) -> None:
    found = await items(client, "file:///c8.py", IMPORTS + "mx.softmax(x, ‸")

    assert list(reversed(found)) == ["axis=", "precise=", "stream="]
    assert found["precise="].detail == "bool = False"


@pytest.mark.parametrize("code", ["# mx.‸", "s = 'mx.‸'", "x = ‸", "other.‸"])
async def test_elsewhere_there_is_nothing(client: LanguageClient, code: str) -> None:
    assert await completion(client, f"file:///nothing{hash(code)}.py", IMPORTS + code) is None


async def test_a_cell_of_text_that_was_never_opened(client: LanguageClient) -> None:
    document = lsp.TextDocumentIdentifier(uri="file:///no/such/file.py")

    assert await client.text_document_completion_async(lsp.CompletionParams(document, lsp.Position(0, 0))) is None


async def test_a_notebooks_cell_knows_the_cells_before_it(client: LanguageClient) -> None:
    cells = ["%matplotlib inline\nimport mlx.core as mx\n", "x = mx.zeros(3)\n", "y = x.res‸"]
    cell = open_notebook(client, "file:///n.ipynb", cells)[2]
    params = lsp.CompletionParams(lsp.TextDocumentIdentifier(cell.uri), at(cells[2])[1])

    found = await client.text_document_completion_async(params)

    assert isinstance(found, lsp.CompletionList)
    assert "reshape" in [item.label for item in found.items][:5]
