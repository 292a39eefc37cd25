"""Memoised evaluations, and the fixpoints of definitions that need each other."""

from collections import Counter
from functools import partial

import pytest

from tenny_lsp.inference.meaning import External, Meaning, join
from tenny_lsp.inference.memo import Memo


def test_what_has_taken_too_long_is_not_asked_for_again() -> None:
    memo, asked = Memo(), list[str]()

    def endless() -> None:
        asked.append("name")
        while memo.enter():
            memo.leave()
        memo.leave()

    memo.enter()
    for _ in range(2):
        assert memo.memoised("name", endless) is None
    memo.leave()

    assert asked == ["name"]


def test_definitions_that_need_each_other_are_evaluated_a_few_times_each() -> None:
    memo, asked, names = Memo(), Counter[int](), range(12)

    def meaning_of(name: int) -> Meaning | None:
        asked[name] += 1
        return join([External("numpy.ndarray"), *(memo.memoised(other, partial(meaning_of, other)) for other in names)])

    assert memo.memoised(0, partial(meaning_of, 0)) == External("numpy.ndarray")
    assert memo.memoised(11, partial(meaning_of, 11)) == External("numpy.ndarray")
    assert max(asked.values()) <= 4


def test_definitions_that_contradict_each_other_are_unknown() -> None:
    memo, values = Memo(), {"a": External("numpy.ndarray"), "b": External("numpy.generic")}

    def meaning_of(name: str, other: str) -> Meaning | None:
        return join([values[name], memo.memoised(other, partial(meaning_of, other, name))])

    assert memo.memoised("a", partial(meaning_of, "a", "b")) is None
    assert memo.memoised("b", partial(meaning_of, "b", "a")) is None


def test_of_two_circles_the_inner_one_is_known_by_itself() -> None:
    memo, leaf = Memo(), External("numpy.ndarray")

    def outer() -> Meaning | None:
        return join([memo.memoised("inner", inner), memo.memoised("outer", outer)])

    def inner() -> Meaning | None:
        return join([leaf, memo.memoised("inner", inner)])

    assert memo.memoised("outer", outer) == leaf
    assert memo.memoised("inner", lambda: None) == leaf


def test_nothing_is_kept_of_an_evaluation_that_an_exception_has_ended() -> None:
    memo, leaf, is_broken = Memo(), External("numpy.ndarray"), [True]

    def outer() -> Meaning | None:
        return join([leaf, memo.memoised("inner", inner)])

    def inner() -> Meaning | None:
        found = join([memo.memoised("innermost", innermost), memo.memoised("outer", outer)])
        if is_broken[0]:
            raise RecursionError
        return found

    def innermost() -> Meaning | None:
        return memo.memoised("inner", inner)

    with pytest.raises(RecursionError):
        memo.memoised("outer", outer)
    is_broken[0] = False

    assert memo.memoised("innermost", innermost) == leaf
    assert memo.memoised("outer", outer) == leaf
