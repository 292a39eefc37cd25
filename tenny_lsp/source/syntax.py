"""Parse Python with tree-sitter, and read its syntax nodes; the only module that imports tree-sitter."""

from collections.abc import Iterator

import tree_sitter_python
from tree_sitter import Language, Node, Parser, Tree

from tenny_lsp.source.affixes import common_affixes

__all__ = [
    "COMPREHENSIONS",
    "SCOPES",
    "Node",
    "Tree",
    "dotted_of",
    "dotted_up_to",
    "every",
    "field",
    "parse",
    "scope_around",
    "text_of",
    "up_to",
]

#: The kinds of nodes that open a scope.
SCOPES = {
    "module", "function_definition", "class_definition", "lambda",
    "list_comprehension", "set_comprehension", "dictionary_comprehension", "generator_expression",
}  # fmt: skip
COMPREHENSIONS = {name for name in SCOPES if name.endswith(("_comprehension", "_expression"))}
_PARSER = Parser(Language(tree_sitter_python.language()))


def parse(text: bytes, before: tuple[Tree, bytes] | None = None) -> Tree:
    """Return the syntax tree of a text; ``before``, a tree and its text before an edit, makes parsing incremental."""
    if before is None:
        return _PARSER.parse(text)
    tree, old = before
    start, same_end = common_affixes(text, old)
    old_end, new_end = len(old) - same_end, len(text) - same_end
    tree = tree.copy()
    tree.edit(start, old_end, new_end, _point(text, start), _point(old, old_end), _point(text, new_end))
    return _PARSER.parse(text, tree)


def _point(text: bytes, place: int) -> tuple[int, int]:
    return text.count(b"\n", 0, place), place - text.rfind(b"\n", 0, place) - 1


def text_of(node: Node) -> str:
    """Return a node's own text."""
    return (node.text or b"").decode("utf-8", "replace")


def every(node: Node) -> Iterator[Node]:
    """Yield a node and all named nodes in it, in the order of the text."""
    cursor = node.walk()
    while True:
        found = cursor.node  # each access makes a new object
        if found is not None and found.is_named:
            yield found
        if cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return


def field(node: Node | None, *names: str) -> Node | None:
    """Return the node at a path of fields, ``field(call, "arguments")``; None where one is missing."""
    for name in names:
        node = node.child_by_field_name(name) if node is not None else None
    return node


def without_parentheses(node: Node) -> Node:
    """Return an expression without parentheses around it."""
    while node.type == "parenthesized_expression" and len(node.named_children) == 1:
        node = node.named_children[0]
    return node


def up_to(node: Node, *kinds: str) -> Node | None:
    """Return the nearest of a node and its ancestors that is of one of the kinds; None where none is."""
    found: Node | None = node
    while found is not None and found.type not in kinds:
        found = found.parent
    return found


def dotted_of(node: Node) -> str:
    """Return ``a.b.c`` of a chain of attributes, or an empty string when it starts with anything but a name."""
    parts: list[str] = []
    while node.type == "attribute":
        attribute, owner = node.child_by_field_name("attribute"), node.child_by_field_name("object")
        if attribute is None or owner is None:
            return ""
        parts.append(text_of(attribute))
        node = owner
    return ".".join([text_of(node), *reversed(parts)]) if node.type == "identifier" else ""


def dotted_up_to(node: Node, dotted_name: Node) -> str:
    """Return the text of a dotted name from its start to the end of ``node``, one of its parts."""
    return ".".join(text_of(part) for part in dotted_name.named_children if part.start_byte <= node.start_byte)


def scope_around(node: Node) -> Node:
    """Return the node of the scope that a node is in; of the root, the root."""
    return (up_to(node.parent, *SCOPES) if node.parent is not None else None) or node
