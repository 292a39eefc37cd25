"""``textDocument/signatureHelp`` through its handler."""

from lsprotocol import types as lsp

from tenny_lsp.lsp.handlers import signature_help
from tests.unit.lsp.fakes import Editor


async def help_at(editor: Editor, line: int, character: int) -> lsp.SignatureHelp | None:
    method, kind = lsp.TEXT_DOCUMENT_SIGNATURE_HELP, lsp.SignatureHelpParams
    found: lsp.SignatureHelp | None = await editor.at(method, kind, line, character)
    return found


async def test_the_signature_and_the_parameter_that_comes_next() -> None:
    editor = Editor(signature_help)
    editor.open("import mlx.core as mx\nmx.softmax(x, \n")

    found = await help_at(editor, 1, 14)

    assert found is not None
    signature = found.signatures[found.active_signature or 0]
    assert signature.label.startswith("mx.softmax(a: array") and signature.active_parameter == 1


async def test_plain_text_for_clients_without_markdown() -> None:
    editor = Editor(signature_help, reads_markdown_in_signatures=False)
    editor.open("import mlx.core as mx\nmx.softmax(x, \n")

    found = await help_at(editor, 1, 14)

    assert found is not None and isinstance(found.signatures[0].documentation, lsp.MarkupContent)
    assert found.signatures[0].documentation.kind == lsp.MarkupKind.PlainText


async def test_nothing_outside_of_mlxs_calls() -> None:
    editor = Editor(signature_help)
    editor.open("len(x, \n")

    assert await help_at(editor, 0, 7) is None
