"""Split texts into words and stem them, so that ``cached`` is found by ``caching``."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from tenny_lsp.data import read_lines

#: The file in data/ that tools/build_stems.py writes.
STEMS = "stems.txt"
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
#: Words with a capital inside, which is no beginning of another word.
_WHOLE = re.compile(
    r"(?<![A-Z])(?:NaN|[QD]?LoRA|RoPE|MoE|IoU|NumPy|SciPy|PyTorch|TensorFlow|PyPI|arXiv|LaTeX|OpenAI|GitHub|GitLab"
    r"|JavaScript|TypeScript|jQuery|GraphQL|MySQL|PostgreSQL|NoSQL|DevOps|macOS|iOS)s?(?![a-z])"
)
_WORD = re.compile(r"[A-Za-z]+|\d+[a-z]?")


def words(text: str) -> Iterator[str]:
    """Yield a text's words in lower case; ``log_softmax`` and ``LogSoftmax`` are two."""
    whole = _WHOLE.sub(lambda found: f" {found[0].lower()} ", text)
    for word in _WORD.findall(_HUMP.sub(" ", whole)):
        yield word.lower()


@cache
def stem(word: str) -> str:
    """Return the stem of a word in lower case, which its other forms share."""
    return shipped_stem(word) or snowball_stem(word)


def shipped_stem(word: str) -> str | None:
    """Return the stem of a word of Tenny's own texts; None for any other."""
    return _shipped().get(word)


def snowball_stem(word: str) -> str:
    """Return the stem of a word in lower case, found by rules, which takes its time."""
    found: str = _stemmer().stemWord(word)
    return found


@cache
def _shipped() -> dict[str, str]:
    rows = (line.split(" ") for line in read_lines(STEMS))
    return {word: stem for stem, *forms in rows for word in forms}


@cache
def _stemmer() -> Any:
    import snowballstemmer  # it brings every language it knows: not before the first word

    return snowballstemmer.stemmer("english")
