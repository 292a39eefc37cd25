"""Published diagnostics: several sources, merged for each document, so that none overwrites another's."""

from collections.abc import Callable, Sequence

from lsprotocol import types as lsp

#: Publishes the diagnostics of a document, and of which version they are.
Publish = Callable[[str, list[lsp.Diagnostic], int | None], None]


class Publisher:
    """Keeps the diagnostics of each source and publishes those of a document together.

    Args:
        publish (Publish): Replaces the published diagnostics of a document: ``Client.publish``.
    """

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._diagnostics: dict[str, dict[str, list[lsp.Diagnostic]]] = {}

    def set(self, source: str, uri: str, diagnostics: Sequence[lsp.Diagnostic], version: int | None = None) -> None:
        """Replace a source's diagnostics of a document and publish all of the document's.

        Args:
            source (str): Who found them, ``pitfalls`` or ``review``; sources are published in the order of their names.
            uri (str): The document.
            diagnostics (Sequence[lsp.Diagnostic]): All that the source has to say of it.
            version (int, optional): The document's version that they belong to.
        """
        sources = self._diagnostics.setdefault(uri, {})
        sources[source] = list(diagnostics)
        self._publish(uri, [found for name in sorted(sources) for found in sources[name]], version)

    def clear(self, source: str, uri: str) -> None:
        """Take back a source's diagnostics of a document; publish nothing where it never published any."""
        if source in self._diagnostics.get(uri, {}):
            self.set(source, uri, [])
            del self._diagnostics[uri][source]

    def has(self, source: str, uri: str) -> bool:
        """Return whether a source has published diagnostics of a document and not taken them back."""
        return source in self._diagnostics.get(uri, {})
