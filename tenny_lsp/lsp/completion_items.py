"""What may be written, as the Language Server Protocol says it, in the words that the client understands."""

from lsprotocol import types as lsp

from tenny_lsp.features.candidates import CompletionCandidate
from tenny_lsp.features.completion import Completions, documentation
from tenny_lsp.lsp.to_lsp import content
from tenny_lsp.mlx_api.index import ApiIndex

#: What brings a completion up unasked: a member after a dot, a type after ``dtype=``.
OPTIONS = lsp.CompletionOptions(trigger_characters=[".", "="], resolve_provider=True)

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


class CompletionItems:
    """Makes the items for one client.

    Args:
        client (lsp.ClientCapabilities): What it can do.
    """

    def __init__(self, client: lsp.ClientCapabilities) -> None:
        self._client = client
        completion = client.text_document.completion if client.text_document else None
        self._able = (completion.completion_item if completion else None) or lsp.ClientCompletionItemOptions()
        tags = self._able.tag_support.value_set if self._able.tag_support else ()
        self._has_tags = lsp.CompletionItemTag.Deprecated in tags

    def all(self, found: Completions) -> lsp.CompletionList:
        """Returns the items, so that a client keeps their order."""
        items = [self._item(candidate, rank) for rank, candidate in enumerate(found.candidates)]
        if items and self._able.preselect_support and not found.candidates[0].is_background:
            items[0].preselect = True
        return lsp.CompletionList(is_incomplete=found.is_incomplete, items=items)

    def resolved(self, item: lsp.CompletionItem, index: ApiIndex) -> lsp.CompletionItem:
        """Returns an item with its signature and documentation."""
        entry, foreign = item.data if isinstance(item.data, list) and len(item.data) == 2 else ("", "")
        known = documentation(str(entry), str(foreign), index)
        if known is not None:
            item.documentation = content(known, self._client, self._able.documentation_format)
        return item

    def _item(self, candidate: CompletionCandidate, rank: int) -> lsp.CompletionItem:
        item = lsp.CompletionItem(
            label=candidate.name,
            kind=_KINDS[candidate.kind],
            sort_text=f"{_LAST * candidate.is_background}{rank:04d}",
            data=[candidate.entry, candidate.foreign],
        )
        if candidate.typed_as != candidate.name:
            item.filter_text = candidate.typed_as
        if candidate.takes and self._able.snippet_support:
            item.insert_text = f"{candidate.name}{'($0)' if candidate.takes == 'arguments' else '()'}"
            item.insert_text_format = lsp.InsertTextFormat.Snippet
        elif candidate.typed_as != candidate.name:
            item.insert_text = candidate.name  # some clients insert what they filter by
        note = candidate.foreign or candidate.note
        if note and self._able.label_details_support:
            item.label_details = lsp.CompletionItemLabelDetails(description=note)
        elif note:
            item.detail = note
        if candidate.replaced_by:
            if self._has_tags:
                item.tags = [lsp.CompletionItemTag.Deprecated]
            elif self._able.deprecated_support:
                item.deprecated = True
        return item
