"""The statements at the top of a file, and which of them an edit invalidates.

A statement can use another only by a name. So what is found in a definition stays true unless its own text changes or
a name in it means something else. The external interface of each changed definition is compared with the one it had;
where they differ, the statements that use its name are checked again and, in turn, those that use a name these define.
"""

import keyword
import re
from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.inference.interface import MUTATED_NAME, edited_methods, interface_of, parameters_of
from tenny_lsp.inference.shapes.engine import go_on
from tenny_lsp.pitfalls.rule import Pitfall
from tenny_lsp.source.affixes import common_affixes
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.scope import Span
from tenny_lsp.source.syntax import Node, field

_DEFINITIONS = {"function_definition", "class_definition", "decorated_definition"}
_PROSE = {"comment", "string"}
_WORD = re.compile(rb"[A-Za-z_\x80-\xff][\w\x80-\xff]*")
_KEYWORDS = frozenset(word.encode() for word in keyword.kwlist)


@dataclass(frozen=True, slots=True)
class PlacedPitfall:
    """A pitfall, and the first and last row of its text, from 0."""

    pitfall: Pitfall
    rows: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement at the top of a file, with what is found in it.

    Args:
        node (Node): The statement.
        text (bytes): Its text.
        words (frozenset[bytes]): The names and other words that stand in it.
        names (frozenset[bytes]): The names of the module that it binds.
        start (int): Where it starts, in code points.
        found (tuple[PlacedPitfall, ...]): Its pitfalls.
        is_reusable (bool): Whether they depend on nothing but its text and the meanings of its names.
    """

    node: Node
    text: bytes
    words: frozenset[bytes]
    names: frozenset[bytes]
    start: int
    found: tuple[PlacedPitfall, ...] = ()
    is_reusable: bool = False

    @property
    def is_definition(self) -> bool:
        """Whether it is the definition of a function or a class."""
        return self.node.type in _DEFINITIONS

    def checked(self, found: Iterable[PlacedPitfall], has_searched: bool) -> "Statement":
        """Return it with what is found in it; ``has_searched`` tells whether a rule searched the whole file."""
        found = tuple(found)
        end = self.start + len(self.text.decode("utf-8", "surrogatepass"))
        places = [(one.pitfall.start, one.pitfall.end) for one in found]
        places += [(edit.start, edit.end) for one in found for fix in one.pitfall.fixes for edit in fix.edits]
        is_inside = all(self.start <= start and stop <= end for start, stop in places)
        return replace(self, found=found, is_reusable=is_inside and self.is_definition and not has_searched)

    def reused(self, before: "Statement") -> "Statement":
        """Return it with what was found in the same statement before an edit, which may have moved it."""
        by, rows = self.start - before.start, self.node.start_point[0] - before.node.start_point[0]
        found = before.found if by == rows == 0 else tuple(_moved(one, by, rows) for one in before.found)
        return replace(self, found=found, is_reusable=before.is_reusable)


@dataclass(frozen=True, slots=True)
class Versions:
    """A file before and after an edit.

    Args:
        before (Evaluator): The evaluator of the file as it was.
        after (Evaluator): The evaluator of the file as it is.
        pause (Callable[[], None]): Called between two comparisons; it may hold them up.
    """

    before: Evaluator
    after: Evaluator
    pause: Callable[[], None] = go_on

    @property
    def buffers(self) -> tuple[Buffer, Buffer]:
        """The text as it was, and as it is."""
        return self.before.buffer, self.after.buffer


def statements_of(buffer: Buffer, before: Sequence[Statement] = ()) -> list[Statement]:
    """Return the statements of a file, in order, not yet checked; ``before`` are those it had before an edit."""
    nodes = buffer.root.children
    starts = [node.start_byte for node in nodes]
    names: list[set[bytes]] = [set() for _ in nodes]
    for name, bindings in buffer.bindings_in(buffer.root).items():
        for binding in bindings:
            if (place := bisect_right(starts, binding.position) - 1) >= 0:
                names[place] |= set(_WORD.findall(name.encode("utf-8", "surrogatepass")))
    known = {statement.text: statement.words for statement in before}
    statements = []
    for node, own in zip(nodes, names, strict=True):
        text = node.text or b""
        words = known[text] if text in known else frozenset(_WORD.findall(text)) - _KEYWORDS
        statements.append(Statement(node, text, words, frozenset(own), buffer.offset_of(node.start_byte)))
    return statements


def unchanged_ends(before: Sequence[Statement], after: Sequence[Statement]) -> tuple[int, int]:
    """Return how many statements at the start of a file, and how many at its end, are as they were."""
    return common_affixes([_key(statement) for statement in before], [_key(statement) for statement in after])


def changed_names(
    before: Sequence[Statement], after: Sequence[Statement], versions: Versions
) -> frozenset[bytes] | None:
    """Return the names that may mean something else after an edit; None where any name may.

    Args:
        before (Sequence[Statement]): The statements that it has changed.
        after (Sequence[Statement]): What it has made of them.
        versions (Versions): The file as it was, and as it is.
    """
    others = [one for one in (*before, *after) if not one.is_definition and not _is_prose(one.node)]
    if any(b"import" in one.text or one.node.type == "ERROR" for one in others):
        return None
    names = {word for one in others for word in one.words}
    alone = len(before) == len(after) == 1
    edited = edited_methods(_definition(before[0].node), _definition(after[0].node)) if alone else None
    spans = edited or (None, None)
    interfaces = (
        _interfaces(before, versions.before, spans[0], versions.pause),
        _interfaces(after, versions.after, spans[1], versions.pause),
    )
    defined = {
        name
        for name in interfaces[0].keys() | interfaces[1].keys()
        if interfaces[0].get(name) != interfaces[1].get(name)
    }
    bound = defined.union(*(one.names for one in others))
    # A fix writes what is imported, ``partial`` say, into statements that do not have the name.
    if any(not bound.isdisjoint(_imported(buffer)) for buffer in versions.buffers):
        return None
    names |= defined
    variables = {name for buffer in versions.buffers for name in _variables(buffer)}
    names |= {word for one in (*before, *after) for word in MUTATED_NAME.findall(one.text) if word in variables}
    return frozenset(names | called_otherwise((*before, *after), versions))


def invalidated(statements: Sequence[Statement], names: frozenset[bytes], versions: Versions) -> set[int]:
    """Return the places of the statements that an edit invalidates.

    These have one of some names, or a name that such a statement binds, or call a function as they did not before.

    Args:
        statements (Sequence[Statement]): The statements after the edit.
        names (frozenset[bytes]): The names that may mean something else after it.
        versions (Versions): The file as it was, and as it is.
    """
    found, waiting = set[int](), set(range(len(statements)))
    while near := {place for place in waiting if not names.isdisjoint(statements[place].words)}:
        found |= near
        waiting -= near
        called = called_otherwise([statements[place] for place in near], versions)
        names = called.union(*(statements[place].names for place in near))
    return found


def called_otherwise(statements: Iterable[Statement], versions: Versions) -> frozenset[bytes]:
    """Return the functions named in statements whose parameters are inferred to be something else than before."""
    words = frozenset[bytes]().union(*(one.words for one in statements))
    found = set[bytes]()
    for name in {name for buffer in versions.buffers for name in _functions(buffer)} & words:
        versions.pause()
        text = name.decode("utf-8", "surrogatepass")
        if parameters_of(versions.before, text) != parameters_of(versions.after, text):
            found.add(name)
    return frozenset(found)


def _functions(buffer: Buffer) -> Iterator[bytes]:
    """Yield the names of the module's functions."""
    for name, bindings in buffer.bindings_in(buffer.root).items():
        if any(one.definition is not None and one.definition.type == "function_definition" for one in bindings):
            yield name.encode("utf-8", "surrogatepass")


