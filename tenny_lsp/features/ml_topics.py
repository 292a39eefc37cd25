"""Tell which topics of machine learning a comment is about, and say something to them.

A word of two trades (a mask, a head, a seed, a cache) is of this one only where its neighbours are.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache, lru_cache

from tenny_lsp.data import read_toml
from tenny_lsp.features.feeling import felt
from tenny_lsp.features.picking import picked

_GENERAL = 3
#: So many words that other trades have as well are of this one if they stand in one comment.
_SHARED_ENOUGH = 2


@dataclass(frozen=True, slots=True)
class MlTopic:
    """A topic of machine learning.

    Args:
        name (str): What it is called.
        when (re.Pattern[str]): What the comments about it have.
        unless (re.Pattern[str] | None): What no comment about it has.
        lines (tuple[str, ...]): What may be said to any of them.
        feels (str): The sentiment that they have; empty: any.
        is_ambiguous (bool): Whether they need another word of machine learning.
        breadth (int): 0 for a narrow one, 1 and 2 for broad ones, 3 for machine learning as such.
    """

    name: str
    when: "re.Pattern[str]"
    unless: "re.Pattern[str] | None"
    lines: tuple[str, ...]
    feels: str
    is_ambiguous: bool
    breadth: int

    @property
    def is_general(self) -> bool:
        """Whether it says only that a comment is about machine learning."""
        return self.breadth == _GENERAL


@lru_cache(maxsize=4096)
def ml_topics(text: str) -> tuple[MlTopic, ...]:
    """Return the topics of machine learning that a text is about, the narrowest first."""
    feeling, is_ml = felt(text), is_machine_learning(text)
    found = [
        (topic.breadth, match.start() if topic.breadth else 0, topic)
        for topic in _topics()
        if (is_ml or not topic.is_ambiguous)
        and topic.feels in ("", feeling)
        and (match := _search(topic.when, text))
        and not (topic.unless and _search(topic.unless, text))
    ]
    return tuple(topic for *_, topic in sorted(found, key=lambda row: row[:2]))


def is_machine_learning(text: str) -> bool:
    """Return whether a text has a word that only machine learning has, or several that it shares."""
    own, shared = _words()
    said = {word.lower() for reading in _readings(text) for word in shared.findall(reading)}
    return _search(own, text) is not None or len(said) >= _SHARED_ENOUGH


def same_sense(comment: str, *told: str) -> bool:
    """Return whether what was written about one thing can be said to a comment: both have its narrowest topic, or none.

    Args:
        comment (str): The comment.
        told (str): A remark, and the comment that it was written for.
    """
    about = [topic.name for topic in ml_topics(comment) if not topic.is_general]
    others = {topic.name for text in told for topic in ml_topics(text) if not topic.is_general}
    return about[0] in others if about else not others


def topic_line(comment: str, *, seed: int = 0, avoid: Collection[str] = (), tired: Collection[str] = ()) -> str | None:
    """Return what is said to a comment on machine learning, another line for another seed; None to others.

    Args:
        comment (str): The comment.
        seed (int): Which of the lines.
        avoid (Collection[str]): What has been said to it already.
        tired (Collection[str]): What was said to others lately: only where there is nothing else on its topics.
    """
    topics = ml_topics(comment)
    narrow = [topic.lines for topic in topics if not topic.is_general]
    return picked(narrow or [topic.lines for topic in topics], comment, seed=seed, avoid=avoid, tired=tired)


def _search(pattern: "re.Pattern[str]", text: str) -> "re.Match[str] | None":
    return next(filter(None, map(pattern.search, _readings(text))), None)


def _readings(text: str) -> tuple[str, ...]:
    """Return a text, and as it reads with its names taken apart: ``rope_scaling`` has a ``rope``."""
    return (text, text.replace("_", " ")) if "_" in text else (text,)


@cache
def _words() -> "tuple[re.Pattern[str], re.Pattern[str]]":
    table = read_toml("ml_topics.toml")["words"]
    return _pattern(table["own"]), _pattern(table["shared"])


def _pattern(text: str) -> "re.Pattern[str]":
    return re.compile(text, re.IGNORECASE | re.DOTALL)


@cache
def _topics() -> tuple[MlTopic, ...]:
    return tuple(
        MlTopic(
            row["name"],
            _pattern(row["when"]),
            _pattern(row["unless"]) if "unless" in row else None,
            tuple(row["lines"]),
            row.get("feels", ""),
            row.get("ambiguous", False),
            _GENERAL if "machine learning" in row["name"] else int(row.get("broad", False)),
        )
        for row in read_toml("ml_topics.toml")["topic"]
    )
