"""Find what the shapes of a whole text tell, apart from what is found at each keystroke: it takes up to a second.

What was found in a text is shown in the next one until that has been searched too, but in no statement that the edit
touches.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.pitfalls.check import Checked, Rules, not_ignored, pitfalls_of_shapes
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.rule import Pitfall
from tenny_lsp.source.affixes import common_affixes


class OutOfTimeError(Exception):
    """A pass has taken as long as it may."""


@dataclass(frozen=True, slots=True)
class ShapePitfall:
    """A pitfall that shapes tell, and where the statement at the top of the file starts and ends that it stands in."""

    pitfall: Pitfall
    start: int
    end: int

    def moved(self, by: int) -> "ShapePitfall":
        """Return it at its place after an edit before it: shapes give no fixes, which would have to move, too."""
        pitfall = replace(self.pitfall, start=self.pitfall.start + by, end=self.pitfall.end + by)
        return ShapePitfall(pitfall, self.start + by, self.end + by)


def shape_pitfalls(
    evaluator: Evaluator, rules: Rules, checked: Checked, pause: Callable[[], None]
) -> tuple[ShapePitfall, ...]:
    """Return what the shapes of a text tell that nothing else does.

    Args:
        evaluator (Evaluator): The evaluator of the text.
        rules (Rules): The rules that are selected.
        checked (Checked): What else has been found in the text.
        pause (Callable[[], None]): Called again and again; it may hold the search up, or raise ``OutOfTimeError``: then
            what has been found by then is returned, for each finding is certain by itself.
    """
    buffer, found = evaluator.buffer, list[ShapePitfall]()
    if "mlx" not in buffer.text:
        return ()
    ends = [buffer.offset_of(node.end_byte) for node in buffer.root.children]
    spans = [(buffer.offset_of(node.start_byte), end) for node, end in zip(buffer.root.children, ends, strict=True)]
    others = [one.pitfall for statement in checked.statements for one in statement.found]
    try:
        for one in not_ignored(pitfalls_of_shapes(RuleContext(evaluator, pause), rules, others), buffer.text):
            start, end = next(span for span in spans if span[0] <= one.pitfall.start < span[1])
            found.append(ShapePitfall(one.pitfall, start, end))
    except OutOfTimeError:
        pass
    return tuple(dict.fromkeys(found))


def carried_over(found: tuple[ShapePitfall, ...], before: str, after: str) -> tuple[ShapePitfall, ...]:
    """Return what was found in a text at its places in the text after an edit, without what the edit touches."""
    if not found or before == after:
        return found
    start, same_end = common_affixes(before, after)
    end, by = len(before) - same_end, len(after) - len(before)
    return tuple(one if one.end < start else one.moved(by) for one in found if one.end < start or end < one.start)
