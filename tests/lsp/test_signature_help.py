"""Signature help in a real server."""

import pytest
from lsprotocol import types as lsp
from pytest_lsp import LanguageClient

from tests.lsp.conftest import at, open_document

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def asked(client: LanguageClient, code: str) -> lsp.SignatureHelp | None:
    text, position = at(code)
    uri = "file:///call.py"
    open_document(client, uri, text)
    document = lsp.TextDocumentIdentifier(uri=uri)
    return await client.text_document_signature_help_async(
        lsp.SignatureHelpParams(text_document=document, position=position)
    )


async def test_signatures_while_typing(client: LanguageClient) -> None:
    help_ = await asked(client, "import mlx.core as mx\ns = '👩‍🚀'; y = mx.arange(0, ‸\nz = 3\n")

    assert help_ is not None and len(help_.signatures) == 2
    shown = help_.signatures[help_.active_signature or 0]
    assert shown.parameters is not None
    start, end = shown.parameters[help_.active_parameter or 0].label
    assert shown.label[int(start) : int(end)] == "stop: None | int | float"
    assert shown.parameters[1].documentation == lsp.MarkupContent(lsp.MarkupKind.Markdown, "Stopping value.")
    assert "Generates ranges" in shown.documentation.value  # type: ignore[union-attr]


async def test_no_parameter_takes_the_argument(client: LanguageClient) -> None:
    help_ = await asked(client, "import mlx.core as mx\nmx.sum(dim=‸)\n")

    assert help_ is not None
    assert help_.active_parameter == len(help_.signatures[0].parameters or ())


@pytest.mark.parametrize("code", ["foo(‸)", "import mlx.core as mx\n# mx.sum(‸\n", "‸"])
async def test_nothing_to_say(client: LanguageClient, code: str) -> None:
    assert await asked(client, code) is None
