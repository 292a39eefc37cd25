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
        files (Files, optional): Reads the files that its imports lead to. Default: none is read.
        path (Path, optional): Where the file lies.
        hops (int): How many imports may be followed from file to file.
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
        self._meanings: dict[int, Meaning | None] = {}

    def meaning(self, node: Node) -> Meaning | None:
        """Return the meaning of an expression."""
        if node.id in self._meanings:
            return self._meanings[node.id]
        provisional = self._memo.provisional
        try:
            found = expressions.meaning(self, node) if self._memo.enter() else None
        finally:
            self._memo.leave()
        if self._memo.provisional == provisional:
            self._meanings[node.id] = found
        return found

    def memoised(self, key: Hashable, compute: Callable[[], Meaning | None]) -> Meaning | None:
        """Return what ``compute`` returns, computed once for each key of this file."""
        return self._memo.memoised((id(self), key), compute)

    def imported(self, target: str) -> Meaning | None:
        """Return the meaning of an import of a module path, or of a name in a module."""
        if entry := self.index.resolve(target) if not target.startswith(".") else None:
            return Api(entry)
        found = self._find(target)
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
        return any(self._find(target) is not None for target in targets)

    def _find(self, target: str) -> tuple[Path, list[str]] | None:
        return self.files.find(target, self._path) if self.files and self._path and self._hops else None

    def exported(self, name: str) -> Meaning | None:
        """Return the meaning of a name of the module after all of its statements have run."""
        return names.exported(self, name)

    def source_of(self, entry: ApiEntry) -> LocalClass | None:
        """Return a class of the API as its own source defines it; None where that is not Python or cannot be read."""
        home = self.installed(Path(entry.path)) if entry.kind == "class" and entry.path.endswith(".py") else None
        return home.class_at(entry.short_name) if home is not None else None

    def installed(self, path: Path) -> "Engine | None":
        """Return the evaluator of a file installed beside the API, given relative to the folder of both, or None."""
        folder = self.index.folder
        return self._other(folder / path, 0) if self.files is not None and folder is not None else None

    def class_at(self, name: str) -> LocalClass | None:
        """Return the class that the file defines under a name at module level."""
        for binding in self.buffer.bindings_in(self.buffer.root).get(name, ()):
            if binding.definition is not None and binding.definition.type == "class_definition":
                return LocalClass(self, binding.definition)
        return None

    def is_current(self) -> bool:
        """Return whether every other file that has been read so far is unchanged."""
        return self.files is None or self.files.are_unchanged(self.others)

    @property
    def others(self) -> dict[Path, Buffer]:
        """The other files that have been read so far."""
        return {path: other.buffer for path, other in self._others.items()}

    def _other(self, path: Path, hops: int) -> "Engine | None":
        """Return the engine of another file, which shares this one's memo and files; None when it cannot be read."""
        buffer = self.files.buffer(path) if self.files is not None and path not in self._others else None
        if buffer is not None:
            self._others[path] = Engine(buffer, self.index, self.files, path, hops)
            self._others[path]._others, self._others[path]._memo = self._others, self._memo
        return self._others.get(path)

    def meaning_of_name(self, name: str, place: Node) -> Meaning | None:
        """Return the meaning of a name at a place in the file."""
        return names.meaning_of_name(self, name, place)

    def member(self, owner: Meaning | None, name: str) -> Meaning | None:
        """Return the meaning of a member of a value."""
        return members.member(self, owner, name)

    def call_result(self, meaning: Meaning | None, arguments: Arguments | None = None) -> Meaning | None:
        """Return the meaning of the result of calling a value."""
        return calls.call_result(self, meaning, arguments or Arguments())

    def value(self, meaning: Meaning | None) -> Meaning | None:
        """Return the value that a constant of the API has; other meanings as they are."""
        return members.value_of(self, meaning)

    def is_array(self, meaning: Meaning | None) -> bool:
        """Return whether a value is certain to be an ``mx.array``."""
        return is_of(meaning, "mlx.core.array")
