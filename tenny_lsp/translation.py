"""What features answer as the Language Server Protocol says it."""

from lsprotocol import types as lsp

from tenny_lsp.documents import View
from tenny_lsp.features.hover import HoverCard
from tenny_lsp.features.signature_help import SignatureHelp


def hover_of(card: HoverCard, view: View) -> lsp.Hover:
    """Returns a hover's card."""
    return lsp.Hover(_markdown(card.markdown), view.range(card.start, card.end))


def signature_help_of(help_: SignatureHelp) -> lsp.SignatureHelp:
    """Returns the signatures of a call. Where an overload has no parameter for the argument, none is marked."""
    signatures = [
        lsp.SignatureInformation(
            shown.label,
            documentation=_markdown(help_.summary) if help_.summary else None,
            parameters=[
                lsp.ParameterInformation(place, _markdown(text) if text else None)
                for place, text in zip(shown.parameters, shown.documentation, strict=True)
            ],
            active_parameter=len(shown.parameters) if shown.active is None else shown.active,
        )
        for shown in help_.signatures
    ]
    return lsp.SignatureHelp(signatures, help_.active, signatures[help_.active].active_parameter)


def _markdown(text: str) -> lsp.MarkupContent:
    return lsp.MarkupContent(lsp.MarkupKind.Markdown, text)
