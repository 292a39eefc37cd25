"""Completion candidates as LSP completion items, using of the protocol what the client can do."""

from lsprotocol import types as lsp

from tenny_lsp.features.candidates import CompletionCandidate
from tenny_lsp.features.completion import Completions, documentation
from tenny_lsp.lsp.client import Capabilities
from tenny_lsp.lsp.to_lsp import markup
from tenny_lsp.mlx_api.index import ApiIndex

_KINDS = {
    "module": lsp.CompletionItemKind.Module,
    "class": lsp.CompletionItemKind.Class,
    "function": lsp.CompletionItemKind.Function,
    "method": lsp.CompletionItemKind.Method,
    "property": lsp.CompletionItemKind.Property,
    "attribute": lsp.CompletionItemKind.Field,
    "keyword": lsp.CompletionItemKind.Variable,
    "type": lsp.CompletionItemKind.Constant,
}
#: Servers that sort by name start with a digit or a letter; this comes after all of them.
_LAST = "~"


def completion_list(found: Completions, uri: str, client: Capabilities) -> lsp.CompletionList:
    """Return the items of a completion in a document, so that the client keeps their order."""
    items = [_item(candidate, rank, uri, client) for rank, candidate in enumerate(found.candidates)]
    if items and client.has_preselect and not found.candidates[0].is_background:
        items[0].preselect = True
    return lsp.CompletionList(is_incomplete=found.is_incomplete, items=items)


def uri_of(item: lsp.CompletionItem) -> str:
    """Return the document that an item was made for; empty where the client has lost it."""
    return _data(item)[2]


def resolved(item: lsp.CompletionItem, index: ApiIndex, client: Capabilities) -> lsp.CompletionItem:
    """Return an item with its signature and documentation."""
    entry, foreign, _ = _data(item)
    known = documentation(entry, foreign, index)
    if known is not None:
        item.documentation = markup(known, as_markdown=client.reads_markdown_in_completions)
    return item


def _data(item: lsp.CompletionItem) -> tuple[str, str, str]:
    """Return what is needed to resolve an item: its entry, the foreign name it was found by, its document."""
    if isinstance(item.data, list) and len(item.data) == 3:
        entry, foreign, uri = map(str, item.data)
        return entry, foreign, uri
    return "", "", ""


def _item(candidate: CompletionCandidate, rank: int, uri: str, client: Capabilities) -> lsp.CompletionItem:
    item = lsp.CompletionItem(
        label=candidate.name,
        kind=_KINDS[candidate.kind],
        sort_text=f"{_LAST * candidate.is_background}{rank:04d}",
        data=[candidate.entry, candidate.foreign, uri],
    )
    if candidate.typed_as != candidate.name:
        item.filter_text = candidate.typed_as
    if candidate.takes and client.has_snippets:
        item.insert_text = f"{candidate.name}{'($0)' if candidate.takes == 'arguments' else '()'}"
        item.insert_text_format = lsp.InsertTextFormat.Snippet
    elif candidate.typed_as != candidate.name:
        item.insert_text = candidate.name  # some clients insert what they filter by
    note = candidate.foreign or candidate.note
    if note and client.has_label_details:
        item.label_details = lsp.CompletionItemLabelDetails(description=note)
    elif note:
        item.detail = note
    if candidate.replaced_by:
        if client.has_deprecated_tag:
            item.tags = [lsp.CompletionItemTag.Deprecated]
        elif client.has_deprecated:
            item.deprecated = True
    return item
