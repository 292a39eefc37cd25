"""Search the entries, recipes and explanations that a question in plain words is about, by BM25."""

import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Protocol, TypeAlias

import bm25s

from tenny_lsp.data import read_lines, read_toml
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.foreign import ForeignName, load_foreign_names
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.mlx_api.markdown import sentences
from tenny_lsp.mlx_api.words import stem, words

logging.getLogger("bm25s").setLevel(logging.WARNING)

#: Words of questions that are not searched for.
_STOP_WORD = re.compile(
    "a|about|am|an|and|apple|are|as|at|be|by|can|called|could|do|does|equivalent|find|for|from|function|get|give|had|has"
    "|have|how|i|if|in|instead|into|is|it|its|like|make|me|mean|method|mlx|my|need|of|on|one|or|our|please|python|should"
    "|show|so|some|something|tell|that|the|their|them|there|these|they|this|to|up|us|use|used|using|version|want|was|way"
    "|we|what|when|where|which|while|who|why|will|with|would|write|you|your"
    "|after|again|also|although|am|because|been|being|but|did|doing|else|even|every|few|here|just|kind|know|many|much|now"
    "|only|other|really|should|still|such|than|then|though|too|very|work|works|wrong|yes"
)
_WORD = re.compile(r"\w+")
#: Part of an entry or a guide → how often each of its words counts.
_WEIGHTS = {"name": 4, "summary": 3, "keywords": 3, "foreign": 2, "text": 1}
_GUIDE_WEIGHTS = {"question": 4, "wordings": 2, "searched": 1}
_TEXT_CHARACTERS = 600
#: The share of a question's words, weighted by how rare they are, that an entry must contain: where at most one of them
#: is a word of the field, which may be meant otherwise, and where several are. The other libraries' names do not count.
_LEAST_COVERAGE = (0.45, 0.3)
_LIBRARIES = ("pytorch", "torch", "numpy", "jax")
#: A guide counts for so much of its score where no wording is like the question, and for so much more where one is the
#: question word for word.
_GUIDE_SHARE, _SAME_WORDING = 0.7, 1.0
#: How alike a question and a wording must be.
_LEAST_LIKENESS = 0.2


