"""Diagnostics of several sources, published together."""

from lsprotocol import types as lsp

from tenny_lsp.lsp.publisher import Publisher

A, B = "file:///a.py", "file:///b.py"


def diagnostic(message: str) -> lsp.Diagnostic:
    return lsp.Diagnostic(lsp.Range(lsp.Position(0, 0), lsp.Position(0, 1)), message)


class Published(list[tuple[str, list[str], int | None]]):
    """What was published, message by message."""

    def __call__(self, uri: str, diagnostics: list[lsp.Diagnostic], version: int | None) -> None:
        self.append((uri, [one.message for one in diagnostics], version))


def test_one_source_does_not_overwrite_another() -> None:
    published = Published()
    publisher = Publisher(published)

    publisher.set("review", A, [diagnostic("a remark")])
    publisher.set("pitfalls", A, [diagnostic("a pitfall")], version=3)
    publisher.set("pitfalls", B, [diagnostic("another")])

    assert published == [
        (A, ["a remark"], None),
        (A, ["a pitfall", "a remark"], 3),
        (B, ["another"], None),
    ]


def test_what_is_cleared_is_gone_and_the_rest_stays() -> None:
    published = Published()
    publisher = Publisher(published)
    publisher.set("review", A, [diagnostic("a remark")])
    publisher.set("pitfalls", A, [diagnostic("a pitfall")])

    publisher.clear("review", A)
    publisher.clear("pitfalls", A)

    assert published[2:] == [(A, ["a pitfall"], None), (A, [], None)]


def test_nothing_is_published_where_there_was_nothing_to_take_back() -> None:
    published = Published()

    Publisher(published).clear("review", A)

    assert published == []
