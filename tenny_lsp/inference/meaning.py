"""The values of inference: what an expression means.

They form a lattice: ``NEVER`` is its bottom, ``None``, for unknown, its top, and ``join`` the least upper bound. A
value that may also be Python's None counts as what else it may be.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.syntax import Node


class Home(Protocol):
    """The evaluator of the file that defines something, without its methods; ``evaluator.home_of`` returns it whole."""

    @property
    def buffer(self) -> Buffer:
        """The file's text."""


GroupKind: TypeAlias = Literal["list", "tuple", "iterable"]


@dataclass(frozen=True, slots=True)
class Api:
    """A name of the API itself: a module, a class, a function, a constant; a method with what it is called on."""

    entry: ApiEntry
    receiver: "Meaning | None" = None


@dataclass(frozen=True, slots=True)
class LocalClass:
    """A class that a file of the workspace defines."""

    home: Home
    node: Node


@dataclass(frozen=True, slots=True)
class LocalFunction:
    """A function, method or lambda of a file, with what it is called on if that is known."""

    home: Home
    node: Node
    receiver: "Instance | None" = None


@dataclass(frozen=True, slots=True)
class LocalModule:
    """Another file of the workspace."""

    home: Home


@dataclass(frozen=True, slots=True)
class Instance:
    """A value of a class.

    Args:
        of (Api | LocalClass): The class.
        parts (tuple[Meaning | None, ...]): The layers of an ``nn.Sequential``.
        is_exact (bool): Whether it is of the very class; otherwise it may be of a subclass, which has more members.
    """

    of: "Api | LocalClass"
    parts: "tuple[Meaning | None, ...]" = ()
    is_exact: bool = True


@dataclass(frozen=True, slots=True)
class Plain:
    """A value of one of Python's own classes, by its name: ``int``, ``None``; ``never`` for what never returns."""

    name: str


@dataclass(frozen=True, slots=True)
class External:
    """What Python itself or a package outside the index has, by its full name: ``zip``, ``functools.partial``."""

    name: str


@dataclass(frozen=True, slots=True)
class Group:
    """A list, a tuple or another iterable.

    Args:
        kind (GroupKind): Which of them.
        each (Meaning, optional): The meaning that all its items share.
        items (tuple[Meaning | None, ...], optional): The items one by one where their number is known.
    """

    kind: GroupKind
    each: "Meaning | None" = None
    items: "tuple[Meaning | None, ...] | None" = None


@dataclass(frozen=True, slots=True)
class Table:
    """A dictionary.

    Args:
        value (Meaning, optional): What all of its values are.
        is_empty (bool): Whether it is created without any.
        leaf (Meaning, optional): Of a tree, as the parameters of a module are: what ``tree_flatten`` finds in it.
    """

    value: "Meaning | None" = None
    is_empty: bool = False
    leaf: "Meaning | None" = None


@dataclass(frozen=True, slots=True)
class Function:
    """A callable of which only the result of a call is known, such as a compiled function."""

    result: "Meaning | None"


Meaning: TypeAlias = (
    Api | LocalClass | LocalFunction | LocalModule | Instance | Plain | External | Group | Table | Function
)


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of a call.

    Args:
        positional (tuple[Meaning | None, ...]): The positional ones, up to the first that is starred.
        keywords (dict[str, Meaning | None]): The keyword arguments, by name.
        is_whole (bool): Whether nothing is starred.
    """

    positional: tuple[Meaning | None, ...] = ()
    keywords: dict[str, Meaning | None] = field(default_factory=dict)
    is_whole: bool = True

    def get(self, position: int, name: str) -> Meaning | None:
        """Return the argument of a position or name; None when it is unknown or not given."""
        return self.positional[position] if position < len(self.positional) else self.keywords.get(name)


NONE = Plain("None")
#: The bottom: what a recursive definition, ``x = x + 1`` in a loop, is first assumed to mean; see ``memo``.
NEVER = Plain("never")
#: Python's numbers; arithmetic on two of them gives the later one.
NUMBERS = (Plain("bool"), Plain("int"), Plain("float"), Plain("complex"))


def is_of(meaning: Meaning | None, name: str) -> bool:
    """Return whether a value is an instance of the API's class of that name."""
    return isinstance(meaning, Instance) and isinstance(meaning.of, Api) and meaning.of.entry.name == name


def instance_of(cls: Api | LocalClass) -> Instance:
    """Return an instance of a class or of a subclass of it, as an annotation or ``isinstance`` promises.

    What stands in ``mlx.core``, arrays above all, is taken for the class itself.
    """
    return Instance(cls, is_exact=isinstance(cls, Api) and cls.entry.name.startswith("mlx.core."))


def group(kind: GroupKind, items: Iterable[Meaning | None]) -> Group:
    """Return the meaning of a list or tuple of these items."""
    known = tuple(items)
    return Group(kind, join(known) if known else None, known)


def join(meanings: Iterable[Meaning | None]) -> Meaning | None:
    """Return the least upper bound of meanings: what they agree on; None, for unknown, where they disagree."""
    first: Meaning | None = None
    is_first = True
    for meaning in meanings:
        if is_first or first in (NONE, NEVER):
            first = first if not is_first and meaning == NEVER else meaning
        elif meaning is None or first is None:
            return None
        elif meaning not in (NONE, NEVER):
            first = _join_two(first, meaning)
        is_first = False
    return first


def _join_two(one: Meaning, other: Meaning) -> Meaning | None:
    if one == other:
        return one
    if isinstance(one, Group) and isinstance(other, Group) and one.kind == other.kind:
        if one.items is not None and other.items is not None and len(one.items) == len(other.items):
            return group(one.kind, [join(pair) for pair in zip(one.items, other.items, strict=True)])
        return Group(one.kind, join((one.each, other.each)))
    if isinstance(one, Table) and isinstance(other, Table):
        return Table(join((one.value, other.value)), leaf=join((one.leaf, other.leaf)))
    if isinstance(one, Instance) and isinstance(other, Instance) and one.of == other.of:
        return Instance(one.of, is_exact=one.is_exact and other.is_exact)
    if isinstance(one, Plain) and isinstance(other, Plain) and one in NUMBERS and other in NUMBERS:
        return max(one, other, key=NUMBERS.index)
    return None
