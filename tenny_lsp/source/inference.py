"""What the names and expressions of a buffer mean. What is not certain stays unknown.

``Inference(buffer, index)`` answers, for offsets in code points:

- ``entry_at(offset)``: the entry that the name under a cursor means, wherever it comes from: an import, an alias, a
  member of a value (``x.reshape`` where ``x`` is an array).
- ``meaning_at(offset)``: what the expression that ends at an offset is; ``x.|`` asks at the dot, finished or not.
- ``call_at(offset)``: the call whose parentheses the offset lies in, and which argument.
- ``owner_at(offset)``: for completion, what stands before the dot of the name (maybe still empty) at an offset.

A meaning (``source.meaning``) is an ``Api`` entry, an ``Instance`` of an API class or of a class of the file, a
``Group`` (list, tuple), a ``Table`` (dict), a callable, or one of Python's own. ``members_of(meaning)`` lists what may
stand after its dot.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.files import Files
from tenny_lsp.source.meaning import NEVER, Api, Instance, LocalClass, Meaning
from tenny_lsp.source.members import bases, member_entry, names_in
from tenny_lsp.source.reader import Reader
from tenny_lsp.source.syntax import Node, field, text_of


@dataclass(frozen=True, slots=True)
class Found:
    """An entry and the part of the text that names it, in code points."""

    entry: ApiEntry
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Member:
    """What may stand after a dot: a name, and its entry if it is the API's."""

    name: str
    entry: ApiEntry | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A call that a cursor stands in.

    Args:
        entry (ApiEntry): What is called: a function, a method, a class, or an instance's ``__call__``.
        position (int): How many arguments stand before the cursor's.
        keyword (str): The keyword the cursor's argument is given by, or an empty string.
        keywords (tuple[str, ...]): The keywords of the other arguments.
        start (int): Where the arguments start, after the parenthesis, in code points.
    """

    entry: ApiEntry
    position: int
    keyword: str
    keywords: tuple[str, ...]
    start: int


class Inference:
    """What the names and expressions of a buffer mean.

    Args:
        buffer (Buffer): The text.
        index (ApiIndex): The API it uses.
        files (Files, optional): Reads other files that names lead to. Default: such names are unknown.
        path (Path, optional): Where the buffer lies.
    """

    def __init__(self, buffer: Buffer, index: ApiIndex, files: Files | None = None, path: Path | None = None) -> None:
        self._buffer = buffer
        self._index = index
        self._files = files
        self._path = path
        self._reader = self._reader_of(buffer)

    def entry_at(self, offset: int) -> Found | None:
        """Returns the entry named at an offset; None when there is none or it is not certain."""
        name = self._buffer.name_at(offset)
        if name is None:
            return None
        entry = self._index.resolve(name.dotted) if name.absolute else self._named(name.node)
        return Found(entry, name.start, name.end) if entry else None

    def meaning_at(self, offset: int) -> Meaning | None:
        """Returns what the expression is that ends at an offset."""
        node = self._buffer.expression_at(offset)
        meaning = self._reader.meaning(node) if node is not None else None
        return meaning if meaning != NEVER else None

    def owner_at(self, offset: int) -> Meaning | None:
        """Returns what stands before the dot of the name at an offset, which may not have been written yet."""
        finished = self._buffer.finished(offset)
        reader = self._reader_of(finished)
        node = finished.identifier_at(offset)
        if node is None or node.parent is None or node.parent.type != "attribute":
            return None
        owner = field(node.parent, "object")
        meaning = reader.value(reader.meaning(owner)) if owner is not None and owner != node else None
        return meaning if meaning != NEVER else None

    def call_at(self, offset: int) -> Call | None:
        """Returns the innermost call, finished or not, that an offset lies in; None when it is not of the API's."""
        finished = self._buffer.finished(offset)
        call = finished.call_around(offset)
        function, listed = field(call, "function"), field(call, "arguments")
        if function is None or listed is None:
            return None
        reader = self._reader_of(finished)
        entry = _called_entry(reader, reader.meaning(function), function)
        if entry is None:
            return None
        place = finished.byte_offset(offset)
        keywords = [child for child in listed.named_children if child.type == "keyword_argument"]
        here = [child for child in keywords if child.start_byte <= place <= child.end_byte]
        names = [text_of(field(child, "name") or child) for child in keywords if child not in here]
        keyword = field(here[0], "name") if here else None
        return Call(
            entry=entry,
            position=sum(child.type == "," and child.end_byte <= place for child in listed.children),
            keyword=text_of(keyword) if keyword is not None and keyword.end_byte < place else "",
            keywords=tuple(names),
            start=finished.offset_of(listed.start_byte + 1),
        )

    def members_of(self, meaning: Meaning | None) -> Iterator[Member]:
        """Yields what may stand after the dot of a value, each name once, a class's own before what it inherits."""
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
            source = self._reader.source_of(owner.entry) if isinstance(meaning, Instance) else None
            if source is not None:
                yield from (Member(name) for name in source.home.buffer.attributes_in(source.node))
            yield from (Member(name, entry) for name, entry in self._index.members(owner.entry))

    def _reader_of(self, buffer: Buffer) -> Reader:
        return Reader(buffer, self._index, self._files, self._path)

    def _named(self, node: Node) -> ApiEntry | None:
        """Returns the entry that an identifier in an expression means."""
        owner = field(node.parent, "object")
        if owner is not None and owner != node:
            return member_entry(self._reader, self._reader.meaning(owner), text_of(node))
        if node.parent is not None and node.parent.type == "dotted_name":  # in a pattern: `case mx.float32:`
            parts = [part for part in node.parent.named_children if part.start_byte <= node.start_byte]
            meaning = self._reader.meaning(parts[0])
            for part in parts[1:]:
                meaning = self._reader.member(meaning, text_of(part))
        else:
            meaning = self._reader.meaning(node)
        return meaning.entry if isinstance(meaning, Api) else None


def _called_entry(reader: Reader, meaning: Meaning | None, function: Node) -> ApiEntry | None:
    """Returns the entry whose signatures a call of a value has."""
    if isinstance(meaning, Api):
        return meaning.entry if meaning.entry.signatures else None
    if isinstance(meaning, Instance):
        entry = member_entry(reader, meaning, "__call__")
        return entry if entry is not None and entry.signatures else None
    owner, name = field(function, "object"), field(function, "attribute")
    if owner is not None and name is not None:
        return member_entry(reader, reader.meaning(owner), text_of(name))
    return None


def entry_at(buffer: Buffer, offset: int, index: ApiIndex) -> Found | None:
    """Returns the entry named at an offset in code points; None when there is none or it is not certain."""
    return Inference(buffer, index).entry_at(offset)
