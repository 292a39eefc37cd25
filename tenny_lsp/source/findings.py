"""What inference finds at a place in a buffer. Offsets are in code points."""

from dataclasses import dataclass
from typing import TypeAlias

from tenny_lsp.mlx_api.entry import ApiEntry


@dataclass(frozen=True, slots=True)
class Found:
    """An entry and the part of the text that names it."""

    entry: ApiEntry
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Held:
    """A name whose value is an instance of a class of the API, and that class."""

    name: str
    entry: ApiEntry
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Keyword:
    """The name of a keyword argument, and what is called with it."""

    name: str
    entry: ApiEntry
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Lacking:
    """A member that a module or class of the API does not have."""

    name: str
    owner: ApiEntry
    start: int
    end: int


#: What a cursor stands on.
Subject: TypeAlias = Found | Held | Keyword | Lacking


@dataclass(frozen=True, slots=True)
class Member:
    """What may stand after a dot: a name, and its entry if it is the API's."""

    name: str
    entry: ApiEntry | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A call that a cursor stands in.

    Args:
        entry (ApiEntry): What is called: a function, a method, a class, or an instance's ``__call__``.
        position (int): How many arguments stand before the cursor's.
        positional (int): How many of them without a keyword.
        keyword (str): The keyword the cursor's argument is given by, or an empty string.
        keywords (tuple[str, ...]): The keywords of the other arguments.
        start (int): Where the arguments start, after the parenthesis.
    """

    entry: ApiEntry
    position: int
    positional: int
    keyword: str
    keywords: tuple[str, ...]
    start: int
