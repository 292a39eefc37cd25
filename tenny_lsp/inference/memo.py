"""What has been found out while reading, and how circles end: ``x = x + 1`` in a loop needs ``x`` to say what it is."""

from collections.abc import Callable, Hashable

from tenny_lsp.inference.meaning import NEVER, Meaning

#: How deep expressions are followed into each other before their meaning is given up.
_DEEPEST = 60
#: How many expressions are read for one question before its answer is given up.
_MOST = 1000


class Memo:
    """What has been computed, by key, and what is being assumed meanwhile.

    ``doubts`` counts how often something has been assumed or given up: what has been found out without is certain.
    """

    def __init__(self) -> None:
        self.provisional = 0
        self._known: dict[Hashable, Meaning | None] = {}
        self._assumed: dict[Hashable, Meaning | None] = {}
        self._tentative: dict[Hashable, tuple[Meaning | None, set[Hashable]]] = {}
        self._used: set[Hashable] = set()
        self._depth = 0
        self._count = 0
        self._gave_up = False

    def enter(self) -> bool:
        """Goes one expression deeper; returns whether it may be read for the question that is being answered."""
        if self._depth == 0:
            self._count, self._gave_up = 0, False
        self._depth += 1
        self._count += 1
        if self._depth <= _DEEPEST and self._count <= _MOST:
            return True
        self._gave_up = True
        self.provisional += 1
        return False

    def leave(self) -> None:
        """Comes back from an expression."""
        self._depth -= 1

    def memoised(self, key: Hashable, compute: Callable[[], Meaning | None]) -> Meaning | None:
        """Returns what is computed for a key, once; in a circle, what agrees with itself, or None."""
        if key in self._known:
            return self._known[key]
        if key in self._assumed:
            self._used.add(key)
            self.provisional += 1
            return self._assumed[key]
        if key in self._tentative:
            result, used = self._tentative[key]
            self._used |= used
            self.provisional += 1
            return result
        around, self._used = self._used, set()
        self._assumed[key] = NEVER
        try:
            result = compute()
            if key in self._used and result is not None and result != NEVER:
                self._assume(key, result)
                result = result if compute() == result else None
        finally:
            del self._assumed[key]
            used = self._used - {key}
            self._used = around | used
        self._forget(key)
        if used:
            self._tentative[key] = result, used
        else:
            result = result if result != NEVER else None  # a circle that nothing leads into
            if not self._gave_up:
                self._known[key] = result
        return result

    def _assume(self, key: Hashable, meaning: Meaning | None) -> None:
        self._assumed[key] = meaning
        self._forget(key)

    def _forget(self, key: Hashable) -> None:
        """Drops what has been computed with an assumption that is no longer made."""
        self._tentative = {other: found for other, found in self._tentative.items() if key not in found[1]}
