"""The pitfalls of the open documents, found once for each version and again only where an edit needs it."""

import asyncio
import logging
from dataclasses import dataclass
from functools import partial

from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.lsp.documents import Documents, View
from tenny_lsp.lsp.settings import PitfallSettings
from tenny_lsp.lsp.slices import Slices
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.pitfalls.check import Rules
from tenny_lsp.pitfalls.fixes import fixed
from tenny_lsp.pitfalls.rule import Pitfall
from tenny_lsp.pitfalls.shape_pass import OutOfTimeError, ShapePitfall, carried_over, shape_pitfalls
from tenny_lsp.pitfalls.while_typing import TypingCheck, check_while_typing

LOGGER = logging.getLogger(__name__)

#: How long the shape pass of a file may take in all, in seconds: of 3,775 files of MLX code 99 % are checked within
#: 0.8 s, and the longest in 6.4. What has been found by then is told.
_MOST_S = 4.0


@dataclass(frozen=True, slots=True)
class _ShapePass:
    """What the shapes of a text tell: of the evaluator's own text, or, carried over, of a later one."""

    text: str
    found: tuple[ShapePitfall, ...]
    evaluator: Evaluator | None
    rules: Rules


class PitfallCache:
    """Finds the pitfalls of documents with the rules that the settings select.

    Args:
        documents (Documents): The documents.
        slices (Slices): Runs the checks, so that no request waits for them.
    """

    def __init__(self, documents: Documents, slices: Slices) -> None:
        self._documents, self._slices = documents, slices
        self._settings = PitfallSettings()
        self._rules, self._shape_rules = Rules(with_shapes=False), Rules()
        self._checks: dict[str, TypingCheck] = {}
        self._passes: dict[str, _ShapePass] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    def configure(self, settings: PitfallSettings) -> None:
        """Take over which rules are selected."""
        if settings != self._settings:
            self._settings, self._rules = settings, Rules(settings.select, settings.ignore, with_shapes=False)
            self._shape_rules = Rules(settings.select, settings.ignore)
            self._passes.clear()
            if self._rules.unknown:
                LOGGER.warning("There are no pitfalls called %s", ", ".join(self._rules.unknown))

    async def pitfalls(self, view: View, index: ApiIndex) -> list[Pitfall]:
        """Return the pitfalls of a document, or of the whole notebook that it is a cell of.

        What shapes tell is among them once ``check_shapes`` has found it, and after an edit what is left of it.
        """
        found = (await self._check(view, index)).pitfalls
        shapes = self.told_by_shapes(view)
        return sorted([*found, *shapes], key=lambda pitfall: (pitfall.start, pitfall.end)) if shapes else found

    def told_by_shapes(self, view: View) -> list[Pitfall]:
        """Return those of the pitfalls of a document that shapes tell."""
        return [one.pitfall for one in self._carried_over(view)]

    async def check_shapes(self, view: View, index: ApiIndex) -> bool:
        """Find what the shapes of a document tell, in slices; return whether that is not what is told already.

        A text that does not parse is not searched: an open bracket takes the rest of the file for its content.
        """
        if view.buffer.root.has_error:
            return False
        evaluator, rules = self._documents.queries(view, index).evaluator, self._shape_rules
        kept = self._passes.get(view.uri)
        if kept is not None and kept.evaluator is evaluator and kept.rules is rules:
            return False
        checked = (await self._check(view, index)).checked
        found = await self._slices.run(
            lambda pause: shape_pitfalls(evaluator, rules, checked, pause), limit_s=_MOST_S, limit_error=OutOfTimeError
        )
        told = self.told_by_shapes(view)
        self._passes[view.uri] = _ShapePass(view.buffer.text, found, evaluator, rules)
        return [one.pitfall for one in found] != told

    def _carried_over(self, view: View) -> tuple[ShapePitfall, ...]:
        """Return what shapes tell of a document as it is now."""
        kept = self._passes.get(view.uri)
        if kept is None:
            return ()
        if kept.text != view.buffer.text:
            found = carried_over(kept.found, kept.text, view.buffer.text)
            kept = self._passes[view.uri] = _ShapePass(view.buffer.text, found, None, kept.rules)
        return kept.found

    async def _check(self, view: View, index: ApiIndex) -> TypingCheck:
        """Return the check of a document: the one that is kept, or a new one, of which one runs at a time."""
        turn = self._turns.setdefault(view.uri, asyncio.Lock())
        async with turn:
            kept = self._checks.get(view.uri)
            if kept is None or kept.buffer is not view.buffer or kept.checked.rules is not self._rules:
                rules, evaluator_of = self._rules, partial(self._documents.evaluator_of, view, index)
                kept = await self._slices.run(partial(check_while_typing, view.buffer, rules, evaluator_of, kept))
                if self._turns.get(view.uri) is turn:  # not closed in the meantime
                    self._checks[view.uri] = kept
            return kept

    def fixed(self, view: View, index: ApiIndex) -> str:
        """Return the text of a document with every safe fix applied."""
        return fixed(view.buffer, self._rules, partial(self._documents.evaluator_of, view, index))

    def forget(self, uri: str) -> None:
        """Drop what is kept of a closed document or notebook."""
        self._checks.pop(uri, None)
        self._passes.pop(uri, None)
        self._turns.pop(uri, None)
