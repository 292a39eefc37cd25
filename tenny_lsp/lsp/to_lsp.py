"""What features answer as the Language Server Protocol says it, in Markdown or, for who reads none, in plain text."""

from collections.abc import Sequence

from lsprotocol import types as lsp

from tenny_lsp.features.hover import HoverCard
from tenny_lsp.features.plain import plain
from tenny_lsp.features.signature_help import SignatureHelp
from tenny_lsp.lsp.documents import View


def hover_of(card: HoverCard, view: View, client: lsp.ClientCapabilities) -> lsp.Hover:
    """Returns a hover's card."""
    return lsp.Hover(content(card.markdown, client), view.range(card.start, card.end))


def signature_help_of(help_: SignatureHelp, client: lsp.ClientCapabilities) -> lsp.SignatureHelp:
    """Returns the signatures of a call. Where an overload has no parameter for the argument, none is marked."""
    able = client.text_document.signature_help if client.text_document else None
    kinds = able.signature_information.documentation_format if able and able.signature_information else None
    signatures = [
        lsp.SignatureInformation(
            shown.label,
            documentation=content(help_.summary, client, kinds) if help_.summary else None,
            parameters=[
                lsp.ParameterInformation(place, content(text, client, kinds) if text else None)
                for place, text in zip(shown.parameters, shown.documentation, strict=True)
            ],
            active_parameter=len(shown.parameters) if shown.active is None else shown.active,
        )
        for shown in help_.signatures
    ]
    return lsp.SignatureHelp(signatures, help_.active, signatures[help_.active].active_parameter)


def content(
    markdown: str, client: lsp.ClientCapabilities, kinds: Sequence[lsp.MarkupKind] | None = None
) -> lsp.MarkupContent:
    """Returns Markdown in the kind of text that a client likes best, and likes for hovers if it does not say."""
    hover = client.text_document.hover if client.text_document else None
    kinds = kinds or (hover.content_format if hover else None) or [lsp.MarkupKind.Markdown]
    if kinds[0] == lsp.MarkupKind.PlainText:
        return lsp.MarkupContent(lsp.MarkupKind.PlainText, plain(markdown))
    return lsp.MarkupContent(lsp.MarkupKind.Markdown, markdown)
