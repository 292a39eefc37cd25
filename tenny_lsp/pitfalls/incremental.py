"""A file in parts, the statements at its top, so that after an edit only those that it can concern are looked at.

A part uses what another one has by a name only. So what is found in a definition stays true unless its own text
changes, or what a name in it means: what a changed part shows of itself to the others is compared with what it was
before, and where that differs, whoever has its name is looked at again, and whoever has the names of those.
"""

import keyword
import re
from bisect import bisect_right
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.inference.interface import MUTATED_NAME, edited_methods, interface_of
from tenny_lsp.pitfalls.rule import Pitfall
from tenny_lsp.source.affixes import common_affixes
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.scope import Span
from tenny_lsp.source.syntax import Node, field

_DEFINITIONS = {"function_definition", "class_definition", "decorated_definition"}
_SAYS_NOTHING = {"comment", "string"}
_WORD = re.compile(rb"[A-Za-z_\x80-\xff][\w\x80-\xff]*")
_KEYWORDS = frozenset(word.encode() for word in keyword.kwlist)


@dataclass(frozen=True, slots=True)
class PlacedPitfall:
    """A pitfall, and the first and last row of its text, from 0."""

    pitfall: Pitfall
    rows: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Part:
    """A statement at the top of a file, with what is found in it.

    Args:
        node (Node): The statement.
        text (bytes): Its text.
        words (frozenset[bytes]): The names, and other words, that stand in it.
        names (frozenset[bytes]): The names of the module that it binds.
        start (int): Where it starts, in code points.
        found (tuple[Found, ...]): Its pitfalls.
        is_alone (bool): Whether they hang on nothing but itself and what its names mean.
    """

    node: Node
    text: bytes
    words: frozenset[bytes]
    names: frozenset[bytes]
    start: int
    found: tuple[PlacedPitfall, ...] = ()
    is_alone: bool = False

    @property
    def is_definition(self) -> bool:
        """Whether it only defines a function or a class."""
        return self.node.type in _DEFINITIONS

    def looked_at(self, found: Iterable[PlacedPitfall], is_alone: bool) -> "Part":
        """Returns it with what is found in it."""
        found = tuple(found)
        end = self.start + len(self.text.decode("utf-8", "surrogatepass"))
        places = [(one.pitfall.start, one.pitfall.end) for one in found]
        places += [(edit.start, edit.end) for one in found for fix in one.pitfall.fixes for edit in fix.edits]
        is_inside = all(self.start <= start and stop <= end for start, stop in places)
        return replace(self, found=found, is_alone=is_alone and is_inside and self.is_definition)

    def found_as(self, before: "Part") -> "Part":
        """Returns it with what was found in the same text, elsewhere in the file."""
        by, rows = self.start - before.start, self.node.start_point[0] - before.node.start_point[0]
        found = before.found if by == rows == 0 else tuple(_moved(one, by, rows) for one in before.found)
        return replace(self, found=found, is_alone=before.is_alone)


def parts_of(buffer: Buffer, before: Sequence[Part] = ()) -> list[Part]:
    """Returns the parts of a file, in order, nothing found in them yet; ``before`` are those it had."""
    nodes = buffer.root.children
    starts = [node.start_byte for node in nodes]
    names: list[set[bytes]] = [set() for _ in nodes]
    for name, bindings in buffer.bindings_in(buffer.root).items():
        for binding in bindings:
            if (place := bisect_right(starts, binding.position) - 1) >= 0:
                names[place] |= set(_WORD.findall(name.encode("utf-8", "surrogatepass")))
    known = {part.text: part.words for part in before}
    parts = []
    for node, own in zip(nodes, names, strict=True):
        text = node.text or b""
        words = known[text] if text in known else frozenset(_WORD.findall(text)) - _KEYWORDS
        parts.append(Part(node, text, words, frozenset(own), buffer.offset_of(node.start_byte)))
    return parts


