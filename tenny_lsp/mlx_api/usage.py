"""Score the names that may follow a dot, by how often MLX code and the file itself use them in such contexts.

The counts are those of ``tools/build_usage.py``. A context votes for each name that has followed it by
``log(1 + count / (prior · probability of the name))``; how much each kind of vote weighs was learned there too.
"""

import json
import math
import sys
import zlib
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tenny_lsp.data import read_bytes
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.mlx_api.usage_contexts import ARRAY, KINDS, Members, Use, words_of

DATA = "usage.bin"
_SCHEMA = 1
#: The count that every name starts with, so that none has the probability 0.
_UNSEEN = 0.2
#: How strongly a name's overall frequency damps the vote of a context, among the shipped counts and in the file.
_PRIOR = 1.5
_FILE_PRIOR = 0.3
#: How many of the last uses in the file count as recent.
_RECENT = 12
#: What has a weight: the frequency, each kind of context among the shipped counts and in the file, and the rest.
FEATURES = (
    "frequency", *KINDS, *(f"{kind} in the file" for kind in KINDS), "in the file", "recent", "words", "part of a word",
)  # fmt: skip

#: Position of a candidate → its vote.
Votes = Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Counted:
    """Counts of how MLX is used, as they are made.

    Args:
        frequencies (dict[str, dict[str, int]]): Owner → name → how often it was used.
        contexts (dict[int, dict[str, int]]): ``key_of`` a context → name → how often it was used in it.
        weights (dict[str, tuple[float, ...]]): ``modules`` and ``arrays`` → a weight for each of ``FEATURES``.
    """

    frequencies: dict[str, dict[str, int]]
    contexts: dict[int, dict[str, int]]
    weights: dict[str, tuple[float, ...]]


class Usage:
    """Counts of how MLX is used, read from the bytes of a file.

    Args:
        data (bytes): What ``to_bytes`` wrote.
    """

    def __init__(self, data: bytes) -> None:
        head, _, body = data.partition(b"\n")
        values = json.loads(head)
        assert values["schema"] == _SCHEMA
        self._names: list[str] = values["names"]
        self._frequencies: dict[str, dict[str, int]] = values["frequencies"]
        self._weights: dict[str, list[float]] = values["weights"]
        contexts, pairs = values["contexts"], values["pairs"]
        #: The sorted keys of contexts, the end of each one's pairs, and the pairs: numbers of names, and counts.
        self._keys, body = _column("I", contexts, body)
        self._ends, body = _column("I", contexts, body)
        self._which, body = _column("H", pairs, body)
        self._counts = body

    def scores(self, use: Use, earlier: Sequence[Use], names: Sequence[str]) -> list[float]:
        """Return the log-probability that each name is written next, in the order of the names.

        Args:
            use (Use): The use, whose own name is not looked at.
            earlier (Sequence[Use]): The uses before it in its file, in order.
            names (Sequence[str]): The candidates.
        """
        weights = self._weights["arrays" if use.owner == ARRAY else "modules"]
        frequency, votes = self.votes(use, earlier, names)
        scores = [weights[0] * value for value in frequency]
        for weight, vote in zip(weights[1:], votes, strict=True):
            for place, value in vote.items():
                scores[place] += weight * value
        return normalized(scores)

    def votes(self, use: Use, earlier: Sequence[Use], names: Sequence[str]) -> tuple[list[float], list[Votes]]:
        """Return the log-frequency of each name, and the votes of all other ``FEATURES``; see ``scores``."""
        places = {name: place for place, name in enumerate(names)}
        counts = self._frequencies.get(use.owner, {})
        total = sum(counts.values()) + _UNSEEN * len(names)
        likely = [(counts.get(name, 0) + _UNSEEN) / total for name in names]

        def vote(found: Mapping[str, int], prior: float) -> Votes:
            counted = ((places[name], count) for name, count in found.items() if name in places)
            return {place: math.log1p(count / (prior * likely[place])) for place, count in counted}

        here = [past for past in earlier if past.owner == use.owner]
        votes = [vote(self._counts_after(use, kind), _PRIOR) for kind in range(len(KINDS))]
        for kind, context in enumerate(use.contexts):
            same = Counter(past.name for past in here if past.contexts[kind] == context)
            votes.append(vote(same, _FILE_PRIOR))
        votes.append(vote(Counter(past.name for past in here), _FILE_PRIOR))
        votes.append(_recency(here, places))
        votes += _resemblance(use.words, names)
        return [math.log(value) for value in likely], votes

    def frequency(self, owner: str, name: str) -> int:
        """Return how often a name of a module or of an array was counted."""
        return self._frequencies.get(owner, {}).get(name, 0)

    def _counts_after(self, use: Use, kind: int) -> dict[str, int]:
        key = key_of(use.owner, kind, use.contexts[kind])
        place = bisect_left(self._keys, key)
        if place == len(self._keys) or self._keys[place] != key:
            return {}
        start = self._ends[place - 1] if place else 0
        return {self._names[self._which[pair]]: self._counts[pair] for pair in range(start, self._ends[place])}


