"""Fixes applied to a text: of those that change the same part, the first."""

from hypothesis import given
from hypothesis import strategies as st

from tenny_lsp.pitfalls.edits import Edit, Fix
from tenny_lsp.pitfalls.fixes import applied

TEXT = "abcdefghijkl"
EDITS = st.builds(
    lambda start, length, text: Edit(start, min(start + length, len(TEXT)), text),
    st.integers(0, len(TEXT)),
    st.integers(0, 3),
    st.sampled_from(["", "X", "YZ"]),
)


def clash(one: Edit, other: Edit) -> bool:
    overlap = one.start < other.end and other.start < one.end
    return one != other and (overlap or one.start == other.start or one.end == other.end)


@given(st.lists(EDITS, max_size=12))
def test_fixes_that_clash_with_none_before_them_are_applied(edits: list[Edit]) -> None:
    taken = list[Edit]()
    for edit in edits:
        if edit not in taken and not any(clash(edit, other) for other in taken):
            taken.append(edit)
    expected = TEXT
    for edit in sorted(taken, key=lambda edit: (edit.start, edit.end), reverse=True):
        expected = expected[: edit.start] + edit.text + expected[edit.end :]

    assert applied(TEXT, [Fix("", (edit,), is_safe=True) for edit in edits]) == expected


def test_a_fix_is_applied_as_a_whole_or_not_at_all() -> None:
    first = Fix("", (Edit(0, 1, "A"), Edit(4, 5, "E")), is_safe=True)
    clashing = Fix("", (Edit(2, 3, "C"), Edit(4, 6, "")), is_safe=True)

    assert applied(TEXT, [first, clashing]) == "AbcdEfghijkl"
    assert applied(TEXT, [clashing, first]) == "abCdghijkl"
