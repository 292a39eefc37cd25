"""Inlay hints in a real server."""

import pytest
from lsprotocol import types as lsp
from pytest_lsp import LanguageClient

from tests.lsp.conftest import open_document

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_shapes_of_arrays_behind_their_variables(client: LanguageClient) -> None:
    uri = "file:///shapes.py"
    open_document(client, uri, "import mlx.core as mx\ns = '👩‍🚀'; x = mx.zeros((2, 3))\nname = s\n")
    span = lsp.Range(lsp.Position(0, 0), lsp.Position(9, 0))

    found = await client.text_document_inlay_hint_async(lsp.InlayHintParams(lsp.TextDocumentIdentifier(uri), span))

    assert [(hint.position, hint.label) for hint in found or ()] == [(lsp.Position(1, 14), ": (2, 3) float32")]
