"""Insert a remark as a comment below its subject, where Python is certain to read it as a comment."""

import io
import re
import textwrap
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

from tenny_lsp.features.decency import is_obeyed, plain
from tenny_lsp.source.comments import is_pragma
from tenny_lsp.source.syntax import parse

_MARK = "# "
#: However deep the indentation and narrow the lines, a line of a remark has room for a few words.
_LEAST_WIDTH = 24
_TAB = 8
_EOL = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Insertion:
    """Text to be put into a file.

    Args:
        offset (int): Where, in code points.
        text (str): What: line ends and whole lines of comments.
    """

    offset: int
    text: str


def comment_below(text: str, start: int, end: int, remark: str, width: int) -> Insertion | None:
    """Return what puts a remark as a comment on the lines below a part of a file.

    Returns None where it would not surely be a comment: inside a string, after a backslash, in text that Python cannot
    read, or when a tool would obey it.

    Args:
        text (str): The whole file.
        start (int): Where the part starts, in code points; the remark is indented as its line is.
        end (int): Where the part ends.
        remark (str): The remark.
        width (int): How long lines may be, in columns.
    """
    break_ = _EOL.search(text, end)
    place = break_.start() if break_ else len(text)
    any_break = break_ or _EOL.search(text)
    first = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    indentation = re.match(r"[ \t\f]*", text[first:start])
    indent = indentation[0].rpartition("\f")[2] if indentation else ""
    room = max(width - len(indent.expandtabs(_TAB)) - len(_MARK), _LEAST_WIDTH)
    lines = [_MARK + line for line in textwrap.wrap(plain(remark), room, break_on_hyphens=False)]
    if not lines or is_obeyed(plain(remark)) or any(map(is_pragma, lines)) or "\0" in text:
        return None
    if not _are_comments(text, place, indent, lines):
        return None
    eol = any_break[0] if any_break else "\n"
    return Insertion(place, "".join(eol + indent + line for line in lines))


def _are_comments(text: str, place: int, indent: str, lines: list[str]) -> bool:
    """Return whether lines put at the end of a line are comments, both for Python and for the editor's parser."""
    before = _EOL.sub("\n", text[:place])
    below = "".join(f"\n{indent}{line}" for line in lines)
    rest = _EOL.sub("\n", text[place:])
    found = dict(_python_comments(before + below + "\n"))
    row = before.count("\n") + 1
    above = enumerate(before.split("\n")[-2:][::-1])
    if any(line.endswith("\\") and row - up not in found for up, line in above):  # the line goes on, or is gone on with
        return False
    if [found.get(row + 1 + number) for number in range(len(lines))] != lines:
        return False
    root = parse((before + below + (rest or "\n")).encode("utf-8", "surrogatepass")).root_node
    for number in range(len(lines)):
        node = root.descendant_for_point_range((row + number, len(indent)), (row + number, len(indent) + 1))
        if node is None or node.type != "comment" or node.start_point != (row + number, len(indent)):
            return False
    return True


def _python_comments(text: str) -> Iterator[tuple[int, str]]:
    """Yield the comments of a text by line, from 1, as far as Python's own tokenizer can read it."""
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string
    except (tokenize.TokenError, SyntaxError, ValueError):
        return
