"""Join the cells of a notebook to one module, and map its offsets to cells. Offsets are in code points."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

#: Cell magics whose cells are Python.
_PYTHON_CELLS = {"time", "timeit", "capture", "prun", "memit", "mprun", "lprun"}
_CELL_MAGIC = re.compile(r"\s*%%(\w+)")
_LINE_MAGIC = re.compile(r"[ \t]*(?:%{1,2}[A-Za-z_]|!|\?)")
_HELP = re.compile(r"^[ \t]*[\w.]+(\?{1,2})[ \t]*$")
_ASSIGNED = re.compile(r"^([ \t]*[\w.,\t ]+=[ \t]*)([!%][A-Za-z_!/.~$].*)$")


class Notebook:
    """The code cells of a notebook joined to one text, in which IPython's syntax is commented out.

    Args:
        cells (Sequence[str]): The cells' texts.
    """

    def __init__(self, cells: Sequence[str]) -> None:
        texts = [_as_python(cell) + "\n" for cell in cells]
        self.text = "".join(texts)
        self._starts = [0, *accumulate(len(text) for text in texts)][: len(texts)]
        self._ends = [start + len(text) - 1 for start, text in zip(self._starts, texts, strict=True)]

    def offset_in(self, cell: int, offset: int) -> int:
        """Return an offset in a cell as one in the whole text."""
        return self._starts[cell] + offset

    def place_of(self, offset: int) -> tuple[int, int]:
        """Return the cell that an offset in the whole text is in, and the offset in that cell.

        Raises:
            IndexError: The notebook has no cells.
        """
        cell = max(bisect_right(self._starts, offset) - 1, 0)
        return cell, min(offset, self._ends[cell]) - self._starts[cell]


def _as_python(cell: str) -> str:
    """Return a cell with its magics, shell commands and help requests blanked or commented out; no offset changes."""
    magic = _CELL_MAGIC.match(cell)
    is_foreign = magic is not None and magic[1] not in _PYTHON_CELLS
    lines, goes_on = [], False
    for line in cell.split("\n"):
        if is_foreign or goes_on or _LINE_MAGIC.match(line):
            goes_on = not is_foreign and line.rstrip().endswith("\\")
            lines.append(_commented(line))
        elif asked := _HELP.match(line):
            lines.append(line[: asked.start(1)] + " " * len(asked[1]) + line[asked.end(1) :])
        elif assigned := _ASSIGNED.match(line):
            lines.append(assigned[1] + "0" + " " * (len(assigned[2]) - 1))
        else:
            lines.append(line)
    return "\n".join(lines)


def _commented(line: str) -> str:
    indented = line.lstrip()
    return line[: len(line) - len(indented)] + "#" + indented[1:] if indented else line
