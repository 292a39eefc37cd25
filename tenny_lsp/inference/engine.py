"""The evaluator of one file: implements the protocol with the functions of this package, and memoises."""

from collections.abc import Callable, Hashable, Iterable
from pathlib import Path

from tenny_lsp.inference import calls, expressions, members, names
from tenny_lsp.inference.files import Files
from tenny_lsp.inference.meaning import Api, Arguments, External, LocalClass, LocalModule, Meaning, is_of
from tenny_lsp.inference.memo import Memo
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.syntax import Node


class Engine:
    """Evaluates the expressions of one file; see ``evaluator.Evaluator`` for what its methods return.

    Args:
        buffer (Buffer): The file's text.
        index (ApiIndex): The API it may use.
        files (Files, optional): Reads the files that its names lead to. Default: none is read.
        path (Path, optional): Where the file lies.
        hops (int): How many files may be gone through to what a name means.
    """

    def __init__(
        self, buffer: Buffer, index: ApiIndex, files: Files | None = None, path: Path | None = None, hops: int = 2
    ) -> None:
        self.buffer = buffer
        self.index = index
        self.files = files
        self._path = path
        self._hops = hops
        #: The imports of the file that led to no file.
        self.missing: set[str] = set()
        self._others: dict[Path, Engine] = {}
        self._memo = Memo()
        self._read: dict[int, Meaning | None] = {}

    def meaning(self, node: Node) -> Meaning | None:
        """Return what an expression means."""
        if node.id in self._read:
            return self._read[node.id]
        provisional = self._memo.provisional
        try:
            found = expressions.meaning(self, node) if self._memo.enter() else None
        finally:
            self._memo.leave()
        if self._memo.provisional == provisional:
            self._read[node.id] = found
        return found

    def memoised(self, key: Hashable, compute: Callable[[], Meaning | None]) -> Meaning | None:
        """Return what is computed for a key of this file, once; in a circle, what agrees with itself, or None."""
        return self._memo.memoised((id(self), key), compute)

    def imported(self, target: str) -> Meaning | None:
        """Return what an import of a module path, or of a name in a module, stands for."""
        if entry := self.index.resolve(target) if not target.startswith(".") else None:
            return Api(entry)
        found = self._found(target)
        if found is None:
            self.missing.add(target)
            return External(target) if target.partition(".")[0] not in ("", self.index.package) else None
        home = self._other(found[0], self._hops - 1)
        meaning: Meaning | None = LocalModule(home) if home is not None else None
        for part in found[1]:
            meaning = self.member(meaning, part)
        return meaning

    def finds_any(self, targets: Iterable[str]) -> bool:
        """Return whether one of these imports leads to a file."""
        return any(self._found(target) is not None for target in targets)

    def _found(self, target: str) -> tuple[Path, list[str]] | None:
        return self.files.find(target, self._path) if self.files and self._path and self._hops else None

    def exported(self, name: str) -> Meaning | None:
        """Return what a name of the module means at its end."""
        return names.named_at_end(self, name)

    def source_of(self, entry: ApiEntry) -> LocalClass | None:
        """Return a class of the API as its own source defines it; None where that is not Python or cannot be read."""
        folder = self.index.folder
        if self.files is None or folder is None or entry.kind != "class" or not entry.path.endswith(".py"):
            return None
        home = self._other(folder / entry.path, 0)
        return home.class_at(entry.short_name) if home is not None else None

    def class_at(self, name: str) -> LocalClass | None:
        """Return the class of that name that the file defines at its top."""
        for binding in self.buffer.bindings_in(self.buffer.root).get(name, ()):
            if binding.definition is not None and binding.definition.type == "class_definition":
                return LocalClass(self, binding.definition)
        return None

    def is_current(self) -> bool:
        """Return whether no other file has changed that has been read so far."""
        return self.files is None or self.files.are_as(self.others)

    @property
    def others(self) -> dict[Path, Buffer]:
        """The other files that have been read so far."""
        return {path: other.buffer for path, other in self._others.items()}

    def _other(self, path: Path, hops: int) -> "Engine | None":
        """Return the reader of another file."""
        buffer = self.files.buffer(path) if self.files is not None and path not in self._others else None
        if buffer is not None:
            self._others[path] = Engine(buffer, self.index, self.files, path, hops)
            self._others[path]._others, self._others[path]._memo = self._others, self._memo
        return self._others.get(path)

    def named(self, name: str, place: Node) -> Meaning | None:
        """Return the meaning of a name at a place in the file."""
        return names.named(self, name, place)

    def member(self, owner: Meaning | None, name: str) -> Meaning | None:
        """Return what a member of a value is."""
        return members.member(self, owner, name)

    def called(self, meaning: Meaning | None, arguments: Arguments | None = None) -> Meaning | None:
        """Return what calling a value returns."""
        return calls.called(self, meaning, arguments or Arguments())

    def value(self, meaning: Meaning | None) -> Meaning | None:
        """Return a value in place of the API's name for it: a ``float`` for ``mx.pi``."""
        return members.value_of(self, meaning)

    def is_array(self, meaning: Meaning | None) -> bool:
        """Return whether a value is sure to be an ``mx.array``."""
        return is_of(meaning, "mlx.core.array")
