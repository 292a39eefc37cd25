"""Find the brackets that are missing at a cursor, so that the rest of the file parses as it is meant."""

from collections.abc import Iterator

from tenny_lsp.source.syntax import Node

_CLOSERS = {"(": ")", "[": "]", "{": "}"}
#: Tokens that end the search: no bracket is open across them.
_BOUNDARIES = {"def", "class", "return", "import", "from", "with", "while", "raise", "assert", "del", "interpolation"}
#: How many tokens are searched for open brackets.
_FARTHEST = 2000


def missing_closers(root: Node, place: int, line_rest: str) -> str:
    """Return the closing brackets that are missing at a place: of those that are open and not closed on its line.

    Args:
        root (Node): The tree of the text.
        place (int): The place, in bytes.
        line_rest (str): What follows on its line.
    """
    if not root.has_error:
        return ""
    missing = ""
    for opener in _open_brackets(root, place):
        if opener == "string_start":  # nothing after it is code, but for what stands in an f-string's braces
            return missing if missing.endswith("}") else ""
        missing += _CLOSERS[opener]
    for character in line_rest:
        missing = missing.removeprefix(character) if character in ")]}" else missing
    return missing


def _open_brackets(root: Node, place: int) -> Iterator[str]:
    """Yield the brackets, and the quote, that are open at a place, innermost first."""
    closed = 0
    for token in _tokens_before(root, place):
        if token.type in _BOUNDARIES:
            return
        if token.type in (")", "]", "}"):
            closed += 1
        elif token.type == "string_start" and token.parent is not None and token.parent.type == "ERROR":
            yield token.type
            return
        elif token.type in _CLOSERS:
            if not closed:
                yield token.type
            closed = max(closed - 1, 0)


def _tokens_before(root: Node, place: int) -> Iterator[Node]:
    """Yield the tokens before a place, the nearest first."""
    start = max(place - 1, 0)
    node = root.descendant_for_byte_range(start, start)
    for _ in range(_FARTHEST):
        if node is None:
            return
        while node.child_count and node.start_byte < place:
            node = next((child for child in reversed(node.children) if child.start_byte < place), node.children[0])
        if node.end_byte <= place:
            yield node
        while node is not None and node.prev_sibling is None:
            node = node.parent
            if node is not None and node.type == "interpolation":
                return
        node = node.prev_sibling if node is not None else None
