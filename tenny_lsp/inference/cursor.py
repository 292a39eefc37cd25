"""Find what a cursor stands on: a name of the API, an instance, a keyword argument, a member that is missing."""

from dataclasses import dataclass
from typing import TypeAlias

from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.inference.meaning import Api, External, Instance, LocalClass, Meaning
from tenny_lsp.inference.members import bases, member_entry, names_in
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.source.scope import Name
from tenny_lsp.source.syntax import Node, field, text_of, up_to


@dataclass(frozen=True, slots=True)
class NamedEntry:
    """A name of an entry of the API: the entry, and the part of the text that names it."""

    entry: ApiEntry
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class HeldInstance:
    """A name that holds an instance of a class of the API, and the entry of that class."""

    name: str
    entry: ApiEntry
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class KeywordArgument:
    """The name of a keyword argument, and the entry that is called with it."""

    name: str
    entry: ApiEntry
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class MissingMember:
    """A member that a module or class of the API does not have."""

    name: str
    owner: ApiEntry
    start: int
    end: int


#: What a cursor stands on.
CursorTarget: TypeAlias = NamedEntry | HeldInstance | KeywordArgument | MissingMember


def target_at(evaluator: Evaluator, offset: int) -> CursorTarget | None:
    """Return what an offset in code points stands on; None when that is nothing of the API's or not certain."""
    name = evaluator.buffer.name_at(offset)
    if name is None:
        return _keyword_at(evaluator, offset)
    if name.absolute:
        return _imported(evaluator, name)
    owner = field(name.node.parent, "object")
    if owner is not None and owner != name.node:
        return _member(evaluator, name, evaluator.meaning(owner))
    return _named_value(name, _meaning(evaluator, name.node))


def called_entry(evaluator: Evaluator, call: Node) -> ApiEntry | None:
    """Return the entry whose signatures a call has; of ``partial(f, …)``, that of ``f``."""
    function, listed = field(call, "function"), field(call, "arguments")
    meaning = evaluator.meaning(function) if function is not None else None
    if is_partial_call(evaluator, call) and listed is not None and listed.named_children:
        meaning = evaluator.meaning(listed.named_children[0])
    if isinstance(meaning, Instance):
        entry = member_entry(evaluator, meaning, "__call__")
    else:
        entry = meaning.entry if isinstance(meaning, Api) else None
    return entry if entry is not None and entry.signatures else None


def is_partial_call(evaluator: Evaluator, call: Node) -> bool:
    """Return whether a call is one of ``functools.partial``, which is given a function and that one's arguments."""
    function = field(call, "function")
    return function is not None and evaluator.meaning(function) == External("functools.partial")


def _imported(evaluator: Evaluator, name: Name) -> CursorTarget | None:
    if entry := evaluator.index.resolve(name.dotted):
        return NamedEntry(entry, name.start, name.end)
    path, _, last = name.dotted.rpartition(".")
    owner = evaluator.index.resolve(path)
    return MissingMember(last, owner, name.start, name.end) if owner is not None else None


def _member(evaluator: Evaluator, name: Name, owner: Meaning | None) -> CursorTarget | None:
    """Return the target for a name that follows the dot of a value."""
    last = text_of(name.node)
    if entry := member_entry(evaluator, owner, last):
        return NamedEntry(entry, name.start, name.end)
    meaning = evaluator.meaning(name.node.parent) if name.node.parent is not None else None
    if meaning is None and (api := _api_owner_without(evaluator.value(owner), last)) is not None:
        return MissingMember(last, api, name.start, name.end)
    return _named_value(name, meaning)


def _api_owner_without(meaning: Meaning | None, name: str) -> ApiEntry | None:
    """Return the API module or class in which a member is looked up, if no local class on the way defines that name."""
    cls = meaning.of if isinstance(meaning, Instance) else meaning
    if not isinstance(cls, LocalClass):
        return cls.entry if isinstance(cls, Api) and cls.entry.kind in ("module", "class") else None
    if name in names_in(cls):
        return None
    found = [_api_owner_without(base, name) for base in bases(cls)]
    return found[0] if found and None not in found else None


def _named_value(name: Name, meaning: Meaning | None) -> CursorTarget | None:
    if isinstance(meaning, Api):
        return NamedEntry(meaning.entry, name.start, name.end)
    if isinstance(meaning, Instance) and isinstance(meaning.of, Api):
        return HeldInstance(text_of(name.node), meaning.of.entry, name.start, name.end)
    return None


def _meaning(evaluator: Evaluator, node: Node) -> Meaning | None:
    """Return the meaning of an identifier that does not follow a dot, or that is part of a dotted pattern."""
    if node.parent is None or node.parent.type != "dotted_name":
        return evaluator.meaning(node)
    parts = [part for part in node.parent.named_children if part.start_byte <= node.start_byte]
    meaning = evaluator.meaning(parts[0])  # in a pattern: `case mx.float32:`
    for part in parts[1:]:
        meaning = evaluator.member(meaning, text_of(part))
    return meaning


def _keyword_at(evaluator: Evaluator, offset: int) -> KeywordArgument | None:
    node = evaluator.buffer.identifier_at(offset)
    keyword = node.parent if node is not None else None
    if node is None or keyword is None or keyword.type != "keyword_argument" or field(keyword, "name") != node:
        return None
    call = up_to(keyword, "call", "class_definition")
    entry = called_entry(evaluator, call) if call is not None else None
    start, end = evaluator.buffer.offset_of(node.start_byte), evaluator.buffer.offset_of(node.end_byte)
    return KeywordArgument(text_of(node), entry, start, end) if entry is not None else None
