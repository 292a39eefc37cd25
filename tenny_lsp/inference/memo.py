"""Memoise evaluations, and evaluate recursive definitions to a fixpoint: ``x = x + 1`` in a loop."""

from collections.abc import Callable, Hashable

from tenny_lsp.inference.meaning import NEVER, Meaning

#: How deep evaluations are nested before one is given up.
_MAX_DEPTH = 60
#: How many expressions are evaluated for one question before it is given up.
_MAX_EVALUATIONS = 1000
#: How often a recursive definition is evaluated again before it is given up.
_MAX_PASSES = 4


class Memo:
    """The memoised results of one file and of the files that are evaluated with it.

    A definition that needs its own meaning is first assumed to be ``NEVER``, the bottom of the lattice of meanings,
    then to be what that gave, until nothing changes any more: that is a fixpoint. Of definitions that need each other
    only the first that was asked for, the head, is evaluated again, and the others within it. What is found for them
    hangs on assumptions: it is provisional, and final when the head has its fixpoint.

    Attributes:
        provisional (int): How many provisional results have been used or evaluations given up so far. Whatever was
            evaluated while the number stayed the same is final.
    """

    def __init__(self) -> None:
        self.provisional = 0
        self._final: dict[Hashable, Meaning | None] = {}
        self._assumed: dict[Hashable, Meaning | None] = {}
        #: Key → a provisional result, and the keys whose assumptions it hangs on.
        self._provisional: dict[Hashable, tuple[Meaning | None, frozenset[Hashable]]] = {}
        #: The same of keys that are to be assumed so when their head is evaluated again.
        self._guesses: dict[Hashable, tuple[Meaning | None, frozenset[Hashable]]] = {}
        #: The keys on which a result hangs that its own evaluation has changed.
        self._unstable: set[Hashable] = set()
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
            result, hangs_on = self._provisional[key]
            self._used_assumptions |= hangs_on
            self.provisional += 1
            return result
        outer, self._used_assumptions = self._used_assumptions, set()
        self._assumed[key] = self._guesses[key][0] if key in self._guesses else NEVER
        is_stable = False
        try:
            result = compute()
            if self._used_assumptions == {key}:
                result, is_stable = self._fixpoint(key, result, compute)
        except BaseException:
            del self._assumed[key]
            self._used_assumptions = outer
            self._release(key, is_final=False)
            raise
        assumed = self._assumed.pop(key)
        used, self._used_assumptions = self._used_assumptions, outer
        if used <= {key}:
            self._release(key, is_final=is_stable and not self._has_given_up)
            result = result if result != NEVER else None  # recursion without a base case
            # What has taken too long is not asked for again: it would take as long each time.
            if not self._has_given_up or not self._assumed:
                self._final[key] = result
        else:
            self._used_assumptions |= used - {key}
            self._hang(key, result, frozenset(used - {key}), is_stable=key not in used or result == assumed)
        return result

    def _fixpoint(
        self, key: Hashable, result: Meaning | None, compute: Callable[[], Meaning | None]
    ) -> tuple[Meaning | None, bool]:
        """Return what a head is, and whether that is a fixpoint: it is unknown if too many passes change it."""
        for _ in range(_MAX_PASSES):
            if result is None:
                return None, False
            if result == self._assumed[key] and key not in self._unstable:
                return result, True
            self._assumed[key] = result
            self._unstable.discard(key)
            self._provisional = {other: one for other, one in self._provisional.items() if key not in one[1]}
            result = compute()
        is_stable = result == self._assumed[key] and key not in self._unstable
        return (result, True) if is_stable else (None, False)

    def _release(self, key: Hashable, *, is_final: bool) -> None:
        """Let go of what hangs on an assumption that ends: keep what hangs on nothing else, if it is final."""
        if is_final:
            self._final |= {other: one[0] for other, one in self._provisional.items() if one[1] == {key}}
        for results in (self._provisional, self._guesses):
            for other in [other for other, one in results.items() if key in one[1]]:
                del results[other]
        self._unstable.discard(key)

    def _hang(self, key: Hashable, result: Meaning | None, on: frozenset[Hashable], *, is_stable: bool) -> None:
        """Keep a provisional result; what hangs on it hangs on the same assumptions, whose pass may change both."""
        if not is_stable:
            self._guesses[key] = result, on
        if not is_stable or key in self._unstable:
            self._unstable |= on
            self._unstable.discard(key)
        for results in (self._provisional, self._guesses):
            for other in [other for other, one in results.items() if key in one[1]]:
                results[other] = results[other][0], results[other][1] - {key} | on
        self._provisional[key] = result, on