class Guide(Protocol):
    """An answer that is written already: a recipe, or the explanation of a pitfall."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def question(self) -> str:
        """The question that it answers, or what it is about."""

    @property
    def wordings(self) -> tuple[str, ...]:
        """Other wordings of that."""

    @property
    def searched(self) -> str:
        """What else it is found by."""

    @property
    def prose(self) -> str:
        """The answer, in a few sentences."""

    @property
    def code(self) -> str:
        """Code that shows it."""

    @property
    def page(self) -> str:
        """The address of the page that explains it."""


#: What a question may be about.
Subject: TypeAlias = ApiEntry | Guide


def count_of_field_words(question: str) -> int:
    """Return how many of the words a question has that questions about MLX have: ``gradient``, ``axis``."""
    return len(_field() & set(map(stem, _WORD.findall(question.lower()))))


@cache
def _field() -> frozenset[str]:
    return frozenset(stem(word) for line in read_lines("field.txt") for word in line.split())


@cache
def _keywords() -> dict[str, str]:
    """Return public name → the words that people use for it."""
    return read_toml("keywords.toml")


class Search:
    """Searches the entries of one index, and guides.

    Args:
        index (ApiIndex): The index.
        guides (Sequence[Guide]): The recipes and explanations.
    """

    def __init__(self, index: ApiIndex, guides: Sequence[Guide] = ()) -> None:
        #: The index that is searched.
        self.index = index
        #: The guides that are searched.
        self.guides = guides
        entries = [entry for entry in index if entry.summary and not entry.short_name.startswith("__")]
        foreign: dict[str, list[ForeignName]] = {}
        for name in load_foreign_names().values():
            foreign.setdefault(name.mlx or "", []).append(name)
        documents = [list(_entry_words(entry, foreign.get(entry.name, []))) for entry in entries]
        documents += [list(_guide_words(guide)) for guide in guides]
        self._subjects: list[Subject] = [*entries, *guides]
        self._words = [frozenset(document) for document in documents]
        self._seen = Counter(chain.from_iterable(self._words))
        self._wordings = {
            guide.name: [frozenset(_stems(text)) for text in (guide.question, *guide.wordings)] for guide in guides
        }
        self._ranking = bm25s.BM25()
        self._ranking.index(documents, show_progress=False)

    def about(self, question: str, most: int = 5, named: Mapping[str, float] | None = None) -> list[Subject]:
        """Return what a question is about, the likeliest first; nothing where nothing contains its words.

        Args:
            question (str): The question.
            most (int): The most subjects to return.
            named (Mapping[str, float], optional): The names of subjects that the question mentions in code, each with
                what it scores for that.
        """
        asked = list(dict.fromkeys(_stems(question)))
        least = _LEAST_COVERAGE[bool(named) or count_of_field_words(question) > 1]
        scores = dict(named or {})
        places: dict[str, int] = {}
        for place, score in self._scores(asked):
            name = self._subjects[place].name
            if name in scores or (score and self._coverage(place, asked) >= least):
                scores[name] = scores.get(name, 0.0) + score
                places[name] = place
        best = sorted(scores, key=lambda name: -scores[name])
        found = (self._subjects[places[name]] if name in places else self.index.resolve(name) for name in best)
        return [subject for subject in found if subject is not None][:most]

    def _scores(self, asked: list[str]) -> Iterator[tuple[int, float]]:
        """Yield the place of each subject and its score: a guide's depends on how like its wordings are."""
        known = [word for word in asked if word in self._seen]
        found: list[float] = self._ranking.get_scores(known).tolist() if known else [0.0] * len(self._subjects)
        for place, score in enumerate(found):
            wordings = self._wordings.get(self._subjects[place].name)
            if wordings is not None and score:
                like = max(self._likeness(asked, wording) for wording in wordings)
                score *= _GUIDE_SHARE + _SAME_WORDING * like if like >= _LEAST_LIKENESS else 0.0
            yield place, score

    def _likeness(self, asked: list[str], wording: frozenset[str]) -> float:
        """Return how alike a question and a wording are: 1 where both have the same words, 0 where they share none."""
        shared = sum(self._rarity(word) for word in asked if word in wording)
        if not shared:
            return 0.0
        own, other = sum(map(self._rarity, asked)), sum(map(self._rarity, wording))
        return float(shared / (own * other) ** 0.5)

    def _rarity(self, word: str) -> float:
        return float((1 + self._seen[word]) ** -0.25)

    def _coverage(self, place: int, asked: list[str]) -> float:
        """Return the share of a question's words that a subject contains, weighted by how rare they are."""
        counted = [word for word in asked if word not in _LIBRARIES] or asked
        held = sum(self._rarity(word) for word in counted if word in self._words[place])
        return held / sum(map(self._rarity, counted))


def _entry_words(entry: ApiEntry, foreign: list[ForeignName]) -> Iterator[str]:
    prose = [sentences(text) for title, text in entry.body if not title]
    parts = {
        "name": entry.name.removeprefix("mlx.core.").removeprefix("mlx."),
        "summary": sentences(entry.summary),
        "keywords": _keywords().get(entry.name, ""),
        "foreign": " ".join(name.name.rpartition(".")[2] + " " + name.note for name in foreign),
        "text": " ".join([*(item.name for item in entry.parameters), *prose]),
    }
    return _weighted(parts, _WEIGHTS)


def _guide_words(guide: Guide) -> Iterator[str]:
    parts = {"question": guide.question, "wordings": " ".join(guide.wordings), "searched": guide.searched}
    return _weighted(parts, _GUIDE_WEIGHTS)


def _weighted(parts: Mapping[str, str], weights: Mapping[str, int]) -> Iterator[str]:
    for part, weight in weights.items():
        for word in _stems(parts[part][:_TEXT_CHARACTERS]):
            yield from [word] * weight


def _stems(text: str) -> Iterator[str]:
    """Yield the stems of a text's words, without the stop words."""
    return (stem(word) for word in words(text) if not _STOP_WORD.fullmatch(word))
