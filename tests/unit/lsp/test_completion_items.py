"""Items in the words of clients that can do much, little or nothing."""

from lsprotocol import types as lsp

from tenny_lsp.features.candidates import CompletionCandidate
from tenny_lsp.features.completion import Completions
from tenny_lsp.lsp.client import Capabilities
from tenny_lsp.lsp.completion_items import completion_list, resolved, uri_of
from tenny_lsp.mlx_api.index import ApiIndex

ZEROS = CompletionCandidate("zeros", "function", "mlx.core.zeros", "zeros", takes="arguments")
CAT = CompletionCandidate("concatenate", "function", "mlx.core.concatenate", "cat", foreign="torch.cat")
OLD = CompletionCandidate(
    "clear_cache", "function", "mlx.core.metal.clear_cache", "clear_cache", replaced_by="mx.clear_cache"
)
OWN = CompletionCandidate("eval", "method", "mlx.nn.Module.eval", "eval", is_background=True)


def client(**able: object) -> Capabilities:
    options = lsp.ClientCompletionItemOptions(**able)  # type: ignore[arg-type]
    completion = lsp.CompletionClientCapabilities(completion_item=options)
    document = lsp.TextDocumentClientCapabilities(completion=completion)
    return Capabilities.of(lsp.ClientCapabilities(text_document=document))


def items(*candidates: CompletionCandidate, **able: object) -> list[lsp.CompletionItem]:
    return list(completion_list(Completions(candidates), "file:///a.py", client(**able)).items)


def test_a_client_that_can_do_nothing_gets_plain_names() -> None:
    bare = completion_list(Completions((ZEROS, CAT, OLD), is_incomplete=True), "file:///a.py", Capabilities())

    assert bare.is_incomplete
    assert [(item.label, item.insert_text) for item in bare.items] == [
        ("zeros", None),
        ("concatenate", "concatenate"),
        ("clear_cache", None),
    ]
    assert [(item.tags, item.deprecated, item.preselect) for item in bare.items] == [(None, None, None)] * 3
    assert [item.detail for item in bare.items] == [None, "torch.cat", None]


def test_snippets_only_for_those_who_have_them() -> None:
    (item,) = items(ZEROS, snippet_support=True)

    assert (item.insert_text, item.insert_text_format) == ("zeros($0)", lsp.InsertTextFormat.Snippet)


def test_details_beside_the_name_where_there_is_room() -> None:
    (item,) = items(CAT, label_details_support=True)

    assert item.label_details == lsp.CompletionItemLabelDetails(description="torch.cat")
    assert item.detail is None


def test_deprecated_in_either_way() -> None:
    tags = lsp.CompletionItemTagOptions(value_set=[lsp.CompletionItemTag.Deprecated])

    assert items(OLD, tag_support=tags)[0].tags == [lsp.CompletionItemTag.Deprecated]
    assert items(OLD, deprecated_support=True)[0].deprecated is True


def test_the_best_is_preselected_unless_it_is_in_the_background() -> None:
    assert [item.preselect for item in items(ZEROS, OLD, preselect_support=True)] == [True, None]
    assert [item.preselect for item in items(OWN, preselect_support=True)] == [None]


def test_what_is_in_the_background_sorts_after_everybody_elses() -> None:
    assert items(OWN)[0].sort_text == "~0000"
    assert items(ZEROS)[0].sort_text == "0000"


def test_documentation_in_the_format_the_client_reads(mlx_index: ApiIndex) -> None:
    (item,) = items(ZEROS)

    found = resolved(item, mlx_index, client(documentation_format=[lsp.MarkupKind.PlainText]))

    assert isinstance(found.documentation, lsp.MarkupContent)
    assert found.documentation.kind == lsp.MarkupKind.PlainText
    assert found.documentation.value.startswith("mx.zeros(")


def test_an_item_says_which_document_it_was_made_for() -> None:
    assert uri_of(items(ZEROS)[0]) == "file:///a.py"


def test_an_item_whose_data_the_client_has_lost_is_resolved_as_it_is(mlx_index: ApiIndex) -> None:
    lost = lsp.CompletionItem(label="zeros", data="?")

    assert uri_of(lost) == ""
    assert resolved(lost, mlx_index, Capabilities()).documentation is None
