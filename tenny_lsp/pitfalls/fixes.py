"""Apply fixes to a text, one or all the safe ones at once, and make the fix that ignores a pitfall by a comment."""

import re
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator
from difflib import SequenceMatcher

from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.pitfalls.check import Rules, pitfalls
from tenny_lsp.pitfalls.edits import Edit, Fix
from tenny_lsp.pitfalls.rule import Pitfall
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.syntax import up_to

#: How many rounds of fixes are applied to a file: where one fix stands inside another, the next round takes it.
_MOST_ROUNDS = 10
_IGNORED = re.compile(r"#\s*tenny:\s*ignore\[([^\]]*)\]")


def fixed(buffer: Buffer, rules: Rules, evaluator_of: Callable[[Buffer], Evaluator]) -> str:
    """Return a file's text with every safe fix applied.

    Args:
        buffer (Buffer): The file's text.
        rules (Rules): The rules that are selected.
        evaluator_of (Callable[[Buffer], Evaluator]): Makes the evaluator of the text after each round of fixes.
    """
    for _ in range(_MOST_ROUNDS):
        found = pitfalls(evaluator_of(buffer), rules)
        safe = (next((fix for fix in pitfall.fixes if fix.is_safe), None) for pitfall in found)
        text = applied(buffer.text, [fix for fix in safe if fix is not None])
        if text == buffer.text:
            break
        buffer = Buffer(text)
    return buffer.text


def fixed_as_listed(
    buffer: Buffer, listed: Iterable[Pitfall], rules: Rules, evaluator_of: Callable[[Buffer], Evaluator]
) -> tuple[str, int]:
    """Return a file's text with the safe fixes of listed pitfalls applied, and how many of these are put right.

    A pitfall that only comes to light when others are put right stays: nobody has been told of it. One that stands
    inside another is put right in a later round, if it can be found again.

    Args:
        buffer (Buffer): The file's text.
        listed (Iterable[Pitfall]): What a check of that text has found.
        rules (Rules): The rules that are selected.
        evaluator_of (Callable[[Buffer], Evaluator]): Makes the evaluator of the text after each round of fixes.
    """
    found = list(listed)
    waiting = [(pitfall.code, {pitfall.start}) for pitfall in found if _safe_fix(pitfall) is not None]
    count = len(waiting)
    for _ in range(_MOST_ROUNDS):
        due, taken = list[tuple[str, set[int], Fix]](), set[int]()
        at = {(code, place): number for number, (code, places) in reversed([*enumerate(waiting)]) for place in places}
        for pitfall in found:
            fix, number = _safe_fix(pitfall), at.get((pitfall.code, pitfall.start))
            if fix is not None and number is not None and number not in taken:
                taken.add(number)
                due.append((*waiting[number], fix))
        # What is not found again was put right together with another, unless its place was lost.
        waiting = [one for number, one in enumerate(waiting) if not one[1] and number not in taken]
        if not due:
            break
        edits, left = _chosen([fix for *_, fix in due])
        waiting += [(code, _moved(places, edits, buffer.text)) for code, places, fix in due if fix in left]
        buffer = Buffer(_edited(buffer.text, edits))
        found = pitfalls(evaluator_of(buffer), rules) if left else []
    return buffer.text, count - len(waiting)


def _safe_fix(pitfall: Pitfall) -> Fix | None:
    return next((fix for fix in pitfall.fixes if fix.is_safe), None)


def applied(text: str, fixes: Iterable[Fix]) -> str:
    """Return a text with fixes applied; of fixes that change the same part, the first."""
    edits, _ = _chosen(fixes)
    return _edited(text, edits)


def _chosen(fixes: Iterable[Fix]) -> tuple[list[Edit], list[Fix]]:
    """Return the edits of fixes in the order of the text, and the fixes that clash with earlier ones and are left."""
    taken, left = list[Edit](), list[Fix]()
    for fix in fixes:
        if any(_clash(edit, other) for edit in fix.edits for other in _near(edit, taken)):
            left.append(fix)
        else:
            for edit in fix.edits:
                if edit not in _near(edit, taken):
                    insort(taken, edit, key=_place)
    return taken, left


def _place(edit: Edit) -> tuple[int, int]:
    return edit.start, edit.end


def _near(edit: Edit, taken: list[Edit]) -> list[Edit]:
    """Return which of edits, in the order of the text and without clashes, may clash with another."""
    first = bisect_left(taken, (edit.start, edit.start), key=_place)
    last = bisect_right(taken, edit.end, lo=first, key=lambda other: other.start)
    return taken[max(first - 1, 0) : last]


def _edited(text: str, edits: list[Edit]) -> str:
    """Return a text with edits applied that stand in its order and do not overlap."""
    parts, done = list[str](), 0
    for edit in edits:
        parts += [text[done : edit.start], edit.text]
        done = edit.end
    return "".join([*parts, text[done:]])


def _moved(places: set[int], edits: list[Edit], text: str) -> set[int]:
    """Return where what stands at some places of a text may stand after edits; nowhere if an edit drops it."""
    moved = set[int]()
    for place in places:
        shift, around = 0, None
        for edit in edits:
            if edit.start == edit.end == place:
                moved.add(place + shift)  # it may begin before or after what is inserted there
            if edit.end <= place:
                shift += len(edit.text) - (edit.end - edit.start)
            elif edit.start <= place:
                around = edit
        if around is None:
            moved.add(place + shift)
        else:
            matcher = SequenceMatcher(None, text[around.start : around.end], around.text, autojunk=False)
            inside = place - around.start
            same = [block for block in matcher.get_matching_blocks() if block.a <= inside < block.a + block.size]
            moved |= {around.start + shift + block.b + inside - block.a for block in same}
            moved |= {around.start + shift} if inside == 0 else set()
    return moved


def _clash(one: Edit, other: Edit) -> bool:
    """Return whether two different edits change the same part of the text, or insert at the same place."""
    if one == other:
        return False
    return (one.start < other.end and other.start < one.end) or one.start == other.start or one.end == other.end


def edits_between(before: str, after: str) -> Iterator[Edit]:
    """Yield the edits that turn one text into another, line by line where the number of lines stays the same."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    starts = [0]
    for line in old:
        starts.append(starts[-1] + len(line))
    for tag, i, j, k, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        if j - i == end - k:
            yield from (Edit(starts[i + n], starts[i + n + 1], new[k + n]) for n in range(j - i))
        else:
            yield Edit(starts[i], starts[j], "".join(new[k:end]))


def ignoring(buffer: Buffer, pitfall: Pitfall) -> Fix | None:
    """Return the fix that ignores a pitfall by a comment. Returns None where no comment can stand at its line's end."""
    end = re.compile(r"\r|\n|$").search(buffer.text, pitfall.end)
    assert end is not None
    place = end.start()
    line = buffer.text[:place].rpartition("\n")[2]
    title = f"Ignore {pitfall.code} here"
    if found := _IGNORED.search(line):
        codes = place - len(line) + found.end(1)
        return Fix(title, (Edit(codes, codes, f", {pitfall.code}"),), is_safe=False)
    offset = buffer.byte_offset(place)
    last = buffer.root.descendant_for_byte_range(max(offset - 1, 0), offset)
    string = up_to(last, "string") if last is not None else None
    if line.rstrip().endswith("\\") or (string is not None and string.end_byte > offset):
        return None
    return Fix(title, (Edit(place, place, f"  # tenny: ignore[{pitfall.code}]"),), is_safe=False)
