"""What was written by hand: the roasts a model learns from, which answer where no model has a remark of its own."""

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import islice

from tenny_lsp.features.subject import content_words
from tenny_lsp.words import stem, words

#: A remark that shares so much of its word triples with a hand-written one is a copy of it with a word changed.
NEAR_COPY = 0.5
_GRAM = 3


@dataclass(frozen=True, slots=True)
class Written:
    """A roast that was written by hand."""

    context: str
    sentiment: str
    response: str


class Repertoire:
    """The hand-written roasts, and how near another text comes to them.

    Args:
        roasts (Collection[Written]): All of them.
    """

    def __init__(self, roasts: Collection[Written]) -> None:
        self._roasts = tuple(roasts)
        self._whole = {_normal(roast.response) for roast in self._roasts}
        self._holders: dict[tuple[str, ...], list[int]] = {}
        self._subjects: dict[str, list[int]] = {}
        self._stems: set[str] = set()
        self._sizes: list[int] = []
        for place, roast in enumerate(self._roasts):
            grams = _grams(roast.response)
            self._sizes.append(len(grams))
            for gram in grams:
                self._holders.setdefault(gram, []).append(place)
            self._stems.update(map(stem, words(f"{roast.context} {roast.response}")))
            for word in content_words(roast.context) | content_words(roast.response):
                self._subjects.setdefault(word, []).append(place)

    def has(self, remark: str) -> bool:
        """Tells whether a remark is one of the hand-written ones, word for word."""
        return _normal(remark) in self._whole

    def unheard_of(self, remark: str, comment: str) -> list[str]:
        """Returns the words of a remark that neither its comment nor any of these roasts has in any form."""
        said = set(map(stem, words(comment)))
        return [word for word in words(remark) if word.isalpha() and stem(word) not in self._stems | said]

    def likeness(self, remark: str) -> float:
        """Returns how near a remark comes to the nearest hand-written one, in [0, 1]: shared among all triples."""
        grams = _grams(remark)
        shared = Counter(place for gram in grams for place in self._holders.get(gram, ()))
        return max((n / (len(grams) + self._sizes[place] - n) for place, n in shared.items()), default=0.0)

    def nearest(self, comment: str, seed: int, avoid: Collection[str]) -> Written:
        """Returns a hand-written roast whose context and response are about what a comment is about.

        Args:
            comment (str): The comment.
            seed (int): Which one where none is nearer than the others.
            avoid (Collection[str]): Remarks that have been made already.
        """
        weights: Counter[int] = Counter()
        for word in content_words(comment):
            for place in self._subjects.get(word, ()):
                weights[place] += 1000 // len(self._subjects[word])
        ranked = (self._roasts[place] for place, _ in weights.most_common())
        fresh = next((roast for roast in ranked if roast.response not in avoid), None)
        return fresh or self._roasts[(len(comment) * 31 + seed) % len(self._roasts)]

    def rarity(self, word: str) -> float:
        """Returns how much it says that two texts share a stem, in (0, 1]."""
        return float((1 + len(self._subjects.get(word, ()))) ** -0.25)


@cache
def repertoire() -> Repertoire:
    """Returns the roasts that come with Tenny."""
    lines = (files("tenny_lsp") / "data" / "roasts.jsonl").read_text("utf-8").splitlines()
    return Repertoire([Written(**json.loads(line)) for line in lines])


def _normal(text: str) -> str:
    return " ".join(words(text))


def _grams(text: str) -> set[tuple[str, ...]]:
    found = list(words(text))
    return set(zip(*(islice(found, start, None) for start in range(_GRAM)), strict=False))
