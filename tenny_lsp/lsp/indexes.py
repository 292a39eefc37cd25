"""Keep the index of each interpreter in the workspace; each of its folders may have one of its own."""

import asyncio
import gc
from collections.abc import Callable, Mapping
from urllib.parse import unquote, urlsplit

from tenny_lsp import locations
from tenny_lsp.mlx_api.index import ApiIndex, load_mlx_index


class Indexes:
    """Reads the index of each interpreter once.

    Args:
        on_change (Callable[[], None]): Called when another index is wanted, and when it has been read.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._python = ""
        self._of_folders: dict[str, str] = {}
        self._reading: dict[str, asyncio.Task[ApiIndex]] = {}

    @property
    def python(self) -> str:
        """The interpreter of documents whose folder names none; empty: the server's."""
        return self._python

    def configure(self, python: str) -> None:
        """Set the interpreter of documents whose folder names none."""
        if python != self._python:
            self._python = python
            self._on_change()

    def follow(self, of_folders: Mapping[str, str]) -> bool:
        """Take over the interpreters of folders, by their URIs; return whether any has changed."""
        before = self._of_folders
        self._of_folders = {_path(uri): python for uri, python in of_folders.items()}
        return self._of_folders != before

    @property
    def read(self) -> ApiIndex | None:
        """The index of ``python``; None as long as it has not been read."""
        task = self._reading.get(self._python)
        return task.result() if task is not None and task.done() and not task.cancelled() else None

    async def of(self, uri: str = "") -> ApiIndex:
        """Return the index of a document's interpreter, read at the first call."""
        python = self._interpreter(_path(uri))
        if python not in self._reading:
            self._reading[python] = asyncio.create_task(asyncio.to_thread(_read, python))
            self._reading[python].add_done_callback(lambda _: self._on_change())
        # Shielded: a hover that is cancelled must not cancel the index that others wait for.
        return await asyncio.shield(self._reading[python])

    def _interpreter(self, path: str) -> str:
        inside = [folder for folder in self._of_folders if path == folder or path.startswith(f"{folder}/")]
        return self._of_folders[max(inside, key=len)] if inside else self._python


def _path(uri: str) -> str:
    """Return where a document lies; a cell where its notebook does."""
    return unquote(urlsplit(uri).path).rstrip("/")


def _read(python: str) -> ApiIndex:
    """Return MLX's index, kept out of the garbage collector's way."""
    index = load_mlx_index(locations.expanded(python) if python else None)
    gc.freeze()  # index and protocol types live as long as the server; walking them stalls a hover by 40 ms
    return index
