"""Find what is being typed at an offset: a member, a module, an imported name, an argument.

Uses regular expressions on the text, for what is being typed does not parse yet. Offsets are in code points.
"""

import re
from collections import deque
from dataclasses import dataclass
from typing import Literal

CompletionKind = Literal["member", "module", "imported", "argument", "value"]

# A literal always matches to its end or the text's, a last backslash included: what fails is tried again in every way
# in which the characters before it can be grouped, which takes for ever.
_LITERAL = re.compile(
    r"""\#(?:[^\n]*\n|(?P<comment>[^\n]*\Z))
    |\"{3}(?:[^\\"]+|\\(?:.|\Z)|"(?!""))*(?:\"{3}|(?P<a>\Z))|'{3}(?:[^\\']+|\\(?:.|\Z)|'(?!''))*(?:'{3}|(?P<b>\Z))
    |"(?:[^"\\\n]+|\\(?:.|\Z))*(?:["\n]|(?P<c>\Z))|'(?:[^'\\\n]+|\\(?:.|\Z))*(?:['\n]|(?P<d>\Z))""",
    re.DOTALL | re.VERBOSE,
)
_PREFIX = re.compile(r"(?<!\w)[a-zA-Z]{1,2}\Z")
_NAME = re.compile(r"\w*\Z")
_DOTTED = re.compile(r"[\w.]*\Z")
_REST_OF_NAME = re.compile(r"\w*")
_NUMBER = re.compile(r"(?<![\w.)\]])\d[\d_]*\Z")
_ITEM = r"\w+(?:\s+as\s+\w+)?\s*,\s*"
_IMPORT = re.compile(r"(?:^|[;:])[ \t]*import[ \t]+(?:[\w.]+(?:\s+as\s+\w+)?\s*,\s*)*(?P<path>[\w.]*)\Z", re.MULTILINE)
_FROM = re.compile(r"(?:^|[;:])[ \t]*from[ \t]+(?P<path>[\w.]*)\Z", re.MULTILINE)
_FROM_IMPORT = re.compile(
    rf"(?:^|[;:])[ \t]*from[ \t]+(?P<path>[\w.]+)[ \t]+import(?:[ \t]+(?:{_ITEM})*|[ \t]*\(\s*(?:{_ITEM})*)\w*\Z",
    re.MULTILINE,
)
#: How many characters before the cursor are searched for the start of a statement or name.
_FAR = 4000


@dataclass(frozen=True, slots=True)
class CompletionContext:
    """The place where a name is being typed.

    Args:
        kind (CompletionKind): ``member`` after a dot; ``module`` in the path of an import; ``imported`` after ``from …
            import``; ``argument`` where an argument may start; ``value`` after the ``=`` of what may be one.
        start (int): Where the name starts.
        typed (str): Its part before the cursor.
        end (int): Where the name ends, behind the cursor.
        receiver (int): Where the dotted name before the dot starts; ``start`` where there is no dot.
        path (str): The complete part of the module path in an import: ``mlx`` of ``import mlx.co``.
    """

    kind: CompletionKind
    start: int
    typed: str
    end: int
    receiver: int
    path: str = ""


def completion_context_at(text: str, offset: int) -> CompletionContext | None:
    """Return what is being typed at an offset; None in comments and strings, and where no name of MLX can stand."""
    before = text[:offset]
    start = _match(_NAME, before).start()
    typed = before[start:]
    if typed[:1].isdigit() or not is_code(before):
        return None
    end = _REST_OF_NAME.match(text, offset).end()  # type: ignore[union-attr]
    if imported := _imported(before, start, end):
        return imported
    if before[:start].endswith("."):
        owner = before[: start - 1]
        if owner.endswith(".") or _NUMBER.search(owner[-_FAR:]):
            return None
        return CompletionContext("member", start, typed, end, _match(_DOTTED, owner).start())
    lead = before[:start].rstrip()
    if lead.endswith(("(", ",")):
        return CompletionContext("argument", start, typed, end, start)
    if lead.endswith("=") and lead[-2:-1] not in ("=", "!", "<", ">", ":"):
        return CompletionContext("value", start, typed, end, start)
    return None


def is_code(before: str) -> bool:
    """Return whether what follows a text is code: not a comment, nor a string outside an f-string's braces."""
    (last,) = deque(_LITERAL.finditer(before), maxlen=1) or (None,)
    if last is None or last.lastgroup is None:  # only a literal that has not ended, which is the last, has a group
        return True
    if last.lastgroup == "comment":
        return False
    prefix = _PREFIX.search(before[max(0, last.start() - 3) : last.start()])
    opened = 3 if last[0][:3] in ('"' * 3, "'" * 3) else 1
    return prefix is not None and "f" in prefix[0].lower() and _in_braces(last[0][opened:])


def _imported(before: str, start: int, end: int) -> CompletionContext | None:
    near = before[-_FAR:]
    if match := _FROM_IMPORT.search(near):
        return CompletionContext("imported", start, before[start:], end, start, match["path"])
    if match := _IMPORT.search(near) or _FROM.search(near):
        return CompletionContext("module", start, before[start:], end, start, match["path"].rpartition(".")[0])
    return None


def _in_braces(text: str) -> bool:
    """Return whether the text of an f-string so far ends inside the braces of an expression."""
    opened: list[int] = []
    place = 0
    while place < len(text):
        character = text[place]
        if not opened and text[place : place + 2] in ("{{", "}}"):
            place += 1
        elif character == "{":
            opened.append(place + 1)
        elif character == "}" and opened:
            opened.pop()
        place += 1
    if not opened:
        return False
    expression = text[opened[-1] :]
    in_format = re.search(r":(?!=)", re.sub(r"\[[^\]]*\]?|\([^)]*\)?|lambda[^:]*:", "", expression))
    return is_code(expression) and not in_format


def _match(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    """Return the match of a pattern that always matches, at the end of a text."""
    found = pattern.search(text, max(0, len(text) - _FAR))
    assert found is not None
    return found
