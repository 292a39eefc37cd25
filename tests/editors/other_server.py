"""A language server that knows every name: what a user has beside Tenny."""

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

server = LanguageServer("other", "1")


@server.feature(lsp.TEXT_DOCUMENT_HOVER)
def hover(params: lsp.HoverParams) -> lsp.Hover:
    document = server.workspace.get_text_document(params.text_document.uri)
    word = document.word_at_position(params.position)
    return lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.PlainText, f"the other server knows {word}"))


if __name__ == "__main__":
    server.start_io()
