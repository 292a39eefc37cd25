"""Calls as rules read them, and searches through the tree."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from tenny_lsp.source.syntax import Node, every, field, text_of, up_to


@dataclass(frozen=True, slots=True)
class Call:
    """A call in the text.

    Args:
        node (Node): The whole call.
        function (Node): What is called.
        name (str): The last component of the function's name, ``sum`` of ``x.sum``; empty where it has none.
        owner (Node | None): What stands before the dot, ``x`` of ``x.sum``.
        listed (Node): The arguments with their parentheses.
        arguments (tuple[Node, ...]): The positional arguments.
        keywords (dict[str, Node]): The keyword arguments by name; each node holds the name and the value.
        is_whole (bool): Whether nothing is starred, broken or commented in it.
    """

    node: Node
    function: Node
    name: str
    owner: Node | None
    listed: Node
    arguments: tuple[Node, ...]
    keywords: dict[str, Node]
    is_whole: bool

    def value(self, keyword: str) -> Node | None:
        """Return the value of a keyword argument; None where it is not given."""
        return field(self.keywords.get(keyword), "value")


def call_of(node: Node | None) -> Call | None:
    """Return a node as a call. Returns None when it is not a call that can be read."""
    return _call_of(node) if node is not None and node.type == "call" else None


@lru_cache(maxsize=256)  # twenty rules ask it of each call, one behind the other
def _call_of(node: Node) -> Call | None:
    function, listed = field(node, "function"), field(node, "arguments")
    if function is None or listed is None or listed.type != "argument_list":
        return None
    owner, name = field(function, "object"), field(function, "attribute")
    short = name if name is not None else function if function.type == "identifier" else None
    keywords: dict[str, Node] = {}
    arguments: list[Node] = []
    is_whole = True
    for child in listed.named_children:
        if child.type == "keyword_argument":
            keywords[text_of(child.named_children[0])] = child
        elif child.type in ("list_splat", "dictionary_splat", "ERROR", "comment"):
            is_whole = False
        else:
            arguments.append(child)
    return Call(
        node, function, text_of(short) if short is not None else "", owner, listed, tuple(arguments), keywords,
        is_whole and not listed.has_error,
    )  # fmt: skip


def target_of(call: Call) -> Node | None:
    """Return what a call is assigned to, ``a, b`` in ``a, b = f(x)``; None where it is not, or not by itself."""
    outer = call.node.parent
    is_assigned = outer is not None and outer.type == "assignment" and field(outer, "right") == call.node
    return field(outer, "left") if is_assigned else None


def stands_in_statement_of(node: Node, other: Node) -> bool:
    """Return whether a node stands in the same statement at the top of the file as another one."""
    while other.parent is not None and other.parent.parent is not None:
        other = other.parent
    return other.start_byte <= node.start_byte < other.end_byte


def function_around(node: Node) -> Node | None:
    """Return the innermost function or lambda that a node stands in; None where it stands in none."""
    return up_to(node.parent, "function_definition", "lambda") if node.parent is not None else None


def all_within(node: Node, kind: str) -> Iterator[Node]:
    """Yield the nodes of a kind in a node, at any depth."""
    return (found for found in every(node) if found.type == kind)


def is_used_after(scope: Node, name: str, place: int) -> bool:
    """Return whether a name stands in a scope at or behind a byte offset."""
    return any(found.start_byte >= place and text_of(found) == name for found in all_within(scope, "identifier"))


def within(node: Node | None, *kinds: str) -> Iterator[Node]:
    """Yield the nodes of some kinds in a node, without what stands in functions and classes inside it."""
    waiting = [node] if node is not None else []
    while waiting:
        found = waiting.pop()
        if found.type in kinds:
            yield found
        if found == node or found.type not in ("function_definition", "class_definition", "lambda"):
            waiting += found.named_children
