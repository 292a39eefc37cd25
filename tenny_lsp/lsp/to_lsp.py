"""Results of features as LSP values, in Markdown or, for clients that show none, in plain text."""

from collections.abc import Iterable

from lsprotocol import types as lsp

from tenny_lsp.features.hover import HoverCard
from tenny_lsp.features.plain import plain
from tenny_lsp.features.safe_markdown import safe_markdown
from tenny_lsp.features.signature_help import SignatureHelp
from tenny_lsp.lsp.client import Capabilities
from tenny_lsp.lsp.documents import View
from tenny_lsp.pitfalls.edits import Edit
from tenny_lsp.pitfalls.rule import Pitfall

_SEVERITIES = {
    "error": lsp.DiagnosticSeverity.Error,
    "warning": lsp.DiagnosticSeverity.Warning,
    "information": lsp.DiagnosticSeverity.Information,
}


def hover_of(card: HoverCard, view: View, client: Capabilities) -> lsp.Hover:
    """Return the hover that shows a card."""
    return lsp.Hover(markup(card.markdown, as_markdown=client.reads_markdown), view.range(card.start, card.end))


def signature_help_of(help_: SignatureHelp, client: Capabilities) -> lsp.SignatureHelp:
    """Return the signatures of a call; an overload that lacks the current argument has no active parameter."""

    def content(markdown: str) -> lsp.MarkupContent | None:
        return markup(markdown, as_markdown=client.reads_markdown_in_signatures) if markdown else None

    signatures = [
        lsp.SignatureInformation(
            shown.label,
            documentation=content(help_.summary),
            parameters=[
                lsp.ParameterInformation(place, content(text))
                for place, text in zip(shown.parameters, shown.documentation, strict=True)
            ],
            active_parameter=len(shown.parameters) if shown.active is None else shown.active,
        )
        for shown in help_.signatures
    ]
    return lsp.SignatureHelp(signatures, help_.active, signatures[help_.active].active_parameter)


def markup(markdown: str, *, as_markdown: bool) -> lsp.MarkupContent:
    """Return Markdown that neither loads nor runs anything, or plain text."""
    if as_markdown:
        return lsp.MarkupContent(lsp.MarkupKind.Markdown, safe_markdown(markdown))
    return lsp.MarkupContent(lsp.MarkupKind.PlainText, plain(markdown))


def diagnostic_of(pitfall: Pitfall, view: View) -> lsp.Diagnostic:
    """Return the diagnostic that shows a pitfall."""
    return lsp.Diagnostic(
        view.range(pitfall.start, pitfall.end),
        pitfall.message,
        _SEVERITIES[pitfall.severity],
        pitfall.code,
        lsp.CodeDescription(pitfall.link),
        "Tenny",
    )


def is_in(pitfall: Pitfall, view: View, uri: str) -> bool:
    """Return whether a pitfall of a view lies in one document of it: always, unless that is a notebook's cell."""
    return view.located(pitfall.start)[0].uri == uri


def workspace_edit(edits: Iterable[Edit], view: View) -> lsp.WorkspaceEdit:
    """Return edits of a buffer as edits of the documents, or the cells, that they lie in."""
    changes: dict[str, list[lsp.TextEdit]] = {}
    for edit in edits:
        document, _ = view.located(edit.start)
        changes.setdefault(document.uri, []).append(lsp.TextEdit(view.range(edit.start, edit.end), edit.text))
    return lsp.WorkspaceEdit(changes)


def is_wanted(kind: str, only: Iterable[lsp.CodeActionKind | str] | None) -> bool:
    """Return whether a client wants code actions of a kind: of every kind, or of one that it belongs to."""
    wanted = None if only is None else [str(getattr(one, "value", one)) for one in only]
    return wanted is None or any(kind == one or not one or kind.startswith(f"{one}.") for one in wanted)
