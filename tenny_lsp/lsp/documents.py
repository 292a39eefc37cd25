"""The open documents as features see them: files, and notebooks as one text, parsed again only where they change."""

import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from lsprotocol import types as lsp
from pygls.workspace import TextDocument, Workspace

from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.inference.files import Files
from tenny_lsp.inference.queries import Queries
from tenny_lsp.lsp.positions import position_at
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.notebook import Notebook

#: The longest file that is read without being open in the editor.
_LONGEST_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class View:
    """A document at one moment: its text, or the text of the whole notebook that it is a cell of.

    Args:
        uri (str): The document, or the notebook.
        buffer (Buffer): The text.
        documents (tuple[TextDocument, ...]): The document, or the notebook's code cells.
        cell (int): Which of them was asked for.
        notebook (Notebook, optional): The notebook, if it is one.
    """

    uri: str
    buffer: Buffer
    documents: tuple[TextDocument, ...]
    cell: int = 0
    notebook: Notebook | None = None

    def offset(self, position: lsp.Position) -> int:
        """Return the offset in the buffer, in code points, of a position in the document."""
        offset = self.documents[self.cell].offset_at_position(position)
        return self.notebook.offset_in(self.cell, offset) if self.notebook is not None else offset

    def range(self, start: int, end: int) -> lsp.Range:
        """Return the range, in the document that it lies in, of a part of the buffer."""
        document, first = self.located(start)
        return lsp.Range(position_at(document, first), position_at(document, first + end - start))

    def alone(self) -> "View":
        """Return the view of the document by itself: of a cell without its notebook."""
        if self.notebook is None:
            return self
        document = self.documents[self.cell]
        return View(document.uri, Buffer(document.source), (document,))

    def located(self, offset: int) -> tuple[TextDocument, int]:
        """Return the document that an offset in the buffer lies in, and the offset in that document."""
        if self.notebook is None:
            return self.documents[self.cell], offset
        cell, place = self.notebook.place_of(offset)
        return self.documents[cell], place


class Documents:
    """Keeps the buffers and queries of the open documents.

    Args:
        workspace (Callable[[], Workspace]): Returns the editor's workspace.
    """

    def __init__(self, workspace: Callable[[], Workspace]) -> None:
        self._workspace = workspace
        self._buffers: dict[str, Buffer] = {}
        self._queries: dict[str, Queries] = {}
        self._files: Files | None = None

    def view(self, uri: str) -> View:
        """Return the view of a document as it is now.

        Raises:
            OSError, ValueError: It was never opened, and no readable file lies there either.
        """
        workspace = self._workspace()
        document = workspace.get_text_document(uri)
        if unquote(uri) not in workspace.text_documents:
            check_readable(path_of(uri))
        notebook = workspace.get_notebook_document(cell_uri=uri)
        if notebook is None:
            return View(uri, self._buffer(uri, document.source), (document,))
        opened = workspace.text_documents
        documents = tuple(opened[key] for cell in notebook.cells if (key := unquote(cell.document)) in opened)
        joined = Notebook([cell.source for cell in documents])
        place = next((place for place, cell in enumerate(documents) if cell is document), None)
        if place is None:  # the cell has been taken out of its notebook
            return View(uri, self._buffer(uri, document.source), (document,))
        return View(notebook.uri, self._buffer(notebook.uri, joined.text), documents, place, joined)

    def queries(self, view: View, index: ApiIndex) -> Queries:
        """Return what answers questions about a document; what has been evaluated before is not evaluated again."""
        kept = self._queries.get(view.uri)
        if kept is None or kept.buffer is not view.buffer or kept.index is not index or not kept.evaluator.is_current():
            kept = self._queries[view.uri] = self.queries_of(view, index, view.buffer)
        return kept

    def evaluator_of(self, view: View, index: ApiIndex, buffer: Buffer) -> Evaluator:
        """Return the evaluator of a text in a document's place: of the document's own, or of one it may have."""
        if buffer is view.buffer:
            return self.queries(view, index).evaluator
        return self.queries_of(view, index, buffer).evaluator

    def queries_of(self, view: View, index: ApiIndex, buffer: Buffer) -> Queries:
        """Return what answers questions about a text that a document may have."""
        if self._files is None:
            workspace = self._workspace()
            uris = [folder.uri for folder in workspace.folders.values()] or [workspace.root_uri or ""]
            self._files = Files(tuple(path for uri in uris if (path := path_of(uri)) is not None))
        return Queries(buffer, index, self._files, path_of(view.uri))

    def forget(self, uri: str) -> None:
        """Drop what is kept of a closed document or notebook."""
        self._buffers.pop(uri, None)
        self._queries.pop(uri, None)

    def forget_folders(self) -> None:
        """Ask the workspace for its folders again."""
        self._files = None

    def _buffer(self, uri: str, text: str) -> Buffer:
        kept = self._buffers.get(uri)
        if kept is None or kept.text != text:
            kept = self._buffers[uri] = Buffer(text, kept)
        return kept


def check_readable(path: Path | None) -> None:
    """Check that a path, if there is one, leads to a file of a sensible size: a pipe would be waited for.

    Raises:
        OSError, ValueError: It does not.
    """
    if path is not None:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode) or about.st_size > _LONGEST_BYTES:
            raise OSError(f"{path} is no file of code")


def path_of(uri: str) -> Path | None:
    """Return the path of a file, or of the notebook of a cell; None where that is no file."""
    parts = urlsplit(uri)
    return Path(url2pathname(unquote(parts.path))) if parts.scheme == "file" else None
