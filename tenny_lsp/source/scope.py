"""The values of a buffer: names, the bindings that define them, and the scopes that hold these."""

from dataclasses import dataclass

from tenny_lsp.source.syntax import Node


@dataclass(frozen=True, slots=True)
class Name:
    """A name in the text that may be looked up.

    Args:
        node (Node): The identifier.
        dotted (str): Up to it, ``mx.fast.rope``; inside an import, the full module path; empty for ``f(x).shape``.
        start (int): Offset of the component under the position, in code points.
        end (int): Its end.
        absolute (bool): Whether the name is a module path (in an import) rather than looked up in scopes.
    """

    node: Node
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
class Branch(Span):
    """A block that may not run.

    Args:
        start (int): Where it starts, in bytes.
        end (int): Where it ends.
        of (Span): Its statement: the same for all branches of one.
        kind (str): ``if``, ``case``, ``try``, ``loop``, or ``global`` for a function that declares the name global.
        total (int): How many branches of the statement can be left at their end, one of which is always taken; 0 when
            it may be that none is.
        is_left (bool): Whether what follows the statement can run after this branch: not, if it ends with ``return``.
    """

    of: Span
    kind: str
    total: int = 0
    is_left: bool = True


@dataclass(frozen=True, slots=True)
class Binding:
    """A place that gives a name its meaning.

    Args:
        name (str): The bound name; ``*`` for a wildcard import; ``self.x`` for an attribute that is set.
        position (int): Where the name stands, in bytes from the start of the text.
        since (int): From where on the name has this meaning: the end of the statement, as a rule.
        target (str): What an import stands for: a module path, with leading dots when it is relative.
        value (Node, optional): The expression that is assigned, iterated over or entered; None when there is none.
        steps (tuple[int | str, ...]): How the name's value comes out of that one: an index for each level of
            unpacking (``*`` when starred), ``each`` for a loop over it, ``enter`` for ``with``.
        annotation (Node, optional): Its annotation.
        definition (Node, optional): The function or class it names, or the parameter it is.
        is_import (bool): Whether an import binds it.
        branches (tuple[Branch, ...]): What may not have run when the name is used outside it, outermost first.
        loops (tuple[Span, ...]): The loops around it in its scope, outermost first.
    """

    name: str
    position: int
    since: int = 0
    target: str = ""
    value: Node | None = None
    steps: tuple[int | str, ...] = ()
    annotation: Node | None = None
    definition: Node | None = None
    is_import: bool = False
    branches: tuple[Branch, ...] = ()
    loops: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """What one scope binds: by name, in the order of the text."""

    kind: str
    node: Node
    bindings: dict[str, list[Binding]]
