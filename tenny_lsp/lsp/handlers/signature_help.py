"""Answer ``textDocument/signatureHelp``: what the call around the cursor takes."""

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from tenny_lsp.features.signature_help import signature_help
from tenny_lsp.lsp.session import Session
from tenny_lsp.lsp.to_lsp import signature_help_of


def register(server: LanguageServer, session: Session) -> None:
    """Register the request with the server."""

    @server.feature(lsp.TEXT_DOCUMENT_SIGNATURE_HELP)
    async def text_document_signature_help(params: lsp.SignatureHelpParams) -> lsp.SignatureHelp | None:
        view = session.view(params.text_document.uri)
        if view is None:
            return None
        help_ = signature_help(await session.queries(view), view.offset(params.position))
        return signature_help_of(help_, session.client.can) if help_ is not None else None
