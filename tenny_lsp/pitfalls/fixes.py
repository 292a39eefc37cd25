"""Fixes: applied to a text, all the safe ones at once, and the comment that ignores a pitfall."""

import re
from collections.abc import Callable, Iterable, Iterator
from difflib import SequenceMatcher

from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.pitfalls.check import Rules, pitfalls
from tenny_lsp.pitfalls.rule import Edit, Fix, Pitfall
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.syntax import up_to

#: How often the fixes of a file are applied again to what they have made, as where one stands inside another.
_MOST_ROUNDS = 10
_IGNORED = re.compile(r"#\s*tenny:\s*ignore\[([^\]]*)\]")


def fixed(
    buffer: Buffer, index: ApiIndex, rules: Rules, evaluator_of: Callable[[Buffer], Evaluator | None] = lambda _: None
) -> str:
    """Returns a file's text with every safe fix applied; ``reader_of`` makes what reads the text after each round."""
    for _ in range(_MOST_ROUNDS):
        found = pitfalls(buffer, index, rules, evaluator_of(buffer))
        safe = (next((fix for fix in pitfall.fixes if fix.is_safe), None) for pitfall in found)
        text = applied(buffer.text, [fix for fix in safe if fix is not None])
        if text == buffer.text:
            break
        buffer = Buffer(text)
    return buffer.text


def applied(text: str, fixes: Iterable[Fix]) -> str:
    """Returns a text with fixes applied, the first of those that touch the same part."""
    taken: list[Edit] = []
    for fix in fixes:
        if not any(_clash(edit, other) for edit in fix.edits for other in taken):
            taken += [edit for edit in fix.edits if edit not in taken]
    for edit in sorted(taken, key=lambda edit: (edit.start, edit.end), reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _clash(one: Edit, other: Edit) -> bool:
    """Tells whether two different edits change the same part of the text, or insert at the same place."""
    if one == other:
        return False
    return (one.start < other.end and other.start < one.end) or one.start == other.start or one.end == other.end


def edits_between(before: str, after: str) -> Iterator[Edit]:
    """Yields the edits that make one text of another, line by line where as many lines are changed as there were."""
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
    """Returns the fix that ignores a pitfall where it stands; None where no comment can stand at its line's end."""
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