def _variables(buffer: Buffer) -> Iterator[bytes]:
    """Yield the names of the module whose values may be modified in place."""
    for name, bindings in buffer.bindings_in(buffer.root).items():
        if any(binding.definition is None and not binding.is_import for binding in bindings):
            yield name.encode("utf-8", "surrogatepass")


def _imported(buffer: Buffer) -> Iterator[bytes]:
    """Yield the names of the module that its imports bind."""
    for name, bindings in buffer.bindings_in(buffer.root).items():
        if any(binding.is_import for binding in bindings):
            yield name.encode("utf-8", "surrogatepass")


def _definition(node: Node) -> Node:
    """Return the definition under decorators."""
    return field(node, "definition") or node


def _interfaces(
    statements: Sequence[Statement], evaluator: Evaluator, edited: Span | None, pause: Callable[[], None]
) -> dict[bytes, list[Hashable]]:
    """Return the external interfaces of definitions, by the names that they bind."""
    buffer, interfaces = evaluator.buffer, dict[bytes, list[Hashable]]()
    definitions = [one.node for one in statements if one.is_definition]
    for name, bindings in buffer.bindings_in(buffer.root).items():
        for binding in bindings:
            if any(node.start_byte <= binding.position < node.end_byte for node in definitions):
                pause()
                interfaces.setdefault(name.encode("utf-8", "surrogatepass"), []).append(
                    interface_of(evaluator, binding, edited, pause)
                )
    return interfaces


def _is_prose(node: Node) -> bool:
    """Return whether a statement does nothing: a comment, a docstring."""
    inner = node.named_children[0] if node.type == "expression_statement" and node.named_children else node
    return inner.type in _PROSE


def _key(statement: Statement) -> Hashable:
    """Return a key that equal statements have in common; a broken statement equals no other."""
    return statement.node.type, statement.text, id(statement) if statement.node.has_error else 0


def _moved(found: PlacedPitfall, by: int, rows: int) -> PlacedPitfall:
    fixes = tuple(replace(fix, edits=tuple(edit.moved(by) for edit in fix.edits)) for fix in found.pitfall.fixes)
    pitfall = replace(found.pitfall, start=found.pitfall.start + by, end=found.pitfall.end + by, fixes=fixes)
    return PlacedPitfall(pitfall, (found.rows[0] + rows, found.rows[1] + rows))