@lru_cache(maxsize=1)
def load_usage() -> Usage:
    """Return the shipped counts."""
    return Usage(read_bytes(DATA))


@lru_cache(maxsize=2)
def members_of(index: ApiIndex) -> Members:
    """Return the public names of MLX's modules and of its arrays."""
    found: dict[str, frozenset[str]] = {}
    waiting = ["mlx.core", "mlx.nn", "mlx.optimizers", ARRAY]
    while waiting:
        owner = waiting.pop()
        entry = index.resolve(owner)
        if entry is not None and owner not in found:
            members = [(name, member) for name, member in index.members(entry) if not name.startswith("_")]
            found[owner] = frozenset(name for name, _ in members)
            waiting += [f"{owner}.{name}" for name, member in members if member.kind == "module"]
    return Members(found)


def key_of(owner: str, kind: int, context: str) -> int:
    """Return the key a context is counted under."""
    return zlib.crc32(f"{owner}\n{kind}\n{context}".encode(errors="replace"))


def normalized(scores: Sequence[float]) -> list[float]:
    """Return scores as log-probabilities, by a log-softmax."""
    highest = max(scores, default=0.0)
    total = math.log(sum(math.exp(score - highest) for score in scores) or 1.0) + highest
    return [score - total for score in scores]


def to_bytes(counted: Counted) -> bytes:
    """Return counts as ``Usage`` reads them."""
    names = sorted({name for found in counted.contexts.values() for name in found})
    places = {name: place for place, name in enumerate(names)}
    keys = sorted(counted.contexts)
    ends, which, counts = array("I"), array("H"), bytearray()
    for key in keys:
        for name, count in sorted(counted.contexts[key].items()):
            which.append(places[name])
            counts.append(min(count, 255))
        ends.append(len(which))
    head = {"schema": _SCHEMA, "names": names, "frequencies": counted.frequencies, "weights": counted.weights}
    head |= {"contexts": len(keys), "pairs": len(which)}
    columns = [_little_endian(column).tobytes() for column in (array("I", keys), ends, which)]
    return json.dumps(head, separators=(",", ":")).encode() + b"\n" + b"".join(columns) + bytes(counts)


def _recency(here: Sequence[Use], places: Mapping[str, int]) -> Votes:
    found: dict[int, float] = {}
    for age, past in enumerate(reversed(here[-_RECENT:]), 1):
        if past.name in places:
            found.setdefault(places[past.name], 1 / age)
    return found


def _resemblance(words: frozenset[str], names: Sequence[str]) -> list[Votes]:
    """Return the votes for names that share whole words with ``words``, and for those that contain a long one."""
    if not words:
        return [{}, {}]
    shared = {place: len(own & words) / len(own) for place, name in enumerate(names) if (own := _words(name)) & words}
    long = [word for word in words if len(word) > 3]
    held = {place: 1.0 for place, name in enumerate(names) if any(word in name.lower() for word in long)}
    return [shared, held]


_words = lru_cache(maxsize=4096)(words_of)


def _column(kind: str, length: int, data: bytes) -> tuple["array[int]", bytes]:
    column = array(kind)
    size = length * column.itemsize
    column.frombytes(data[:size])
    return _little_endian(column), data[size:]


def _little_endian(column: "array[int]") -> "array[int]":
    if sys.byteorder == "big":
        column.byteswap()
    return column
