"""Search the entries that a question in plain words is about, by BM25."""

import logging
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache

import bm25s

from tenny_lsp.data import read_toml
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
)
#: Part of an entry → how often each of its words counts.
_WEIGHTS = {"name": 4, "summary": 3, "keywords": 3, "foreign": 2, "text": 1}
_TEXT_CHARACTERS = 600
#: The share of a question's words, weighted by how rare they are, that an entry must contain: where it contains one of
#: them, and where it contains several.
_LEAST_COVERAGE = (0.4, 0.2)


@cache
def _keywords() -> dict[str, str]:
    """Return public name → the words that people use for it."""
    return read_toml("keywords.toml")


class Search:
    """Searches the entries of one index.

    Args:
        index (ApiIndex): The index.
    """

    def __init__(self, index: ApiIndex) -> None:
        #: The index that is searched.
        self.index = index
        self._entries = [entry for entry in index if entry.summary and not entry.short_name.startswith("__")]
        foreign: dict[str, list[ForeignName]] = {}
        for name in load_foreign_names().values():
            foreign.setdefault(name.mlx or "", []).append(name)
        documents = [list(self._document(entry, foreign.get(entry.name, []))) for entry in self._entries]
        self._words = [frozenset(document) for document in documents]
        self._seen = Counter(word for words in self._words for word in words)
        self._ranking = bm25s.BM25()
        self._ranking.index(documents, show_progress=False)

    def about(self, question: str, most: int = 5) -> list[ApiEntry]:
        """Return the entries that a question is about, the likeliest first; none when no entry contains its words."""
        asked = list(dict.fromkeys(_stems(question)))
        if not any(word in self._seen for word in asked):
            return []
        found, _ = self._ranking.retrieve([asked], k=min(most, len(self._entries)), show_progress=False)
        return [self._entries[place] for place in found[0] if self._is_about(place, asked)]

    def _is_about(self, place: int, asked: list[str]) -> bool:
        weights = {word: float((1 + self._seen[word]) ** -0.25) for word in asked}
        held = [weight for word, weight in weights.items() if word in self._words[place]]
        return sum(held) / sum(weights.values()) >= _LEAST_COVERAGE[len(held) > 1]

    def _document(self, entry: ApiEntry, foreign: list[ForeignName]) -> Iterator[str]:
        prose = [sentences(text) for title, text in entry.body if not title]
        parts = {
            "name": entry.name.removeprefix("mlx.core.").removeprefix("mlx."),
            "summary": sentences(entry.summary),
            "keywords": _keywords().get(entry.name, ""),
            "foreign": " ".join(name.name.rpartition(".")[2] + " " + name.note for name in foreign),
            "text": " ".join([*(item.name for item in entry.parameters), *prose]),
        }
        for part, weight in _WEIGHTS.items():
            for word in _stems(parts[part][:_TEXT_CHARACTERS]):
                yield from [word] * weight


def _stems(text: str) -> Iterator[str]:
    """Yield the stems of a text's words, without the stop words."""
    return (stem(word) for word in words(text) if not _STOP_WORD.fullmatch(word))
