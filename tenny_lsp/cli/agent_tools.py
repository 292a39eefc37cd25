"""What a coding agent may ask of Tenny: facts of MLX, and what is wrong with code. Nothing is run or written."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenny_lsp.cli.check_files import read_source
from tenny_lsp.cli.check_listing import Lines, ListedPitfall, UncheckedFile, syntax_error
from tenny_lsp.errors import TennyError
from tenny_lsp.features.ask import ask, markdown_of, search_in
from tenny_lsp.features.cards import facts, foreign_card, lacking_card
from tenny_lsp.features.translate import translate
from tenny_lsp.inference.engine import Engine
from tenny_lsp.inference.files import Files
from tenny_lsp.mlx_api.foreign import replacement_for, replacement_for_last_part
from tenny_lsp.mlx_api.identifiers import last_part
from tenny_lsp.mlx_api.naming import customary_name, qualified_name
from tenny_lsp.pitfalls.check import Rules, pitfalls
from tenny_lsp.pitfalls.fixes import fixed
from tenny_lsp.source.buffer import Buffer

if TYPE_CHECKING:
    from tenny_lsp.mlx_api.index import ApiIndex

#: So many entries of one name are shown whole.
_MOST_CARDS = 3
#: So many characters of code are read at once: some five thousand lines.
_MOST_CHARACTERS = 200_000


class AgentTools:
    """Answers a coding agent.

    Args:
        index (ApiIndex): The MLX that the code is for.
        root (Path): The project's folder: no file outside of it is read.
    """

    def __init__(self, index: "ApiIndex", root: Path) -> None:
        self._index, self._root = index, Path(os.path.realpath(root))
        #: The API's own source is read too.
        source = (Path(os.path.realpath(index.folder)),) if index.folder is not None else ()
        self._readable = (self._root, *source)
        self._search = search_in(index)

    def lookup(self, name: str) -> str:
        """Return the card of a name as Markdown: signature, documentation, an example that ran, where it is defined.

        Args:
            name (str): ``mx.softmax``, ``mlx.nn.Linear``, ``softmax``, or another library's, ``torch.cat``.

        Raises:
            TennyError: Nothing has that name.
        """
        index, name = self._index, name.strip().removesuffix("()")
        if not name:
            raise TennyError("The name is empty", "Give one, such as mx.softmax.")
        if (entry := index.resolve(qualified_name(name))) is not None:
            return facts(entry, index)
        owner = index.resolve(qualified_name(name.rpartition(".")[0])) if "." in name else None
        if owner is not None and (card := lacking_card(last_part(name), owner, index)) is not None:
            return card
        if (foreign := replacement_for(name)) is not None:
            return foreign_card(foreign, index)
        if named := index.named(last_part(name)):
            return "\n\n---\n\n".join(facts(entry, index) for entry in named[:_MOST_CARDS])
        if (foreign := replacement_for_last_part(name)) is not None:
            return foreign_card(foreign, index)
        found = (subject.name for subject in self._search.about(last_part(name), 5, {}))
        near = [one for one in found if index.resolve(one) is not None]
        hint = ", ".join(customary_name(one) for one in near)
        raise TennyError(
            f"MLX {index.version} has nothing called {name}",
            f"Near: {hint}." if hint else "`search` answers questions.",
        )

    async def search(self, question: str) -> str:
        """Return the answer to a question about MLX as Markdown, with code that ran and where it stands."""
        answer = await ask(question, self._search, None)
        sources = [f"- {source.name}" + (f" ({source.page})" if source.page else "") for source in answer.sources]
        return markdown_of(answer, self._index) + ("\n\nSources:\n" + "\n".join(sources) if sources else "")

    async def check(self, code: str = "", path: str = "") -> dict[str, Any]:
        """Return what is wrong with code of MLX: each pitfall with its line, what MLX does, and what to write.

        Args:
            code (str): The code.
            path (str): Its file: what is checked where there is no code, and where its imports are looked for.

        Raises:
            TennyError: The file cannot be read, or lies outside of the project.
        """
        text, place = self._read(code, path)
        return {"pitfalls": [_described(one) for one in await asyncio.to_thread(self._listed, text, place)]}

    async def fix(self, code: str = "", path: str = "") -> dict[str, Any]:
        """Return code with every pitfall put right that is safe to, and what is left; no file is written.

        Args:
            code (str): The code.
            path (str): Its file: what is read where there is no code, and where its imports are looked for.

        Raises:
            TennyError: The file cannot be read, or lies outside of the project.
        """
        text, place = self._read(code, path)
        return await asyncio.to_thread(self._fixed, text, place)

    def translate(self, code: str) -> dict[str, Any]:
        """Return code of PyTorch, NumPy or JAX in MLX's words, and what differs."""
        if len(code) > _MOST_CHARACTERS:
            raise TennyError(f"The code has {len(code):,} characters", f"Give {_MOST_CHARACTERS:,} at most.")
        found = translate(code, self._index)
        return {"code": found.code, "notes": list(found.notes)}

    def _read(self, code: str, path: str) -> tuple[str, Path]:
        if "\0" in path:
            raise TennyError("The path holds a NUL", "Give a Python file.")
        place = Path(os.path.realpath(self._root / path)) if path else self._root / "untitled.py"
        if not place.is_relative_to(self._root):
            raise TennyError(f"{path} lies outside of {self._root}", "Start the server in the project's folder.")
        if not code:
            if os.path.exists(place) and not os.path.isfile(place):  # noqa: PTH110, PTH113 - a pipe would be waited for
                raise TennyError(f"{path} is no regular file", "Give a Python file.")
            source = read_source(place, is_named=True) if path else None
            if source is None:
                raise TennyError("There is neither code nor a path", "Give one of them.")
            if isinstance(source, UncheckedFile):
                raise TennyError(f"{path} {source.reason}", "Give a Python file.")
            code = source.text
        if len(code) > _MOST_CHARACTERS:
            raise TennyError(f"The code has {len(code):,} characters", f"Give {_MOST_CHARACTERS:,} at most.")
        return code, place

    def _listed(self, text: str, place: Path) -> list[ListedPitfall]:
        lines = Lines(text)
        if (error := syntax_error(text)) is not None:
            return [ListedPitfall(place, lines, error)]
        found = pitfalls(self._engine(Buffer(text), place), Rules())
        return [ListedPitfall(place, lines, one) for one in found]

    def _fixed(self, text: str, place: Path) -> dict[str, Any]:
        if syntax_error(text) is None:
            text = fixed(Buffer(text), Rules(), lambda buffer: self._engine(buffer, place))
        return {"code": text, "left": [_described(one) for one in self._listed(text, place)]}

    def _engine(self, buffer: Buffer, place: Path) -> Engine:
        return Engine(buffer, self._index, Files((self._root,), self._readable), place)


def _described(listed: ListedPitfall) -> dict[str, Any]:
    """Return a pitfall as JSON values."""
    pitfall = listed.pitfall
    return {
        "line": listed.start[0],
        "column": listed.start[1],
        "code": pitfall.code,
        "severity": pitfall.severity,
        "message": pitfall.message,
        "fix": next((fix.title for fix in pitfall.fixes), None),
        "is_safe_to_fix": listed.is_safe_to_fix,
        "documentation": pitfall.link or None,
    }
