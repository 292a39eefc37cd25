"""Pick one of the lines that may be said to a comment."""

import zlib
from collections.abc import Collection, Iterable, Sequence

from tenny_lsp.features.subject import content_words


def picked(
    groups: Iterable[Sequence[str]],
    comment: str,
    *,
    seed: int,
    avoid: Collection[str],
    tired: Collection[str],
    next_if_tired: bool = True,
) -> str | None:
    """Return one of the lines, of the first group that has one that is not worn out; None where there is no line.

    Args:
        groups (Iterable[Sequence[str]]): The lines, those that tell most of the comment first.
        comment (str): The comment: equal ones get equal lines.
        seed (int): Another seed draws another line.
        avoid (Collection[str]): What has been said to it already: only when everything has.
        tired (Collection[str]): What was said to others lately: only where no group has anything else.
        next_if_tired (bool): Whether a line of a later group is better than a tired one.
    """
    place = zlib.crc32(comment.encode("utf-8", "surrogatepass")) + seed
    said: list[str] = []
    resting: list[str] = []
    for lines in groups:
        fresh = [line for line in lines if line not in avoid]
        if awake := [line for line in fresh if line not in tired]:
            best = _nearest(awake, comment) if not seed else awake
            return best[place % len(best)]
        if fresh and not next_if_tired:
            return fresh[place % len(fresh)]
        resting = resting or fresh
        said += lines
    left = resting or said
    return left[place % len(left)] if left else None


def _nearest(lines: Sequence[str], comment: str) -> list[str]:
    """Return those lines that share the most words with a comment."""
    said = content_words(comment)
    shared = [len(said & content_words(line)) for line in lines]
    return [line for line, count in zip(lines, shared, strict=True) if count == max(shared)]
