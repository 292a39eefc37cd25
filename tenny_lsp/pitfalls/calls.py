"""Calls as rules read them, the edits that change them, and ways through the tree."""

from collections.abc import Iterator
from dataclasses import dataclass

from tenny_lsp.pitfalls.rule import Edit
from tenny_lsp.source.syntax import Node, field, text_of, up_to

#: What may stand before a dot or beside an operator without parentheses.
_ATOMS = {"identifier", "attribute", "call", "subscript", "parenthesized_expression", "integer", "list", "tuple"}


@dataclass(frozen=True, slots=True)
class Call:
    """A call in the text.

    Args:
        node (Node): The whole of it.
        function (Node): What is called.
        name (str): The last component of its name, ``sum`` of ``x.sum``; empty where it has none.
        owner (Node | None): What stands before the dot, ``x`` of ``x.sum``.
        listed (Node): The arguments with their parentheses.
        arguments (tuple[Node, ...]): By position.
        keywords (dict[str, Node]): By name, each with its name and value.
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
        """Returns what a keyword argument is given."""
        return field(self.keywords.get(keyword), "value")


def call_of(node: Node) -> Call | None:
    """Returns a node as a call; None when it is none that can be read."""
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


def replaced(node: Node, text: str) -> Edit:
    """Returns the edit that puts a text in a node's place."""
    return Edit(node.start_byte, node.end_byte, text)


def inserted(place: int, text: str) -> Edit:
    """Returns the edit that puts a text at a place, in bytes."""
    return Edit(place, place, text)


def without(call: Call, arguments: list[Node]) -> tuple[Edit, ...]:
    """Returns the edits that remove arguments of a call with their commas."""
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
    """Returns an expression's text, in parentheses where it needs them before a dot or beside an operator."""
    return text_of(node) if node.type in _ATOMS else f"({text_of(node)})"


def function_around(node: Node) -> Node | None:
    """Returns the function that a node stands in."""
    return up_to(node.parent, "function_definition", "lambda") if node.parent is not None else None


def all_within(node: Node, kind: str) -> Iterator[Node]:
    """Yields the nodes of a kind in a node, at any depth."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        if found.type == kind:
            yield found
        waiting += found.named_children


def within(node: Node | None, *kinds: str) -> Iterator[Node]:
    """Yields the nodes of some kinds in a node, without what stands in functions and classes inside it."""
    waiting = [node] if node is not None else []
    while waiting:
        found = waiting.pop()
        if found.type in kinds:
            yield found
        if found == node or found.type not in ("function_definition", "class_definition", "lambda"):
            waiting += found.named_children
