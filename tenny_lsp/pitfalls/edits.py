"""Edits of a text, fixes made of them, and the functions with which rules make them."""

from dataclasses import dataclass

from tenny_lsp.pitfalls.calls import Call
from tenny_lsp.source.syntax import Node, every, text_of, up_to

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


def appended(call: Call, text: str) -> Edit:
    """Return the edit that adds an argument to those of a call, of which there is one at least."""
    return inserted(call.listed.named_children[-1].end_byte, f", {text}")


def is_alone(statement: Node) -> bool:
    """Return whether nothing but a comment stands on the lines of a statement beside it: no ``for …:``, no ``;``."""
    around = [statement.prev_sibling, statement.parent.parent if statement.parent is not None else None]
    before = [node.end_point[0] if node == around[0] else node.start_point[0] for node in around if node is not None]
    after = statement.next_sibling
    is_last = after is None or after.type == "comment" or after.start_point[0] > statement.end_point[0]
    return is_last and all(row < statement.start_point[0] for row in before)


def indentation_of(statement: Node) -> str:
    """Return what stands before a statement on its first line."""
    outer = statement.parent
    while outer is not None and outer.start_point[0] == statement.start_point[0]:
        outer = outer.parent
    text = (outer.text or b"")[: statement.start_byte - outer.start_byte] if outer is not None else b""
    return text[text.rfind(b"\n") + 1 :].decode("utf-8", "replace")


def unwrapped(statement: Node) -> tuple[Edit, ...]:
    """Return the edits that put the body of a compound statement in its place; none where its lines cannot be moved."""
    body = statement.child_by_field_name("body")
    first = body.named_children[0] if body is not None and body.named_children else None
    if body is None or first is None or first.start_point[0] == statement.start_point[0]:
        return ()
    if any(node.type == "string" and node.start_point[0] != node.end_point[0] for node in every(body)):
        return ()  # its lines are text
    root = up_to(statement, "module")
    content = (root.text or b"") if root is not None else b""
    starts = (first.start_byte, statement.start_byte)
    inner, outer = (content[content.rfind(b"\n", 0, start) + 1 : start] for start in starts)
    head_end = content.find(b"\n", statement.start_byte) + 1
    is_head = content[statement.start_byte : head_end].rstrip().endswith(b":")  # a comment behind it would be lost
    if inner.strip() or outer.strip() or not inner.startswith(outer) or not is_head:
        return ()
    edits, place = [Edit(statement.start_byte - len(outer), head_end, "")], head_end
    while 0 < place < body.end_byte:
        line = content[place : body.end_byte].partition(b"\n")[0]
        if line.strip():
            if not line.startswith(inner):
                return ()
            edits.append(Edit(place + len(outer), place + len(inner), ""))
        place = content.find(b"\n", place, body.end_byte) + 1
    return tuple(edits)


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
            comma = node.next_sibling if node.next_sibling is not None and node.next_sibling.type == "," else node
            edits.append(Edit(node.start_byte, comma.end_byte, ""))
    return tuple(edits)


def atom(node: Node) -> str:
    """Return an expression's text, in parentheses where it needs them before a dot or beside an operator."""
    return text_of(node) if node.type in _ATOMS else f"({text_of(node)})"
