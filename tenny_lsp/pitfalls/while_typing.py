"""Check a text while it is being typed: what the last edit left open is closed for the check.

An open bracket makes the parser take the rest of the file for its content: pitfalls there would vanish and come back
with each keystroke. Nothing is reported where the text was changed for the check.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.inference.shapes.engine import go_on
from tenny_lsp.pitfalls.check import Checked, Rules, check
from tenny_lsp.pitfalls.edits import Edit
from tenny_lsp.pitfalls.rule import Pitfall
from tenny_lsp.source.affixes import common_prefix_length
from tenny_lsp.source.buffer import Buffer


@dataclass(frozen=True, slots=True)
class TypingCheck:
    """What was found in a text that is being typed.

    Args:
        buffer (Buffer): The text as it is.
        pitfalls (list[Pitfall]): What was found in it.
        checked (Checked): The check of the text with what is open closed.
    """

    buffer: Buffer
    pitfalls: list[Pitfall]
    checked: Checked


def check_while_typing(
    buffer: Buffer,
    rules: Rules,
    evaluator_of: Callable[[Buffer], Evaluator],
    before: TypingCheck | None,
    pause: Callable[[], None] = go_on,
) -> TypingCheck:
    """Check a text that is being typed.

    Args:
        buffer (Buffer): The text.
        rules (Rules): The rules that are selected.
        evaluator_of (Callable[[Buffer], Evaluator]): Makes the evaluator of a text.
        before (TypingCheck | None): The check of the text before the last edit.
        pause (Callable[[], None]): Called again and again; it may hold the check up.
    """
    closed = _closed(buffer, before.buffer) if before is not None and buffer.root.has_error else buffer
    checked = check(evaluator_of(closed), rules, before.checked if before is not None else None, pause)
    found = checked.pitfalls if closed is buffer else list(_placed(checked.pitfalls, closed.text, buffer.text))
    return TypingCheck(buffer, found, checked)


def _closed(buffer: Buffer, before: Buffer) -> Buffer:
    """Return a text with what the last edit has left open closed, or with ``pass`` for its line if only that parses."""
    place = len(buffer.text) - common_prefix_length(buffer.text[::-1], before.text[::-1])
    closed = buffer.finished(place)
    if not closed.root.has_error:
        return closed
    start, end = buffer.text.rfind("\n", 0, place) + 1, buffer.text.find("\n", place)
    line = buffer.text[start : end if end >= 0 else None]
    text = buffer.text[:start] + line[: len(line) - len(line.lstrip())] + "pass" + buffer.text[start + len(line) :]
    without = Buffer(text, buffer)
    return closed if without.root.has_error else without


def _placed(found: list[Pitfall], closed: str, text: str) -> Iterator[Pitfall]:
    """Yield pitfalls of a closed text at their places in the text itself, but for those where the two differ."""
    start = common_prefix_length(closed, text)
    added = len(closed) - len(text)
    end = len(closed) - min(common_prefix_length(closed[::-1], text[::-1]), len(text) - start)

    def is_apart(part: Pitfall | Edit) -> bool:
        return part.end < start or end < part.start

    for one in filter(is_apart, found):
        fixes = tuple(
            replace(fix, edits=tuple(edit.moved(-added) if edit.start > end else edit for edit in fix.edits))
            for fix in one.fixes
            if all(map(is_apart, fix.edits))
        )
        moved = replace(one, fixes=fixes)
        yield replace(moved, start=one.start - added, end=one.end - added) if one.start > end else moved
