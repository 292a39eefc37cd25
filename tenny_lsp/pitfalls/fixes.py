"""Apply fixes to a text, one or all the safe ones at once, and make the fix that ignores a pitfall by a comment."""

import re
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


def applied(text: str, fixes: Iterable[Fix]) -> str:
    """Return a text with fixes applied; of fixes that change the same part, the first."""
    taken: list[Edit] = []
    for fix in fixes:
        if not any(_clash(edit, other) for edit in fix.edits for other in taken):
            taken += [edit for edit in fix.edits if edit not in taken]
    for edit in sorted(taken, key=lambda edit: (edit.start, edit.end), reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


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
