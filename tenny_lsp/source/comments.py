"""Find the passages of a file that are written for people: comments, TODOs, commented-out code, docstrings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.syntax import Node, every, field, parse, text_of, up_to

Kind: TypeAlias = Literal["comment", "todo", "commented-out", "docstring", "selection"]

_TODO = re.compile(r"(?:TODO|FIXME|XXX|HACK|BUG)\b", re.IGNORECASE)
#: Comments for tools: shebangs, cell marks, ``noqa`` …
_PRAGMA = re.compile(
    r"#(?:!|:|\s*(?:-\*-|%%|In\[|(?:type|fmt|isort|ruff|flake8|pylint|pyright|mypy|pragma|tenny|vim|cspell)\s*:"
    r"|noqa\b|nosec\b|coding\s*[:=]|(?:end)?region\b))"
)
#: Statements that prose is hardly ever parsed as. Those with a value count only where that is more than a name, for
#: ``return early`` and ``del this`` are prose.
_STATEMENTS = {"assignment", "augmented_assignment", "call", "await"}
_WITH_VALUE = {"return_statement", "raise_statement", "assert_statement", "delete_statement", "yield"}
_COMPOUND = {
    *("function_definition", "class_definition", "if_statement", "for_statement", "while_statement"),
    *("with_statement", "try_statement", "import_statement", "import_from_statement", "decorated_definition"),
}
#: Without any of these no line is such a statement, and need not be parsed.
_MAY_BE_CODE = re.compile(
    r"[=(@]|(?:^|;)\s*(?:await|return|raise|assert|del|yield|async|def|class|if|for|while|with|try|import|from)\b",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage of a file that is written for people.

    Args:
        kind (Kind): What it is.
        text (str): Its text, without comment marks, quotes and indentation.
        start (int): Where it starts, in code points.
        end (int): Where it ends.
    """

    kind: Kind
    text: str
    start: int
    end: int

    @property
    def context(self) -> str:
        """Its text as code on one line, ``# …``, which is how the datasets of remarks have it."""
        if self.kind == "selection":
            return self.text
        text = " ".join((self.text.partition("\n\n")[0] if self.kind == "docstring" else self.text).split())
        return f'"""{text}"""' if self.kind == "docstring" else f"# {text}"


def passage_at(buffer: Buffer, offset: int) -> Passage | None:
    """Return the comment, with those on the lines around it, or the docstring at an offset in code points."""
    place = buffer.byte_offset(offset)
    for start in (place, place - 1):  # the end of a line belongs to the comment
        node = buffer.root.descendant_for_byte_range(max(start, 0), max(start, 0))
        if node is None:
            continue
        if node.type == "comment":
            return next((_comment(buffer, block) for block in _blocks(buffer) if _is_in(node, block)), None)
        string = up_to(node, "string")
        if string is not None and _is_docstring(string):
            return _docstring(buffer, string)
    return None


def passages(buffer: Buffer) -> Iterator[Passage]:
    """Yield the comments and docstrings of a file, in its order; those for tools are left out."""
    blocks = _blocks(buffer)
    found: list[Passage | None] = [_comment(buffer, block) for block in blocks]
    found += [_docstring(buffer, node) for node in every(buffer.root) if node.type == "string" and _is_docstring(node)]
    yield from sorted((passage for passage in found if passage is not None), key=lambda passage: passage.start)


def selection(buffer: Buffer, start: int, end: int) -> Passage | None:
    """Return a part of the text as a passage, without white space around it; None where it has no letter or digit."""
    text = buffer.text[start:end]
    stripped = text.strip()
    if not any(character.isalnum() for character in stripped):
        return None
    start += len(text) - len(text.lstrip())
    return Passage("selection", stripped, start, start + len(stripped))


def is_pragma(comment: str) -> bool:
    """Return whether a comment is for tools, not for readers."""
    return _PRAGMA.match(comment) is not None


def _comment(buffer: Buffer, block: list[Node]) -> Passage | None:
    """Return the passage of a block of comments; None when it has no letter or digit."""
    lines = [_comment_text(node) for node in block]
    text = "\n".join(lines).strip()
    if not any(character.isalnum() for character in text):
        return None
    kind: Kind = "todo" if _TODO.match(text) else "commented-out" if _is_code(lines) else "comment"
    start, end = buffer.offset_of(block[0].start_byte), buffer.offset_of(block[-1].end_byte)
    return Passage(kind, text, start, start + len(buffer.text[start:end].rstrip()))


def _docstring(buffer: Buffer, string: Node) -> Passage | None:
    content = "".join(text_of(part) for part in string.children if part.type == "string_content")
    text = "\n".join(line.strip() for line in content.strip().splitlines())
    if not any(character.isalnum() for character in text):
        return None
    return Passage("docstring", text, buffer.offset_of(string.start_byte), buffer.offset_of(string.end_byte))


def _blocks(buffer: Buffer) -> list[list[Node]]:
    """Return the comments for readers, with those of the next lines if each is alone on its line, in one column."""
    # Not by asking each for its siblings: that reads the whole file for each.
    blocks: list[list[Node]] = []
    last: Node | None = None
    for node in every(buffer.root):
        if node.type == "comment" and not is_pragma(text_of(node)):
            if last is not None and _continues(buffer, last, node):
                blocks[-1].append(node)
            else:
                blocks.append([node])
        last = node
    return blocks


def _is_in(node: Node, block: list[Node]) -> bool:
    return block[0].start_byte <= node.start_byte <= block[-1].start_byte


def _continues(buffer: Buffer, node: Node, below: Node) -> bool:
    return (
        node.type == below.type == "comment"
        and node.start_point[0] + 1 == below.start_point[0]
        and node.start_point[1] == below.start_point[1]
        and not is_pragma(text_of(node))
        and all(buffer.stands_alone(comment.start_byte) for comment in (node, below))
    )


def _comment_text(node: Node) -> str:
    return text_of(node).lstrip("#").rstrip().removeprefix(" ").removeprefix(":")


def _is_docstring(string: Node) -> bool:
    statement = string.parent
    if statement is None or statement.type != "expression_statement" or statement.named_child_count != 1:
        return False
    block = statement.parent
    if block is None or next((c for c in block.named_children if c.type != "comment"), None) != statement:
        return False
    owner = block.parent
    return owner is None or (block.type == "block" and owner.type in ("function_definition", "class_definition"))


def _is_code(lines: list[str]) -> bool:
    """Return whether the lines of a comment are Python that cannot be mistaken for prose."""
    if not _MAY_BE_CODE.search("\n".join(lines)):
        return False
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    root = parse("\n".join(line[margin:] for line in lines).encode("utf-8", "surrogatepass") + b"\n").root_node
    return not root.has_error and any(_is_statement(node) for node in root.named_children)


def _is_statement(node: Node) -> bool:
    if node.type in _WITH_VALUE:
        return any(child.type not in ("identifier", "comment") for child in node.named_children)
    if node.type != "expression_statement":
        return node.type in _COMPOUND
    inner = node.named_children[0] if node.named_child_count else node
    if inner.type == "assignment":
        return field(inner, "right") is not None
    return inner.type in _STATEMENTS