def changed(before: Sequence[Part], after: Sequence[Part]) -> tuple[int, int]:
    """Returns how many parts are as they were at the start of a file, and at its end."""
    return common_affixes([_key(part) for part in before], [_key(part) for part in after])


def names_changed(
    before: Sequence[Part], after: Sequence[Part], evaluators: tuple[Evaluator, Evaluator]
) -> frozenset[bytes] | None:
    """Returns the names that mean something else after an edit; None where that may be any.

    Args:
        before (Sequence[Part]): The parts that it has changed.
        after (Sequence[Part]): What it has made of them.
        evaluators (tuple[Evaluator, Evaluator]): Who reads the file as it was, and as it is.
    """
    others = [part for part in (*before, *after) if not part.is_definition and not _is_prose(part.node)]
    if any(b"import" in part.text or part.node.type == "ERROR" for part in others):
        return None
    names = {word for part in others for word in part.words}
    alone = len(before) == len(after) == 1
    edited = edited_methods(_definition(before[0].node), _definition(after[0].node)) if alone else None
    interfaces = [_interfaces(*one) for one in zip((before, after), evaluators, edited or (None, None), strict=True)]
    names |= {
        name
        for name in interfaces[0].keys() | interfaces[1].keys()
        if interfaces[0].get(name) != interfaces[1].get(name)
    }
    variables = {name for evaluator in evaluators for name in _variables(evaluator.buffer)}
    names |= {word for part in (*before, *after) for word in MUTATED_NAME.findall(part.text) if word in variables}
    return frozenset(names)


def concerned(parts: Sequence[Part], names: frozenset[bytes]) -> set[int]:
    """Returns which parts have one of these names, or one that such a part binds."""
    found, waiting = set[int](), set(range(len(parts)))
    while near := {place for place in waiting if not names.isdisjoint(parts[place].words)}:
        found |= near
        waiting -= near
        names = frozenset().union(*(parts[place].names for place in near))
    return found


def _variables(buffer: Buffer) -> Iterator[bytes]:
    """Yields the names of the module that hold what may be changed in place."""
    for name, bindings in buffer.bindings_in(buffer.root).items():
        if any(binding.definition is None and not binding.is_import for binding in bindings):
            yield name.encode("utf-8", "surrogatepass")


def _definition(node: Node) -> Node:
    """Returns the definition under decorators."""
    return field(node, "definition") or node


def _interfaces(parts: Sequence[Part], evaluator: Evaluator, edited: Span | None) -> dict[bytes, list[Hashable]]:
    """Returns what definitions show of themselves, by the names that they bind."""
    buffer, interfaces = evaluator.buffer, dict[bytes, list[Hashable]]()
    definitions = [part for part in parts if part.is_definition]
    for name, bindings in buffer.bindings_in(buffer.root).items():
        for binding in bindings:
            if any(part.node.start_byte <= binding.position < part.node.end_byte for part in definitions):
                interfaces.setdefault(name.encode("utf-8", "surrogatepass"), []).append(
                    interface_of(evaluator, binding, edited)
                )
    return interfaces


def _is_prose(node: Node) -> bool:
    """Tells whether a statement does nothing: a comment, a documentation string."""
    inner = node.named_children[0] if node.type == "expression_statement" and node.named_children else node
    return inner.type in _SAYS_NOTHING


def _key(part: Part) -> Hashable:
    """Returns what two parts that say the same have in common; what is broken is like nothing else."""
    return part.node.type, part.text, id(part) if part.node.has_error else 0


def _moved(found: PlacedPitfall, by: int, rows: int) -> PlacedPitfall:
    fixes = tuple(replace(fix, edits=tuple(edit.moved(by) for edit in fix.edits)) for fix in found.pitfall.fixes)
    pitfall = replace(found.pitfall, start=found.pitfall.start + by, end=found.pitfall.end + by, fixes=fixes)
    return PlacedPitfall(pitfall, (found.rows[0] + rows, found.rows[1] + rows))
