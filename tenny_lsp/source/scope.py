"""The values of a buffer: a name in its text, what binds names, and the scopes that hold the bindings."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Name:
    """A dotted name in the text, up to the component under a position.

    Args:
        dotted (str): ``mx.fast.rope``; inside an import, the full module path.
        start (int): Offset of the component under the position, in code points.
        end (int): Its end.
        absolute (bool): Whether the name is a module path (in an import) rather than looked up in scopes.
    """

    dotted: str
    start: int
    end: int
    absolute: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the text, in bytes from its start; the end is not in it."""

    start: int
    end: int

    def __contains__(self, position: int) -> bool:
        return self.start <= position < self.end


@dataclass(frozen=True, slots=True)
class Binding:
    """A place that gives a name its meaning.

    Args:
        name (str): The bound name; ``*`` for a wildcard import.
        position (int): Where, in bytes from the start of the text.
        target (str): The dotted name it stands for, or an empty string when that is not known.
        imported (bool): Whether ``target`` is a module path rather than an expression of the same scope.
        is_none (bool): Whether the value is the constant None.
        branch (Span, optional): The branch of an ``if``, ``try`` or ``match`` (or the function that declares the
            name global) that may not have run when the name is used outside it; None when it always has.
    """

    name: str
    position: int
    target: str = ""
    imported: bool = False
    is_none: bool = False
    branch: Span | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What one scope binds: by name, in the order of the text."""

    kind: str
    bindings: dict[str, list[Binding]]
