"""Tell whether a remark that was written for one comment fits another."""

import re
from collections.abc import Callable, Sequence
from functools import cache

from tenny_lsp.features.feeling import moods
from tenny_lsp.features.ml_topics import same_sense
from tenny_lsp.features.presumptions import COUNTED, is_so, presumptions
from tenny_lsp.features.subject import content_words, is_prose

#: How much of what a remark takes up from its own comment must be in the other, by weight.
_TAKEN_UP = 0.6
#: How much of a comment must be in a remark and its own comment, by weight: one common word is not a subject.
_ABOUT = 0.25
#: How much of the comment that a remark was written for must be in the other, by weight; code is not asked that.
_ALIKE = 0.38
#: The same for a remark that starts by pointing at something in that comment.
_POINTING_ALIKE = 0.6
#: One shared stem is a subject only where it says so much, in nats, or is most of the comment.
_TELLING, _MOST = 5.0, 0.45
#: A remark that takes nothing up is read with its own comment, which must be in the other.
_SAME = 0.6
_LEAST_PREFIX = 4
#: A scheduler plans jobs or learning rates, an index is an array's or a database's: words of several trades.
_AMBIGUOUS = "scheduler index environment key state policy agent head port root node leaf pool driver window zero step"
#: Words that one of these trades has for itself.
_TRADES = ("epoch gradient loss tensor attention layer logits training neural reward", "database server query sql join")
#: What code does to anything: to share such a verb is not to share a subject.
_ACTIONS = (
    "add adjust apply calculate call change check clean compute convert create default define delete display find fix "
    "format get handle ignore initialize keep load make move open parse prepare print process put read remove rename "
    "replace return run save send set show skip start stop store turn update validate work write"
)
_POINTING = re.compile(r"(?:It|They|That|Those|This|These|Them|He|She|Which|Then|Neither|Both|Also)\b")
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
    if presumes is None and words == own and (words or comment.strip() == context.strip()):
        # What it says beyond that was written for these very words; but nobody has counted anything.
        return not any(one.startswith(COUNTED) for one in untrue)
    if untrue:
        return False
    if _is_of_another_trade(words, own | said):
        return False
    taken_up = own & said
    if taken_up & moods() - words:
        return False
    alike = _POINTING_ALIKE if _POINTING.match(remark) else 0.0 if _CODE.search(context) else _ALIKE
    return (
        _share(taken_up or own, words, weight) >= (_TAKEN_UP if taken_up else _SAME)
        and _share(own, words, weight) >= alike
        and _is_about(words, own | said, weight, same_world=is_prose(context) == is_prose(comment))
        and same_sense(comment, context, remark)
    )


def _is_of_another_trade(words: frozenset[str], told: frozenset[str]) -> bool:
    """Return whether all that a comment shares with a remark are words of several trades, and the remark is of one."""
    _, ambiguous, *trades = _trades()
    return words & told <= ambiguous | moods() and any(told & trade and not words & trade for trade in trades)


@cache
def _trades() -> tuple[frozenset[str], ...]:
    return tuple(map(content_words, (_ACTIONS, _AMBIGUOUS, *_TRADES)))


def _is_about(words: frozenset[str], told: frozenset[str], weight: Callable[[str], float], *, same_world: bool) -> bool:
    """Return whether enough of a comment is among the stems of a remark and its own comment.

    Between code and life one word is not enough, nor a few of many: a pool has threads or swimmers.
    """
    about = _share(words, told, weight)
    shared = [weight(word) for word in words - moods() - _trades()[0] if _has(told, word)]
    if about < _ABOUT or not shared:
        return False
    if same_world:
        return len(shared) > 1 or about >= _MOST or shared[0] >= _TELLING
    return len(shared) > 1 and about >= _MOST


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
