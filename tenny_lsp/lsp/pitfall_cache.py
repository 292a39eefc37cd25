"""The pitfalls of the open documents, found once for each version and again only where an edit needs it."""

import gc
import logging
from functools import partial

from tenny_lsp.lsp.documents import Documents, View
from tenny_lsp.lsp.settings import PitfallSettings
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.pitfalls.check import Rules
from tenny_lsp.pitfalls.fixes import fixed
from tenny_lsp.pitfalls.rule import Pitfall
from tenny_lsp.pitfalls.while_typing import TypingCheck, check_while_typing

LOGGER = logging.getLogger(__name__)


class PitfallCache:
    """Finds the pitfalls of documents with the rules that the settings select."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._settings = PitfallSettings()
        self._rules = Rules(with_shapes=False)
        self._checks: dict[str, TypingCheck] = {}

    def configure(self, settings: PitfallSettings) -> None:
        """Take over which rules are selected."""
        if settings != self._settings:
            self._settings, self._rules = settings, Rules(settings.select, settings.ignore, with_shapes=False)
            if self._rules.unknown:
                LOGGER.warning("There are no pitfalls called %s", ", ".join(self._rules.unknown))

    def pitfalls(self, view: View, index: ApiIndex) -> list[Pitfall]:
        """Return the pitfalls of a document, or of the whole notebook that it is a cell of."""
        kept = self._checks.get(view.uri)
        if kept is None or kept.buffer is not view.buffer or kept.checked.rules is not self._rules:
            evaluator_of = partial(self._documents.evaluator_of, view, index)
            gc.disable()  # the many nodes that are read would have it walk all that the server keeps
            try:
                kept = self._checks[view.uri] = check_while_typing(view.buffer, self._rules, evaluator_of, kept)
            finally:
                gc.enable()
        return kept.pitfalls

    def fixed(self, view: View, index: ApiIndex) -> str:
        """Return the text of a document with every safe fix applied."""
        return fixed(view.buffer, self._rules, partial(self._documents.evaluator_of, view, index))

    def forget(self, uri: str) -> None:
        """Drop what is kept of a closed document or notebook."""
        self._checks.pop(uri, None)
