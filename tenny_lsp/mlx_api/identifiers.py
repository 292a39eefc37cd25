"""Find the identifiers in a question: what is written as code is, not as English."""

import re
import sys
from collections.abc import Iterator

#: ``mx.mean``, ``optimizer.zero_grad``, ``.backward``; ``e.g.`` and the end of a sentence are none.
_DOTTED = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+|(?<![\w.])\.[a-z_]\w*")
#: A bare word that only code is written with: ``log_softmax``, ``GroupNorm``, ``permute(``, `` `mean` ``.
_BARE = re.compile(
    r"(?<![\w.])(?:[A-Za-z]\w*_\w*|[A-Za-z]\w*[a-z][A-Z]\w*|[A-Z]\w*[A-Z]\w*|[A-Za-z_]\w*(?=\())(?![\w.])"
    r"|(?<=`)[A-Za-z_]\w*(?=`)"
)
#: ``'array' object has no attribute 'view'``: the attribute is what is asked for.
_NO_ATTRIBUTE = re.compile(r"(?:module|type object)? ?['\"][\w.]+['\"](?: object)? has no attribute ['\"](\w+)['\"]")
_QUOTED = re.compile(r"`([^`]+)`")


def with_attributes_named(text: str) -> str:
    """Return a text whose messages of Python's name the missing attribute alone: ``.view``."""
    return _NO_ATTRIBUTE.sub(r" .\1 ", text)


def dotted_names(text: str) -> list[str]:
    """Return the names with a dot in a text, but not those of Python's own modules: ``mx.mean``, ``.backward``."""
    return [name for name in _DOTTED.findall(text) if not is_pythons(name)]


def is_pythons(name: str) -> bool:
    """Return whether a dotted name is one of Python's standard library: ``asyncio.gather``."""
    return name.partition(".")[0] in sys.stdlib_module_names


def without_owners(text: str) -> str:
    """Return a text with the last parts of its dotted names alone, and without those of Python's own modules."""
    return _DOTTED.sub(lambda name: " " if is_pythons(name[0]) else f" {name[0].rpartition('.')[2]}", text)


def bare_names(text: str) -> list[str]:
    """Return the identifiers without a dot in a text: ``log_softmax``, ``GroupNorm``, ``permute(…)``."""
    return _BARE.findall(_DOTTED.sub(" ", text))


def last_part(name: str) -> str:
    """Return the last part of a name: ``zero_grad`` of ``optimizer.zero_grad``."""
    return name.rpartition(".")[2]


def quoted_names(text: str) -> Iterator[str]:
    """Yield the identifiers that stand between backticks in a text."""
    for code in _QUOTED.findall(text):
        quoted = f"`{code}`"
        yield from (*dotted_names(quoted), *bare_names(quoted))
