"""Names to hover over, in the code of the installed MLX packages."""

import ast
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tenny_lsp.mlx_api.environment import find_installed

#: What a module calls MLX in the code that is read.
_ROOTS = {"mx", "nn"}
#: How many of mlx_lm's models are opened.
_MODELS = 12


@dataclass(frozen=True, slots=True)
class Place:
    """A name in a document.

    Args:
        document (Path): The file.
        line (int): Its line, from 0.
        column (int): Where the name starts, in UTF-16 units.
        block_line (int): The line of the module-level statement it stands in.
    """

    document: Path
    line: int
    column: int
    block_line: int


def copy_documents(workspace: Path) -> list[Path]:
    """Copy ``mlx.nn``'s layers and ``mlx_lm``'s models into a workspace; return the files to open.

    All layers are opened and, evenly spread over the alphabet, a dozen of the models.
    """
    layers, models = workspace / "layers", workspace / "models"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(find_installed("mlx").folder / "nn" / "layers", layers, ignore=ignored)
    shutil.copytree(find_installed("mlx_lm").folder / "models", models, ignore=ignored)
    files = _worth_opening(models)
    return _worth_opening(layers) + files[:: max(1, len(files) // _MODELS)][:_MODELS]


def choose(documents: list[Path], count: int) -> list[Place]:
    """Return as many names under ``mx.`` and ``nn.``, evenly spread over the documents, in their order."""
    places = [place for path in documents for place in sorted(_places(path), key=lambda p: (p.line, p.column))]
    assert len(places) >= count, f"only {len(places)} names in the installed packages"
    return [places[index * len(places) // count] for index in range(count)]


def _worth_opening(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.py")) if next(_places(path), None)]


def _places(path: Path) -> Iterator[Place]:
    text = path.read_text("utf-8")
    lines = text.splitlines()
    for statement in ast.parse(text).body:
        decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
        block_line = min(node.lineno for node in (statement, *decorators)) - 1
        for node in ast.walk(statement):
            if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
                continue
            assert node.end_lineno is not None and node.end_col_offset is not None
            if node.value.id in _ROOTS and lines[node.end_lineno - 1].isascii():
                column = node.end_col_offset - len(node.attr)
                yield Place(path, node.end_lineno - 1, column, block_line)
