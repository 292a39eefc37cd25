"""Names that authors wrote after MLX's modules, in packages that neither the counts nor the base has learned from."""

import ast
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tenny_lsp.mlx_api.usage_contexts import Members, module_aliases
from tools.packages import fetch, find
from tools.parts import HELD_OUT


@dataclass(frozen=True, slots=True)
class Written:
    """A name that an author wrote.

    Args:
        package (str): The package.
        path (str): The file in it.
        text (str): The whole file.
        offset (int): Where the name starts, in code points.
        owner (str): The module before its dot, ``mlx.nn``.
        name (str): The name.
    """

    package: str
    path: str
    text: str
    offset: int
    owner: str
    name: str

    @property
    def line(self) -> str:
        """What stands on its line before it."""
        return self.text[self.text.rfind("\n", 0, self.offset) + 1 : self.offset]

    @property
    def untyped(self) -> str:
        """The text as it was before anything was typed on the line."""
        return self.unfinished[: self.offset - len(self.line)] + self.unfinished[self.offset :]

    @property
    def unfinished(self) -> str:
        """The text as it was when the dot had been typed: the rest of the line is not there yet."""
        end = self.text.find("\n", self.offset)
        return self.text[: self.offset] + (self.text[end:] if end >= 0 else "")


def choose(count: int, seed: int, folder: Path, members: Members) -> list[Written]:
    """Return names of the held-out packages, drawn evenly from all of them together; fetches what is not there."""
    found: list[Written] = []
    fetch(folder, HELD_OUT)
    for name in HELD_OUT:
        package = find(name, folder)
        assert package is not None, f"{name} could not be fetched"
        for path, text in package.texts(r"^(?!.*(^|/)tests?/).*\.py$"):
            found += _names(name, path, text.replace("\r\n", "\n"), members)
    return random.Random(seed).sample(found, min(count, len(found)))


def _names(package: str, path: str, text: str, members: Members) -> Iterator[Written]:
    aliases = dict(module_aliases(text))
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and (owner := _module(node.value, aliases)) in members.of:
            assert node.end_lineno is not None and node.end_col_offset is not None
            line = lines[node.end_lineno - 1]
            end = len(line.encode()[: node.end_col_offset].decode())
            if node.attr in members.of[owner]:
                yield Written(package, path, text, starts[node.end_lineno - 1] + end - len(node.attr), owner, node.attr)


def _module(node: ast.expr, aliases: dict[str, str]) -> str:
    """Return the module that an expression means, as far as imports tell, or an empty string."""
    if isinstance(node, ast.Name):
        return aliases.get(node.id, "")
    owner = _module(node.value, aliases) if isinstance(node, ast.Attribute) else ""
    return f"{owner}.{node.attr}" if owner and isinstance(node, ast.Attribute) else ""
