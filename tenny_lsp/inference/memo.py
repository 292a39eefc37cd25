"""Memoise evaluations, and evaluate recursive definitions to a fixpoint: ``x = x + 1`` in a loop."""

from collections.abc import Callable, Hashable

from tenny_lsp.inference.meaning import NEVER, Meaning

#: How deep evaluations are nested before one is given up.
_MAX_DEPTH = 60
#: How many expressions are evaluated for one question before it is given up.
_MAX_EVALUATIONS = 1000


class Memo:
    """The memoised results of one file and of the files that are evaluated with it.

    A definition that needs its own meaning is first assumed to be ``NEVER``, the bottom of the lattice of meanings,
    then to be what that gave; it is known if that is a fixpoint, and unknown otherwise. A result that hangs on an
    assumption is provisional: it is dropped with the assumption and not memoised.

    Attributes:
        provisional (int): How many provisional results have been used or evaluations given up so far. Whatever was
            evaluated while the number stayed the same is final.
    """

    def __init__(self) -> None:
        self.provisional = 0
        self._final: dict[Hashable, Meaning | None] = {}
        self._assumed: dict[Hashable, Meaning | None] = {}
        #: Key → a provisional result, and the keys whose assumptions it hangs on.
        self._provisional: dict[Hashable, tuple[Meaning | None, set[Hashable]]] = {}
        self._used_assumptions: set[Hashable] = set()
        self._depth = 0
        self._evaluations = 0
        self._has_given_up = False

    def enter(self) -> bool:
        """Begin to evaluate an expression; return False where the question has become too deep or too long."""
        if self._depth == 0:
            self._evaluations, self._has_given_up = 0, False
        self._depth += 1
        self._evaluations += 1
        if self._depth <= _MAX_DEPTH and self._evaluations <= _MAX_EVALUATIONS:
            return True
        self._has_given_up = True
        self.provisional += 1
        return False

    def leave(self) -> None:
        """End the evaluation of an expression."""
        self._depth -= 1

    def memoised(self, key: Hashable, compute: Callable[[], Meaning | None]) -> Meaning | None:
        """Return what ``compute`` returns, computed once; of a recursive definition the fixpoint, or None."""
        if key in self._final:
            return self._final[key]
        if key in self._assumed:
            self._used_assumptions.add(key)
            self.provisional += 1
            return self._assumed[key]
        if key in self._provisional:
            result, used = self._provisional[key]
            self._used_assumptions |= used
            self.provisional += 1
            return result
        outer, self._used_assumptions = self._used_assumptions, set()
        self._assumed[key] = NEVER
        try:
            result = compute()
            if key in self._used_assumptions and result is not None and result != NEVER:
                self._assumed[key] = result
                self._invalidate(key)
                result = result if compute() == result else None
        finally:
            del self._assumed[key]
            used = self._used_assumptions - {key}
            self._used_assumptions = outer | used
        self._invalidate(key)
        if used:
            self._provisional[key] = result, used
        else:
            result = result if result != NEVER else None  # recursion without a base case
            # What has taken too long is not asked for again: it would take as long each time.
            if not self._has_given_up or not self._assumed:
                self._final[key] = result
        return result

    def _invalidate(self, key: Hashable) -> None:
        """Drop the results that hang on an assumption which is no longer made."""
        self._provisional = {other: found for other, found in self._provisional.items() if key not in found[1]}
