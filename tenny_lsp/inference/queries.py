"""Answer questions about offsets in one file: what a cursor stands on, what may follow a dot, which call it is in.

Offsets are in code points. For example, in ``import mlx.core as mx; x = mx.zeros(3); x.``::

    queries = Queries(Buffer(text), index)
    queries.target_at(text.index("zeros"))        # NamedEntry(entry of mlx.core.zeros, …)
    queries.call_at(text.index("3"))              # CallContext(entry of mlx.core.zeros, position=0, …)
    owner = queries.owner_at(len(text))           # Instance(of=Api(entry of mlx.core.array))
    [member.name for member in queries.members_of(owner)]   # "abs", "all", "any", …
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tenny_lsp.inference.cursor import CursorTarget, called_entry, is_partial_call, target_at
from tenny_lsp.inference.engine import Engine
from tenny_lsp.inference.files import Files
from tenny_lsp.inference.meaning import NEVER, Api, Instance, LocalClass, Meaning
from tenny_lsp.inference.members import bases, names_in
from tenny_lsp.inference.reasons import Reason, reason_of
from tenny_lsp.inference.shapes.places import ShapeQueries
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.syntax import field, text_of


@dataclass(frozen=True, slots=True)
class Member:
    """What may stand after a dot: a name, and its entry if it is the API's."""

    name: str
    entry: ApiEntry | None = None


@dataclass(frozen=True, slots=True)
class CallContext:
    """The call that a cursor stands in.

    Args:
        entry (ApiEntry): What is called: a function, a method, a class, or an instance's ``__call__``.
        position (int): How many arguments stand before the cursor's.
        positional (int): How many of them without a keyword.
        keyword (str): The keyword the cursor's argument is given by, or an empty string.
        keywords (tuple[str, ...]): The keywords of the other arguments.
        start (int): Where the arguments start, after the parenthesis.
    """

    entry: ApiEntry
    position: int
    positional: int
    keyword: str
    keywords: tuple[str, ...]
    start: int


class Queries:
    """Answers questions about one file as it is now; what is not certain is answered by None.

    Args:
        buffer (Buffer): The text.
        index (ApiIndex): The API it uses.
        files (Files, optional): Reads other files that names lead to. Default: such names are unknown.
        path (Path, optional): Where the buffer lies.
    """

    def __init__(self, buffer: Buffer, index: ApiIndex, files: Files | None = None, path: Path | None = None) -> None:
        self.buffer = buffer
        self.index = index
        self._files = files
        self._path = path
        #: The evaluator of the file, for whoever walks its whole tree.
        self.evaluator = self._engine_of(buffer)
        #: Answers questions about the shapes of arrays.
        self.shapes = ShapeQueries(self.evaluator)

    def target_at(self, offset: int) -> CursorTarget | None:
        """Return what an offset stands on; None when that is nothing of the API's or not certain."""
        return target_at(self.evaluator, offset)

    def reason_at(self, offset: int) -> Reason | None:
        """Return why the name at an offset is an array, where a parameter without an annotation tells it."""
        name = self.buffer.identifier_at(offset)
        return reason_of(self.evaluator, name) if name is not None else None

    def owner_at(self, offset: int) -> Meaning | None:
        """Return the value before the dot of the name at an offset; the name may not have been written yet."""
        finished = self.buffer.finished(offset)
        evaluator = self._engine_of(finished)
        node = finished.identifier_at(offset)
        if node is None or node.parent is None or node.parent.type != "attribute":
            return None
        owner = field(node.parent, "object")
        meaning = evaluator.value(evaluator.meaning(owner)) if owner is not None and owner != node else None
        return meaning if meaning != NEVER else None

    def call_at(self, offset: int) -> CallContext | None:
        """Return the innermost call, finished or not, that an offset lies in; None when it is not of the API's."""
        finished = self.buffer.finished(offset)
        call = finished.call_around(offset)
        listed = field(call, "arguments")
        if call is None or listed is None:
            return None
        evaluator = self._engine_of(finished)
        entry = called_entry(evaluator, call)
        place = finished.byte_offset(offset)
        keywords = [child for child in listed.named_children if child.type == "keyword_argument"]
        here = next((child for child in keywords if child.start_byte <= place <= child.end_byte), None)
        others = [child for child in keywords if child != here]
        position = sum(child.type == "," and child.end_byte <= place for child in listed.children)
        is_partial = is_partial_call(evaluator, call)
        if entry is None or (is_partial and not position):
            return None
        keyword = field(here, "name")
        return CallContext(
            entry=entry,
            position=position - is_partial,
            positional=position - is_partial - sum(child.end_byte < place for child in others),
            keyword=text_of(keyword) if keyword is not None and keyword.end_byte < place else "",
            keywords=tuple(text_of(field(child, "name") or child) for child in others),
            start=finished.offset_of(listed.start_byte + 1),
        )

    def members_of(self, meaning: Meaning | None) -> Iterator[Member]:
        """Yield what may stand after the dot of a value, each name once, a class's own before what it inherits."""
        seen: set[str] = set()
        for found in self._members(meaning):
            if found.name not in seen:
                seen.add(found.name)
                yield found

    def _members(self, meaning: Meaning | None) -> Iterator[Member]:
        owner = meaning.of if isinstance(meaning, Instance) else meaning
        if isinstance(owner, LocalClass):
            yield from (Member(name) for name in names_in(owner))
            for base in bases(owner):
                if isinstance(base, Api | LocalClass):
                    yield from self._members(Instance(base) if isinstance(meaning, Instance) else base)
        elif isinstance(owner, Api) and owner.entry.kind in ("module", "class"):
            source = self.evaluator.source_of(owner.entry) if isinstance(meaning, Instance) else None
            if source is not None:
                yield from (Member(name) for name in source.home.buffer.attributes_in(source.node))
            yield from (Member(name, entry) for name, entry in self.index.members(owner.entry))

    def _engine_of(self, buffer: Buffer) -> Engine:
        return Engine(buffer, self.index, self._files, self._path)
