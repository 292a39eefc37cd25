"""Tell whether a remark that was written for one comment fits another."""

import re
from collections.abc import Callable, Sequence

from tenny_lsp.features.feeling import moods
from tenny_lsp.features.presumptions import COUNTED, is_so, presumptions
from tenny_lsp.features.subject import content_words

#: How much of what a remark takes up from its own comment must be in the other, by weight.
_TAKEN_UP = 0.6
#: How much of a comment must be in a remark and its own comment, by weight: one common word is not a subject.
_ABOUT = 0.25
#: How much of the comment that a remark was written for must be in the other, by weight; code says the same in more words.
_ALIKE = 0.38
#: A remark that takes nothing up is read with its own comment, which must be in the other.
_SAME = 0.6
_LEAST_PREFIX = 4
_CODE = re.compile(r"[\w\]] ?=[^=]|\w\(|\A(?:class|def|for|from|import) ")


def fit(
    context: str, remark: str, presumes: Sequence[str] | None, comment: str, weight: Callable[[str], float]
) -> bool:
    """Return whether a remark can be made on a comment: all it presumes is so there, and it is about that.

    Args:
        context (str): The comment that the remark was written for.
        remark (str): The remark.
        presumes (Sequence[str] | None): What it presumes; None: what its words tell.
        comment (str): The comment.
        weight (Callable[[str], float]): What a stem says of a text that has it.
    """
    words, own, said = (_subjects(text) for text in (comment, context, remark))
    untrue = [
        one for one in (presumptions(remark, context) if presumes is None else presumes) if not is_so(one, comment)
    ]
    if words == own and (words or comment.strip() == context.strip()):
        # What it says beyond that was written for these very words; but nobody has counted anything.
        return not any(one.startswith(COUNTED) for one in untrue)
    if untrue:
        return False
    taken_up = own & said
    if taken_up & moods() - words:
        return False
    return (
        _share(taken_up or own, words, weight) >= (_TAKEN_UP if taken_up else _SAME)
        and _share(words, own | said, weight) >= _ABOUT
        and (_CODE.search(context) is not None or _share(own, words, weight) >= _ALIKE)
    )


def _subjects(text: str) -> frozenset[str]:
    """Return the stems that a text is about; its numbers are presumed, they are no subject."""
    return frozenset(word for word in content_words(text) if not word[0].isdigit())


def _share(words: frozenset[str], among: frozenset[str], weight: Callable[[str], float]) -> float:
    """Return how much of some words is among others, by weight, in [0, 1]."""
    whole = sum(map(weight, words))
    return sum(weight(word) for word in words if _has(among, word)) / whole if whole else 0.0


def _has(words: frozenset[str], word: str) -> bool:
    """Return whether a stem is among others, or one that starts as it does: ``rout`` and ``router``."""
    if word in words:
        return True
    return len(word) >= _LEAST_PREFIX and any(
        len(other) >= _LEAST_PREFIX and (other.startswith(word) or word.startswith(other)) for other in words
    )
