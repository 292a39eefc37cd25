"""The values of a buffer: names, their bindings, and the scopes of these."""

from dataclasses import dataclass

from tenny_lsp.source.syntax import Node


@dataclass(frozen=True, slots=True)
class Name:
    """A use of a name, at a position in the text.

    Args:
        node (Node): The identifier.
        dotted (str): The dotted name that ends with it, ``mx.fast.rope``; in an import, the full module path; empty
            where it is a member of something unnamed: ``f(x).shape``.
        start (int): Where the identifier starts, in code points.
        end (int): Where it ends.
        absolute (bool): Whether ``dotted`` is a module path, in an import, and not looked up in scopes.
    """

    node: Node
    dotted: str
    start: int
    end: int
    absolute: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the text, in bytes from the start of the text; the end is exclusive."""

    start: int
    end: int

    def __contains__(self, position: int) -> bool:
        return self.start <= position < self.end


@dataclass(frozen=True, slots=True)
class Branch(Span):
    """A block that may not run, for a statement chooses between it and others.

    Args:
        start (int): Where it starts, in bytes.
        end (int): Where it ends.
        statement (Span): The statement, which all of its branches share.
        kind (str): ``if``, ``case``, ``try``, ``loop``, or ``global`` for a function that declares the name global.
        exits (int): How many branches of the statement fall through, if one of its branches always runs; otherwise 0.
        falls_through (bool): Whether control can flow from its end to what follows the statement: not after ``return``.
    """

    statement: Span
    kind: str
    exits: int = 0
    falls_through: bool = True


@dataclass(frozen=True, slots=True)
class Binding:
    """A place in the text that gives a name a value: an assignment, an import, a definition, a parameter.

    Args:
        name (str): The bound name; ``*`` for a wildcard import; ``self.x`` for an attribute that is set.
        position (int): Where the name is written, in bytes from the start of the text.
        since (int): Where it takes effect: at the end of the statement, as a rule.
        target (str): The dotted path that an import binds, with leading dots when it is relative.
        value (Node, optional): The expression that is assigned, iterated over or entered; None when there is none.
        steps (tuple[int | str, ...]): The path from that value to the name's: an index for each level of unpacking
            (``*`` when starred), ``each`` for iteration over it, ``enter`` for ``with``.
        annotation (Node, optional): Its annotation.
        definition (Node, optional): The definition of a function or class, or the parameter, that it is.
        is_import (bool): Whether an import binds it.
        branches (tuple[Branch, ...]): The branches that it is in, outermost first.
        loops (tuple[Span, ...]): The loops of its scope that it is in, outermost first.
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
    """A scope: the kind of its node, the node, and its bindings by name, in the order of the text."""

    kind: str
    node: Node
    bindings: dict[str, list[Binding]]
