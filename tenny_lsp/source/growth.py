"""What is put into a list or dictionary after it was made: ``xs.append(x)``, ``xs[0] = x``, ``d["a"] = x``."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tenny_lsp.source.meaning import NONE, Group, Meaning, Table, join
from tenny_lsp.source.steps import each
from tenny_lsp.source.syntax import Node, field, text_of

if TYPE_CHECKING:
    from tenny_lsp.source.reader import Reader

#: What stands after a collection that something may be put into.
PUTS_IN = rb"\s*(?:\.(?:append|insert|extend|update|setdefault)\(|\[|\+=)"
#: Method → the position of what it puts in, and whether that is a collection of what is put in.
_METHODS = {"append": (0, False), "insert": (1, False), "extend": (0, True), "update": (0, True)}


def grown(reader: "Reader", made: Meaning | None, name: str, scope: Node) -> Meaning | None:
    """Returns what a list or dictionary is with all that is put into it.

    Args:
        reader (Reader): Reads the file.
        made (Meaning, optional): What it is made as; anything else than a list or dictionary is returned as it is.
        name (str): Its name, ``xs`` or ``self.xs``.
        scope (Node): The part of the text where something may be put in.
    """
    if not isinstance(made, Table) and not (isinstance(made, Group) and made.kind == "list"):
        return made
    added = list(_added(reader, name, scope))
    if not added:
        return made
    if isinstance(made, Table):
        return Table(join([*_unless_empty(made, made.value), *added]))
    return Group("list", join([*_unless_empty(made, made.each), *added]))


def _unless_empty(made: Group | Table, value: Meaning | None) -> list[Meaning | None]:
    is_empty = made.is_empty if isinstance(made, Table) else made.items == ()
    return [] if is_empty else [value]


def _added(reader: "Reader", name: str, scope: Node) -> Iterator[Meaning | None]:
    text = scope.text or b""
    pattern = rb"\b%s(?=%s)" % (re.escape(name.encode()), PUTS_IN)
    for found in re.finditer(pattern, text):
        place = scope.start_byte + found.end() - 1
        node = scope.descendant_for_byte_range(place, place)
        if node is not None and node.parent is not None and node.parent.end_byte == place + 1:
            node = node.parent  # the whole of self.xs
        if node is not None and node.parent is not None and text_of(node) == name:
            yield from _put_in(reader, node, node.parent)


def _put_in(reader: "Reader", node: Node, outer: Node) -> Iterator[Meaning | None]:
    """Yields what the statement around a collection's name puts into it, if it does."""
    if outer.type == "augmented_assignment" and field(outer, "left") == node:
        right = field(outer, "right")
        yield each(reader, reader.meaning(right)) if right is not None else None
    elif outer.type == "subscript" and outer.parent is not None and field(outer.parent, "left") == outer:
        right = field(outer.parent, "right")
        if outer.parent.type == "assignment" and right is not None:
            key = field(outer, "subscript")
            is_slice = key is not None and key.type == "slice"
            yield each(reader, reader.meaning(right)) if is_slice else reader.meaning(right)
    elif outer.type == "attribute" and outer.parent is not None and field(outer.parent, "function") == outer:
        method, listed = field(outer, "attribute"), field(outer.parent, "arguments")
        position, is_collection = _METHODS.get(text_of(method) if method is not None else "", (9, False))
        arguments = listed.named_children if listed is not None else []
        known = reader.meaning(arguments[position]) if position < len(arguments) else None
        if is_collection:
            known = known.value if isinstance(known, Table) else each(reader, known)
        yield known if known != NONE else None
