"""What two sequences have in common at their ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenny_lsp.source.affixes import common_affixes, common_prefix_length


@pytest.mark.parametrize(
    ("one", "other", "affixes"),
    [
        ("", "", (0, 0)),
        ("abc", "abc", (3, 0)),
        ("abc", "abxc", (2, 1)),
        ("aa", "aaa", (2, 0)),
        (b"left right", b"left\nright", (4, 5)),
        (["a", "b", "c"], ["a", "c"], (1, 1)),
    ],
)
def test_common_affixes(one: str, other: str, affixes: tuple[int, int]) -> None:
    assert common_affixes(one, other) == affixes


@given(st.text("ab", max_size=12), st.text("ab", max_size=12))
def test_both_agree_with_a_plain_loop(one: str, other: str) -> None:
    shorter = min(len(one), len(other))
    start = next((n for n in range(shorter) if one[n] != other[n]), shorter)
    end = next((n for n in range(shorter - start) if one[-1 - n] != other[-1 - n]), shorter - start)

    assert common_prefix_length(one, other) == start
    assert common_affixes(one, other) == (start, end)
