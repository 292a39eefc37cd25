"""Find what reviewers object to: bare excepts, mutable defaults, magic numbers, long functions."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.syntax import Node, every, field, text_of

Kind: TypeAlias = Literal["bare-except", "mutable-default", "magic-number", "long-function"]

#: How many lines a function may have.
MOST_LINES = 60
_MUTABLE = {"list", "dictionary", "set", "list_comprehension", "dictionary_comprehension", "set_comprehension"}
_MAKERS = {"list", "dict", "set", "bytearray", "defaultdict", "deque", "Counter", "OrderedDict"}
_ARITHMETIC = {"binary_operator", "comparison_operator", "augmented_assignment", "unary_operator"}
_LINE_END = re.compile(r"[\r\n]")
#: Numbers that everybody knows and that need no name.
_KNOWN = {
    *(0, 1, 2, 3, 4, 5, 10, 20, 50, 100, 1000, 1e6, 1e9, 0.5, 0.25, 0.75, 0.9, 0.95, 0.99, 0.999),
    # Of clocks, calendars and circles.
    *(7, 12, 24, 28, 30, 31, 52, 60, 90, 180, 270, 360, 365, 365.25, 366, 1440, 3600, 86400, 604800),
    # Of bytes, colours, letters and limits.
    *(15, 31, 63, 127, 255, 511, 1023, 4095, 65535, 2147483647, 4294967295, 26, 97, 65),
    # Of mathematics and physics.
    *(3.14, 3.1416, 3.14159, 3.14159265, 6.28, 2.718, 2.71828, 1.618, 1.414, 0.707, 9.81, 273.15, 299792458),
    # Answers to a request.
    *(
        200,
        201,
        202,
        204,
        206,
        301,
        302,
        303,
        304,
        307,
        308,
        400,
        401,
        403,
        404,
        405,
        406,
        408,
        409,
        410,
        411,
        412,
        413,
    ),
    *(415, 418, 422, 425, 426, 429, 451, 500, 501, 502, 503, 504, 599),
    # Ports.
    *(20, 21, 22, 23, 25, 53, 80, 110, 143, 443, 465, 587, 993, 995, 3000, 3306, 5000, 5432, 5672, 6379, 8000, 8080),
    *(8443, 8888, 9000, 9090, 9200, 27017),
    # Permissions.
    *(0o600, 0o644, 0o700, 0o755, 0o777),
}


@dataclass(frozen=True, slots=True)
class Habit:
    """Code that a reviewer objects to.

    Args:
        kind (Kind): What it is.
        fact (str): What is wrong with it, in a sentence.
        text (str): The line of code.
        start (int): Where it starts, in code points.
        end (int): Where it ends.
    """

    kind: Kind
    fact: str
    text: str
    start: int
    end: int


def habits(buffer: Buffer) -> Iterator[Habit]:
    """Yield the habits in a file, in the order of its text."""
    for node in every(buffer.root):
        if node.type == "except_clause":
            yield from _bare_except(buffer, node)
        elif node.type in ("default_parameter", "typed_default_parameter"):
            yield from _mutable_default(buffer, node)
        elif node.type == "function_definition":
            yield from _long_function(buffer, node)
        elif node.type in ("integer", "float"):
            yield from _magic_number(buffer, node)


def _bare_except(buffer: Buffer, node: Node) -> Iterator[Habit]:
    if all(child.type in ("block", "comment") for child in node.named_children):
        fact = "A bare except catches KeyboardInterrupt and SystemExit too."
        yield _habit(buffer, "bare-except", fact, node.children[0])


def _mutable_default(buffer: Buffer, node: Node) -> Iterator[Habit]:
    value, name = field(node, "value"), field(node, "name")
    if value is None or name is None:
        return
    if value.type in _MUTABLE or (value.type == "call" and text_of(value.children[0]) in _MAKERS):
        fact = f"The default of {text_of(name)} is made once and shared by every call."
        yield _habit(buffer, "mutable-default", fact, node)


def _long_function(buffer: Buffer, node: Node) -> Iterator[Habit]:
    name, size = field(node, "name"), node.end_point[0] - node.start_point[0] + 1
    if name is not None and size > MOST_LINES:
        yield _habit(buffer, "long-function", f"{text_of(name)} has {size} lines.", name)


def _magic_number(buffer: Buffer, node: Node) -> Iterator[Habit]:
    if node.parent is None or node.parent.type not in _ARITHMETIC or _is_named_above(node):
        return
    value = _value(text_of(node))
    if value is None or value in _KNOWN or (value > 0 and _is_power(value)) or _is_in_power(node):
        return
    yield _habit(buffer, "magic-number", f"{text_of(node)} stands here without a name.", node)


def _value(text: str) -> float | None:
    """Return the value of a number literal; None where it is complex."""
    digits = text.replace("_", "")
    try:
        return float(digits) if re.search(r"^[\d.]+(?:[eE]|$)", digits) else float(int(digits, 0))
    except (ValueError, OverflowError):
        return None


def _is_power(value: float) -> bool:
    """Return whether a positive number is a power of two, or of ten."""
    return math.frexp(value)[0] == 0.5 or f"{value:.9e}".startswith("1.000000000e")


def _is_in_power(node: Node) -> bool:
    """Return whether a number is a part of a power of whole numbers, as ``2**20`` is: that says what it means."""
    sides = [field(node.parent, name) for name in ("left", "right")]
    operator = field(node.parent, "operator")
    return (
        operator is not None and text_of(operator) == "**" and all(s is not None and s.type == "integer" for s in sides)
    )


def _is_named_above(node: Node) -> bool:
    """Return whether a number is explained where it is: outside of functions, in a default, or in a constant."""
    above = node.parent
    while above is not None and above.type not in ("function_definition", "lambda"):
        if above.type in ("default_parameter", "typed_default_parameter", "keyword_argument", "subscript", "slice"):
            return True
        left = field(above, "left") if above.type == "assignment" else None
        if left is not None and text_of(left).isupper():
            return True
        above = above.parent
    return above is None


def _habit(buffer: Buffer, kind: Kind, fact: str, node: Node) -> Habit:
    start, end = buffer.offset_of(node.start_byte), buffer.offset_of(node.end_byte)
    first = max(buffer.text.rfind("\n", 0, start), buffer.text.rfind("\r", 0, start)) + 1
    last = _LINE_END.search(buffer.text, start)
    line = buffer.text[first : last.start() if last else len(buffer.text)]
    return Habit(kind, fact, line.strip(), start, end)
