"""What a cursor stands on: an entry of the API, a value of one of its classes, a keyword argument, a lacking member."""

from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.source.findings import Found, Held, Keyword, Lacking, Subject
from tenny_lsp.source.meaning import Api, External, Instance, LocalClass, Meaning
from tenny_lsp.source.members import bases, member_entry, names_in
from tenny_lsp.source.reader import Reader
from tenny_lsp.source.scope import Name
from tenny_lsp.source.syntax import Node, field, text_of, up_to


def subject_at(reader: Reader, offset: int) -> Subject | None:
    """Returns what an offset in code points stands on; None when that is nothing of the API's or not certain."""
    name = reader.buffer.name_at(offset)
    if name is None:
        return _keyword_at(reader, offset)
    if name.absolute:
        return _imported(reader, name)
    owner = field(name.node.parent, "object")
    if owner is not None and owner != name.node:
        return _member(reader, name, reader.meaning(owner))
    return _value(name, _meaning(reader, name.node))


def called_entry(reader: Reader, call: Node) -> ApiEntry | None:
    """Returns the entry whose signatures a call has; of ``partial(f, …)``, that of ``f``."""
    function, listed = field(call, "function"), field(call, "arguments")
    meaning = reader.meaning(function) if function is not None else None
    if is_partial_call(reader, call) and listed is not None and listed.named_children:
        meaning = reader.meaning(listed.named_children[0])
    if isinstance(meaning, Instance):
        entry = member_entry(reader, meaning, "__call__")
    else:
        entry = meaning.entry if isinstance(meaning, Api) else None
    return entry if entry is not None and entry.signatures else None


def is_partial_call(reader: Reader, call: Node) -> bool:
    """Tells whether a call is one of ``functools.partial``, which is given a function and that one's arguments."""
    function = field(call, "function")
    return function is not None and reader.meaning(function) == External("functools.partial")


def _imported(reader: Reader, name: Name) -> Subject | None:
    if entry := reader.index.resolve(name.dotted):
        return Found(entry, name.start, name.end)
    path, _, last = name.dotted.rpartition(".")
    owner = reader.index.resolve(path)
    return Lacking(last, owner, name.start, name.end) if owner is not None else None


def _member(reader: Reader, name: Name, owner: Meaning | None) -> Subject | None:
    """Returns what a name is that stands after a value's dot."""
    last = text_of(name.node)
    if entry := member_entry(reader, owner, last):
        return Found(entry, name.start, name.end)
    meaning = reader.meaning(name.node.parent) if name.node.parent is not None else None
    if meaning is None and (api := _lacks(reader.value(owner), last)) is not None:
        return Lacking(last, api, name.start, name.end)
    return _value(name, meaning)


def _lacks(meaning: Meaning | None, name: str) -> ApiEntry | None:
    """Returns the module or class of the API that a value is, is of, or derives from, if nothing else has that name."""
    cls = meaning.of if isinstance(meaning, Instance) else meaning
    if not isinstance(cls, LocalClass):
        return cls.entry if isinstance(cls, Api) and cls.entry.kind in ("module", "class") else None
    if name in names_in(cls):
        return None
    found = [_lacks(base, name) for base in bases(cls)]
    return found[0] if found and None not in found else None


def _value(name: Name, meaning: Meaning | None) -> Subject | None:
    if isinstance(meaning, Api):
        return Found(meaning.entry, name.start, name.end)
    if isinstance(meaning, Instance) and isinstance(meaning.of, Api):
        return Held(text_of(name.node), meaning.of.entry, name.start, name.end)
    return None


def _meaning(reader: Reader, node: Node) -> Meaning | None:
    """Returns what an identifier means that does not stand after a value's dot."""
    if node.parent is None or node.parent.type != "dotted_name":
        return reader.meaning(node)
    parts = [part for part in node.parent.named_children if part.start_byte <= node.start_byte]
    meaning = reader.meaning(parts[0])  # in a pattern: `case mx.float32:`
    for part in parts[1:]:
        meaning = reader.member(meaning, text_of(part))
    return meaning


def _keyword_at(reader: Reader, offset: int) -> Keyword | None:
    node = reader.buffer.identifier_at(offset)
    keyword = node.parent if node is not None else None
    if node is None or keyword is None or keyword.type != "keyword_argument" or field(keyword, "name") != node:
        return None
    call = up_to(keyword, "call", "class_definition")
    entry = called_entry(reader, call) if call is not None else None
    start, end = reader.buffer.offset_of(node.start_byte), reader.buffer.offset_of(node.end_byte)
    return Keyword(text_of(node), entry, start, end) if entry is not None else None
