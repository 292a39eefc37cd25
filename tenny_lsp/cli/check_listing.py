"""What ``check`` lists: pitfalls and syntax errors with their places, and the files that it could not check."""

import ast
import re
import sys
import warnings
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tenny_lsp.pitfalls.rule import Pitfall

#: The code of a syntax error; it can be ignored as those of the rules can.
SYNTAX_ERROR = "syntax-error"


class Lines:
    """The lines of a text, as editors count them.

    Args:
        text (str): The text.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(end.end() for end in re.finditer(r"\r\n|\r|\n", text))]

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column of an offset, both from 1, the column in code points."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def place_utf16(self, offset: int) -> tuple[int, int]:
        """Return line and column of an offset, both from 1, the column in UTF-16 code units."""
        line = bisect_right(self._starts, offset)
        before = self._text[self._starts[line - 1] : offset]
        return line, len(before.encode("utf-16-le", "surrogatepass")) // 2 + 1

    def offset(self, line: int, column: int) -> int:
        """Return the offset of line and column, both from 1; the nearest there is where the text has no such place."""
        start = self._starts[min(max(line, 1), len(self._starts)) - 1]
        return min(start + max(column, 1) - 1, len(self._text))


@dataclass(frozen=True)
class ListedPitfall:
    """A pitfall in a file.

    Args:
        path (Path): The file.
        lines (Lines): The lines of its text.
        pitfall (Pitfall): The pitfall, or a syntax error in its shape.
    """

    path: Path
    lines: Lines
    pitfall: "Pitfall"

    @cached_property
    def start(self) -> tuple[int, int]:
        """Its first line and column, from 1, in code points."""
        return self.lines.place(self.pitfall.start)

    @cached_property
    def end(self) -> tuple[int, int]:
        """The line and column after its last character, from 1, in code points."""
        return self.lines.place(self.pitfall.end)

    @property
    def is_safe_to_fix(self) -> bool:
        """Whether ``--fix`` puts it right."""
        return any(fix.is_safe for fix in self.pitfall.fixes)


@dataclass(frozen=True, slots=True)
class UncheckedFile:
    """A file or folder that could not be checked, or not written.

    Args:
        path (Path): Its path.
        reason (str): What is wrong with it: ``could not be read: …``.
    """

    path: Path
    reason: str


@dataclass(slots=True)
class CheckReport:
    """What a check found and did.

    Args:
        checked (int): How many files were looked at.
        found (Sequence[ListedPitfall]): The pitfalls and syntax errors; after fixes, those that are left.
        unchecked (list[UncheckedFile]): What could not be checked, or not written.
        fixed (int): How many pitfalls were put right, or would be.
        fixed_files (int): In how many files.
    """

    checked: int = 0
    found: Sequence[ListedPitfall] = ()
    unchecked: list[UncheckedFile] = field(default_factory=list)
    fixed: int = 0
    fixed_files: int = 0

    def count(self, pitfalls: int) -> None:
        """Count the pitfalls that are put right in one more file."""
        self.fixed += pitfalls
        self.fixed_files += 1


def syntax_error(text: str) -> "Pitfall | None":
    """Return the first syntax error of a text, in the shape of a pitfall. Returns None where there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of invalid escapes, for instance: they are no errors
            ast.parse(text)
    except SyntaxError as error:
        lines = Lines(text)
        start = lines.offset(error.lineno or 1, error.offset or 1)
        end = lines.offset(error.end_lineno or 1, error.end_offset or 1)
        return _syntax_error(error.msg, start, max(start, end))
    except (MemoryError, RecursionError):
        return _syntax_error("too many nested parentheses", 0, 0)
    return None


def _syntax_error(what: str, start: int, end: int) -> "Pitfall":
    from tenny_lsp.pitfalls.rule import Pitfall

    python = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    return Pitfall(SYNTAX_ERROR, "error", f"{python} cannot parse this: {what}.", "", start, end, ())
