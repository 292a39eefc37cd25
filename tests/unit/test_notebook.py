"""Cells as one module: nothing moves, and what is IPython's own does not disturb what is Python."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenny_lsp.inference.cursor import NamedEntry
from tenny_lsp.inference.queries import Queries
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.notebook import Notebook

IPYTHON = {
    "line magic": ("%matplotlib inline", "#matplotlib inline"),
    "indented magic": ("if a:\n    %time f()", "if a:\n    #time f()"),
    "shell": ("!pip install mlx", "#pip install mlx"),
    "shell on two lines": ("!pip install \\\n    mlx\nx = 1", "#pip install \\\n    #lx\nx = 1"),
    "cell magic over Python": ("%%time\nx = 1", "#%time\nx = 1"),
    "cell magic over something else": ("%%bash\nls -la\n\ncd ..", "#%bash\n#s -la\n\n#d .."),
    "help": ("mx.abs?", "mx.abs "),
    "source": ("mx.abs??", "mx.abs  "),
    "help first": ("?mx.abs", "#mx.abs"),
    "assigned shell": ("files = !ls -la", "files = 0" + " " * 6),
    "assigned magic": ("r = %timeit -o f()", "r = 0" + " " * 13),
    "modulo": ("y = (a\n    % b)", "y = (a\n    % b)"),
    "not equal": ("a != b", "a != b"),
    "format": ("'%s' % a", "'%s' % a"),
}


@pytest.mark.parametrize(("cell", "python"), IPYTHON.values(), ids=list(IPYTHON))
def test_what_is_ipython_s_own(cell: str, python: str) -> None:
    assert Notebook([cell]).text == python + "\n"


@given(st.lists(st.text("a%!?\n\\ =é👩", max_size=12), min_size=1, max_size=5), st.data())
def test_every_place_is_found_again(cells: list[str], data: st.DataObject) -> None:
    notebook = Notebook(cells)
    cell = data.draw(st.integers(0, len(cells) - 1))
    offset = data.draw(st.integers(0, len(cells[cell])))

    place = notebook.offset_in(cell, offset)

    assert notebook.place_of(place) == (cell, offset)
    assert len(notebook.text) == sum(len(text) + 1 for text in cells)


def test_names_are_seen_across_cells(mlx_index: ApiIndex) -> None:
    cells = ["%load_ext x\nimport mlx.core as mx", "!ls\nx = mx.zeros(3)", "%%bash\nx = 3", "x.reshape(1, 3)"]
    notebook = Notebook(cells)
    buffer = Buffer(notebook.text)

    found = Queries(buffer, mlx_index).target_at(notebook.offset_in(3, 4))

    assert isinstance(found, NamedEntry) and found.entry.name == "mlx.core.array.reshape"
    assert notebook.place_of(found.start) == (3, 2)


def test_a_broken_cell_leaves_the_others_alone(mlx_index: ApiIndex) -> None:
    notebook = Notebook(["import mlx.core as mx", "def f(:\n    x = [", "mx.abs(y)"])

    found = Queries(Buffer(notebook.text), mlx_index).target_at(notebook.offset_in(2, 4))

    assert isinstance(found, NamedEntry) and found.entry.name == "mlx.core.abs"
