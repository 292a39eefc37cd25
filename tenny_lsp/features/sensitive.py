"""Tell the comments that no joke is made of: death, illness, self-harm, harassment, groups, layoffs, violence.

Phrases are read, not words: ``kill the worker`` and ``cancer dataset`` are a programmer's, and may be joked about.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from tenny_lsp.data import read_toml

#: So much of a text is read.
_MOST_CHARACTERS = 10_000
#: What a phrase of the trade leaves behind: nothing that any pattern reads.
_BLANK = " § "
#: The kind that is told by what a text or a name is about, whoever speaks.
_GRAVE = "grave"
#: What stands for words in a pattern.
_NAME = r"\{([a-z]+)\}"
#: The comment marks within a comment of several lines are no part of a sentence.
_MARKS = re.compile(r"\s*\n\s*(?:#+|//+)?\s*")


@dataclass(frozen=True, slots=True)
class Sensitive:
    """A kind of comments that no joke is made of.

    Args:
        kind (str): ``death``, ``illness``, ``self-harm`` …
        sentences (tuple[str, ...]): What may be said instead.
        pattern (re.Pattern[str]): What its comments say.
    """

    kind: str
    sentences: tuple[str, ...]
    pattern: "re.Pattern[str]"

    @property
    def sentiment(self) -> str:
        """Negative, or Neutral where only the subject is grave; words would call *thanks for nothing* Positive."""
        return "Neutral" if self.kind == _GRAVE else "Negative"


def sensitive(text: str) -> Sensitive | None:
    """Return the kind of a comment that no joke is made of; None where one may be."""
    kinds, technical, medicine = _read()
    read = technical.sub(_BLANK, _MARKS.sub(" ", text[:_MOST_CHARACTERS]).replace("’", "'"))
    spoken, named = medicine.sub(_BLANK, read), read.replace("_", " ")
    texts = {_GRAVE: named}
    return next((kind for kind in kinds if kind.pattern.search(texts.get(kind.kind, spoken))), None)


def kind_sentence(kind: Sensitive, text: str, seed: int = 0) -> str:
    """Return what is said to a comment instead of a joke: the same to the same comment and seed."""
    return kind.sentences[(len(text) + seed) % len(kind.sentences)]


def kind_sentences() -> frozenset[str]:
    """Return every sentence that may be said instead of a joke."""
    return frozenset(sentence for kind in _read()[0] for sentence in kind.sentences)


@cache
def _read() -> tuple[list[Sensitive], "re.Pattern[str]", "re.Pattern[str]"]:
    """Return the kinds in the order in which they are looked for, and what is blanked out: trade, medicine."""
    table = read_toml("sensitive.toml")
    words: dict[str, str] = table.pop("words")
    technical, medicine = (_pattern(table.pop(name), words) for name in ("technical", "medicine"))
    # Who is in danger is answered first; what nobody says of himself, last.
    order = sorted(table, key=lambda name: (name == _GRAVE, name != "self-harm"))
    return [_kind(name, table[name], words) for name in order], technical, medicine


def _kind(name: str, row: dict[str, Any], words: dict[str, str]) -> Sensitive:
    return Sensitive(name, tuple(row["sentences"]), _pattern(row["patterns"], words))


def _pattern(alternatives: list[str], words: dict[str, str]) -> "re.Pattern[str]":
    """Return a pattern that finds any of some others, in which ``{name}`` stands for words."""
    whole = "|".join(f"(?:{one})" for one in alternatives)
    while re.search(_NAME, whole):  # words may be made of words
        whole = re.sub(_NAME, lambda name: words[name[1]], whole)
    return re.compile(whole, re.IGNORECASE)
