"""Tell the sentiment of a text by its words, without a model."""

import math
import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from itertools import pairwise

from tenny_lsp.data import read_json, read_lines
from tenny_lsp.mlx_api.words import stem, words
from tenny_lsp.model.prompts import SENTIMENTS

#: Lies in ``tenny_lsp/data``; written by ``tools.build_feelings``.
WEIGHTS = "feelings.json"
#: The weight that counts for every text.
ALWAYS = "(always)"
#: More of one kind say no more.
_MOST = 3
#: The t is what ``don't`` and its like end with.
_NEGATIONS = {"not", "no", "never", "hardly", "barely", "without", "cannot", "nobody", "nothing", "neither", "nor", "t"}
#: A feeling that is less probable is none to speak of.
_SURELY = 0.5
#: How many words a negation reaches.
_REACH = 3
#: What is said in despair, whatever its words are.
_PLEAS = re.compile(r"\bfor the love of \w+|\bfor (?:god|heaven|pete|goodness)'?s? sake\b", re.I)
_MARKS = {
    "(exclamation)": re.compile("!"),
    "(question)": re.compile(r"\?"),
    "(task)": re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b"),
    "(code)": re.compile(r"\A\s*(?:def|class|import|from|return|\w+\s*=)"),
    "(person)": re.compile(r"\b(?:I|my|we|our|me|you)\b"),
    "(blame)": re.compile(
        r"\b(?:who ?ever|who (?:wrote|did|thought|keeps?)|git blame|the (?:intern|vendor|previous))\b", re.I
    ),
    "(forbidden)": re.compile(r"\b(?:do not|don'?t|never) (?:touch|rename|remove|change|edit|delete|move|ask)\b", re.I),
    "(provisional)": re.compile(r"\b(?:temporar(?:y|ily)|for now|until|quick fix|remove (?:by|after|when))\b", re.I),
    "(why)": re.compile(r"\bwhy (?:is|are|do|does|did|would|on earth)\b", re.I),
    "(but)": re.compile(r"\b(?:but|although|except that|and still|yet)\b", re.I),
    "(from to)": re.compile(r"\bfrom \S*\d\S*(?: \w+)? to \S*\d|\d\S* ?(?:->|→) ?\d"),
    "(does something)": re.compile(r"\A\W*[a-z]+s "),
}


def chances(text: str) -> list[float]:
    """Return how probable each of ``SENTIMENTS`` is for a text, by its words alone."""
    table = _weights()
    sums = list(table[ALWAYS])
    for name, count in features(text).items():
        for place, weight in enumerate(table.get(name, ())):
            sums[place] += count * weight
    highest = max(sums)
    parts = [math.exp(value - highest) for value in sums]
    return [part / sum(parts) for part in parts]


def felt(text: str) -> str:
    """Return the sentiment of a text that is sure enough to speak of; empty where none is. Who asks has none yet."""
    chance, feeling = max(zip(chances(text), SENTIMENTS, strict=True))
    return feeling if chance >= _SURELY and not text.rstrip().endswith("?") else ""


def features(text: str) -> Mapping[str, int]:
    """Return what there is in a text to tell a feeling by, and how often: words, pairs of them, moods, marks."""
    without_pleas, pleas = _PLEAS.subn("", text)
    said = list(words(without_pleas))
    stems = list(map(stem, said))
    found = Counter({*stems, *map(" ".join, pairwise(stems))})
    well, badly = _moods()
    for place, word in enumerate(stems):
        is_negated = not _NEGATIONS.isdisjoint(said[max(0, place - _REACH) : place])
        if word in well or word in badly:
            found["(badly)" if (word in well) == is_negated else "(well)"] += 1
    if pleas:
        found["(badly)"] += pleas
    if not {"(well)", "(badly)"} & found.keys():
        found["(unmoved)"] = 1
    found.update(name for name, mark in _MARKS.items() if mark.search(text))
    return {name: min(count, _MOST) for name, count in found.items()}


@cache
def moods() -> frozenset[str]:
    """Return the stems of the words that say how somebody feels."""
    return frozenset().union(*_moods())


@cache
def _moods() -> tuple[frozenset[str], frozenset[str]]:
    lines = read_lines("feelings.txt")
    well, badly = ({stem(word) for line in lines if line[:1] == sign for word in words(line)} for sign in "+-")
    return frozenset(well), frozenset(badly)


@cache
def _weights() -> Mapping[str, tuple[float, ...]]:
    table = read_json(WEIGHTS)
    assert table.pop("(sentiments)") == list(SENTIMENTS)
    return {name: tuple(row) for name, row in table.items()}
