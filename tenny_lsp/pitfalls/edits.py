"""Edits of a text, fixes made of them, and the functions with which rules make them."""

from dataclasses import dataclass

from tenny_lsp.pitfalls.calls import Call
from tenny_lsp.source.syntax import Node, text_of

#: What may stand before a dot or beside an operator without parentheses.
_ATOMS = {"identifier", "attribute", "call", "subscript", "parenthesized_expression", "integer", "list", "tuple"}


@dataclass(frozen=True, slots=True)
class Edit:
    """A range of the text and its replacement; offsets in bytes in a rule, in code points in a ``Pitfall``."""

    start: int
    end: int
    text: str

    def moved(self, by: int) -> "Edit":
        """Return the edit with its range moved by a number of bytes or code points."""
        return Edit(self.start + by, self.end + by, self.text)


@dataclass(frozen=True, slots=True)
class Fix:
    """A way to put a pitfall right.

    Args:
        title (str): What it does, ``Write mx.concatenate``.
        edits (tuple[Edit, ...]): Its edits; no two overlap.
        is_safe (bool): Whether it may be applied unseen; otherwise someone has to look at what it does.
    """

    title: str
    edits: tuple[Edit, ...]
    is_safe: bool = True


def replaced(node: Node, text: str) -> Edit:
    """Return the edit that replaces a node by a text."""
    return Edit(node.start_byte, node.end_byte, text)


def inserted(place: int, text: str) -> Edit:
    """Return the edit that inserts a text at a byte offset."""
    return Edit(place, place, text)


def without(call: Call, arguments: list[Node]) -> tuple[Edit, ...]:
    """Return the edits that remove arguments of a call with their commas."""
    given = [child for child in call.listed.named_children if child.type != "comment"]
    edits = []
    for node in arguments:
        place = given.index(node)
        if place + 1 < len(given) and given[place + 1] not in arguments:
            edits.append(Edit(node.start_byte, given[place + 1].start_byte, ""))
        elif place:
            edits.append(Edit(given[place - 1].end_byte, node.end_byte, ""))
        else:
            edits.append(Edit(node.start_byte, node.end_byte, ""))
    return tuple(edits)


def atom(node: Node) -> str:
    """Return an expression's text, in parentheses where it needs them before a dot or beside an operator."""
    return text_of(node) if node.type in _ATOMS else f"({text_of(node)})"
