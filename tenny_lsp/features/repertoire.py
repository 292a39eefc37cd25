"""The hand-written roasts: those that a model learns from, and those that answer where it has no remark to make."""

import asyncio
import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import islice

from tenny_lsp.data import read_jsonl
from tenny_lsp.features.feeling import chances
from tenny_lsp.features.fit import fit
from tenny_lsp.features.subject import content_words
from tenny_lsp.mlx_api.words import stem, words
from tenny_lsp.model.prompts import SENTIMENTS

#: A remark that shares so much of its word triples with a hand-written one is a copy of it with a word changed.
NEAR_COPY = 0.5
#: So many remarks are near enough to a comment to be made on it.
NEAR = 8
#: So many of the nearest are read for whether they fit.
_READ = 60
_GRAM = 3
#: A word in a response says so much more of what is talked about than one in its context.
_SAID = 1.5
#: How much it counts that a context feels as the comment does, and how sure that is never taken to be.
_FELT, _DOUBT = 1.5, 0.1


@dataclass(frozen=True, slots=True)
class WrittenRoast:
    """A roast that was written by hand.

    Args:
        context (str): The comment that it was written for.
        sentiment (str): How that feels.
        response (str): The remark.
        presumes (Sequence[str], optional): What the remark presumes of any comment. Default: it is read from its words.
    """

    context: str
    sentiment: str
    response: str
    presumes: Sequence[str] | None = None


class Repertoire:
    """The hand-written roasts, and how near another text comes to them.

    Args:
        learned (Sequence[Written]): Those that the shipped cynic was trained on: a model must not repeat them.
        reserve (Sequence[Written]): Those that no training has seen: they answer where a model has nothing to say.
    """

    def __init__(self, learned: Sequence[WrittenRoast], reserve: Sequence[WrittenRoast]) -> None:
        self.learned, self.reserve = learned, reserve
        self._asked: dict[str, dict[int, float]] = {}
        self._said: dict[str, list[int]] = {}
        for place, roast in enumerate(reserve):
            about = content_words(roast.context)
            for word in about:  # of a long context each word says less
                self._asked.setdefault(word, {})[place] = (1 + len(about) / 4) ** -0.5
            for word in content_words(roast.response):
                self._said.setdefault(word, []).append(place)

    # What only a model's own remarks are compared with is not read where no model writes.

    @cached_property
    def _whole(self) -> frozenset[str]:
        return frozenset(_normal(roast.response) for roast in self.learned)

    @cached_property
    def _sizes(self) -> list[int]:
        return [len(_grams(roast.response)) for roast in (*self.learned, *self.reserve)]

    @cached_property
    def _holders(self) -> dict[tuple[str, ...], list[int]]:
        """Which remarks, learned ones first, have three words in a row."""
        holders: dict[tuple[str, ...], list[int]] = {}
        for place, roast in enumerate((*self.learned, *self.reserve)):
            for gram in _grams(roast.response):
                holders.setdefault(gram, []).append(place)
        return holders

    @cached_property
    def _stems(self) -> frozenset[str]:
        texts = (f"{roast.context} {roast.response}" for roast in (*self.learned, *self.reserve))
        return frozenset(stem(word) for text in texts for word in words(text))

    def has(self, remark: str) -> bool:
        """Return whether a remark is one that was learned, word for word."""
        return _normal(remark) in self._whole

    def unheard_of(self, remark: str, comment: str) -> list[str]:
        """Return the words of a remark that neither its comment nor any of these roasts has in any form."""
        said = set(map(stem, words(comment)))
        heard = (self._stems, said)
        return [word for word in words(remark) if word.isalpha() and not any(stem(word) in stems for stems in heard)]

    def likeness(self, remark: str) -> float:
        """Return how near a remark comes to the nearest hand-written one, in [0, 1]: shared among all triples."""
        grams = _grams(remark)
        shared = Counter(place for gram in grams for place in self._holders.get(gram, ()))
        return max((n / (len(grams) + self._sizes[place] - n) for place, n in shared.items()), default=0.0)

    def near(self, comment: str, avoid: Collection[str], most: int) -> list[tuple[WrittenRoast, float]]:
        """Return the roasts of the reserve that share words with a comment and feel as it does, the nearest first.

        With each comes how near it is, in nats: what the words that it shares say, those of its response above all.
        """
        weights: dict[int, float] = {}
        for word in content_words(comment):
            weight = math.log(len(self.reserve) / (self._count(word) or 1))
            for place, share in self._asked.get(word, {}).items():
                weights[place] = weights.get(place, 0.0) + weight * share
            for place in self._said.get(word, ()):  # what is shown should be about the comment
                weights[place] = weights.get(place, 0.0) + weight * _SAID
        likely = dict(zip(SENTIMENTS, chances(comment), strict=True))
        for place in weights:
            weights[place] += _FELT * math.log(likely[self.reserve[place].sentiment] + _DOUBT)
        ranked = sorted(weights, key=lambda place: -weights[place])
        fresh = (place for place in ranked if self.reserve[place].response not in avoid)
        return [(self.reserve[place], weights[place]) for place in islice(fresh, most)]

    def fitting(self, comment: str, avoid: Collection[str], most: int) -> list[tuple[WrittenRoast, float]]:
        """Return those of ``near`` that can be made on a comment without saying what is not so, and are about it."""
        near = self.near(comment, avoid, _READ)
        fits = (row for row in near if fit(row[0].context, row[0].response, row[0].presumes, comment, self.weight))
        return list(islice(fits, most))

    def weight(self, word: str) -> float:
        """Return what it says of a text that it has a stem, in nats."""
        return math.log((1 + len(self.reserve)) / (1 + self._count(word)))

    def rarity(self, word: str) -> float:
        """Return how much it says that two texts share a stem, in (0, 1]."""
        return float((1 + self._count(word)) ** -0.25)

    def _count(self, word: str) -> int:
        return len({*self._asked.get(word, ()), *self._said.get(word, ())})


def place_of(seed: int, count: int) -> int:
    """Return which of some remarks, best first, a seed draws: the first for 0, and never that for another."""
    return 1 + seed % (count - 1) if seed and count > 1 else 0


async def load_repertoire() -> None:
    """Read the roasts in a thread, so that what else the process does goes on; later calls return at once."""
    await asyncio.to_thread(repertoire)


@cache
def repertoire() -> Repertoire:
    """Return the roasts that come with Tenny."""
    return Repertoire(*map(_read, ("roasts.jsonl", "remarks.jsonl")))


def _read(name: str) -> list[WrittenRoast]:
    return [WrittenRoast(**row) for row in read_jsonl(name)]


def _normal(text: str) -> str:
    return " ".join(words(text))


def _grams(text: str) -> set[tuple[str, ...]]:
    found = list(words(text))
    return set(zip(*(islice(found, start, None) for start in range(_GRAM)), strict=False))
