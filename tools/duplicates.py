"""Find near-duplicate texts by MinHash, so that a file copied between packages is read once."""

import re
from collections.abc import Callable, Iterable

from datasketch import MinHash, MinHashLSH

_PERMUTATIONS = 64


def code_lines(text: str) -> set[str]:
    """Return the shingles of source code: its distinct lines that say something."""
    return {line.strip() for line in text.splitlines() if len(line.strip()) > 8}


def trigrams(text: str) -> set[str]:
    """Return the shingles of prose: every three words that follow one another."""
    words = re.findall(r"\w+", text.lower())
    return {" ".join(words[place : place + 3]) for place in range(max(1, len(words) - 2))}


class Seen:
    """An index of the texts read so far.

    Args:
        shingles (Callable): What a text is cut into.
        similarity (float): The Jaccard similarity of two texts' shingles from which one repeats the other.
    """

    def __init__(self, shingles: Callable[[str], set[str]], similarity: float) -> None:
        self.shingles = shingles
        self.index = MinHashLSH(threshold=similarity, num_perm=_PERMUTATIONS)
        self.count = 0

    def distinct(self, rows: Iterable[dict[str, str]]) -> list[dict[str, str]]:
        """Return the rows whose text repeats no text read before, and remember them."""
        kept = []
        for row in rows:
            sketch = MinHash(num_perm=_PERMUTATIONS)
            sketch.update_batch([shingle.encode() for shingle in sorted(self.shingles(row["text"]))])
            if not self.index.query(sketch):
                self.index.insert(self.count, sketch)
                self.count += 1
                kept.append(row)
        return kept
