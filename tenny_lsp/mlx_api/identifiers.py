"""Find the identifiers in a question: what is written as code is, not as English."""

import re
from collections.abc import Iterator

#: ``mx.mean``, ``optimizer.zero_grad``, ``.backward``; ``e.g.`` and the end of a sentence are none.
_DOTTED = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+|(?<![\w.])\.[a-z_]\w*")
#: A bare word that only code is written with: ``log_softmax``, ``GroupNorm``, ``permute(``, `` `mean` ``.
_BARE = re.compile(
    r"(?<![\w.])(?:[A-Za-z]\w*_\w*|[A-Za-z]\w*[a-z][A-Z]\w*|[A-Z]\w*[A-Z]\w*|[A-Za-z_]\w*(?=\())(?![\w.])"
    r"|(?<=`)[A-Za-z_]\w*(?=`)"
)


def dotted_names(text: str) -> list[str]:
    """Return the names with a dot in a text: ``mx.mean``, ``.backward``."""
    return _DOTTED.findall(text)


def bare_names(text: str) -> list[str]:
    """Return the identifiers without a dot in a text: ``log_softmax``, ``GroupNorm``, ``permute(…)``."""
    return _BARE.findall(text)


def last_parts(text: str) -> Iterator[str]:
    """Yield the last part of every identifier in a text: ``zero_grad`` of ``optimizer.zero_grad()``."""
    yield from (name.rpartition(".")[2] for name in dotted_names(text))
    yield from bare_names(text)


def quoted_names(text: str) -> Iterator[str]:
    """Yield the last part of every identifier between backticks: ``backward`` of `` `loss.backward()` ``."""
    for code in re.findall(r"`([^`]+)`", text):
        yield from last_parts(f"`{code}`")
