"""Evaluate collections: what is put into them after they are made, and what comes out of them."""

import re
from collections.abc import Iterator

from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.inference.meaning import NEVER, NONE, Api, Group, Instance, Meaning, Plain, Table, join
from tenny_lsp.source.syntax import Node, field, text_of

#: What follows the name of a collection where the text mutates it.
MUTATES = rb"\s*(?:\.(?:append|insert|extend|update|setdefault)\(|\[|\+=)"
#: Method → the position of the argument that it adds, and whether it adds that argument's items instead.
_METHODS = {"append": (0, False), "insert": (1, False), "extend": (0, True), "update": (0, True)}


def with_additions(evaluator: Evaluator, made: Meaning | None, name: str, scope: Node) -> Meaning | None:
    """Return the meaning of a list or dictionary, joined with all that is added to it after it is created.

    Args:
        evaluator (Evaluator): Evaluates the file.
        made (Meaning, optional): What it is created as; all but a list or dictionary is returned unchanged.
        name (str): Its name, ``xs`` or ``self.xs``.
        scope (Node): The part of the text where it may be mutated.
    """
    if not isinstance(made, Table) and not (isinstance(made, Group) and made.kind == "list"):
        return made
    added = list(_additions(evaluator, name, scope))
    if not added:
        return made
    if isinstance(made, Table):
        return Table(join([*_unless_empty(made, made.value), *added]))
    return Group("list", join([*_unless_empty(made, made.each), *added]))


def _unless_empty(made: Group | Table, value: Meaning | None) -> list[Meaning | None]:
    is_empty = made.is_empty if isinstance(made, Table) else made.items == ()
    return [] if is_empty else [value]


def _additions(evaluator: Evaluator, name: str, scope: Node) -> Iterator[Meaning | None]:
    text = scope.text or b""
    pattern = rb"\b%s(?=%s)" % (re.escape(name.encode()), MUTATES)
    for found in re.finditer(pattern, text):
        place = scope.start_byte + found.end() - 1
        node = scope.descendant_for_byte_range(place, place)
        if node is not None and node.parent is not None and node.parent.end_byte == place + 1:
            node = node.parent  # the whole of self.xs
        if node is not None and node.parent is not None and text_of(node) == name:
            yield from _added_by(evaluator, node, node.parent)


def _added_by(evaluator: Evaluator, node: Node, outer: Node) -> Iterator[Meaning | None]:
    """Yield what the statement around a collection's name adds to it, if it mutates it."""
    if outer.type == "augmented_assignment" and field(outer, "left") == node:
        right = field(outer, "right")
        yield element_of(evaluator, evaluator.meaning(right)) if right is not None else None
    elif outer.type == "subscript" and outer.parent is not None and field(outer.parent, "left") == outer:
        right = field(outer.parent, "right")
        if outer.parent.type == "assignment" and right is not None:
            key = field(outer, "subscript")
            is_slice = key is not None and key.type == "slice"
            yield element_of(evaluator, evaluator.meaning(right)) if is_slice else evaluator.meaning(right)
    elif outer.type == "attribute" and outer.parent is not None and field(outer.parent, "function") == outer:
        method, listed = field(outer, "attribute"), field(outer.parent, "arguments")
        position, is_collection = _METHODS.get(text_of(method) if method is not None else "", (9, False))
        arguments = listed.named_children if listed is not None else []
        known = evaluator.meaning(arguments[position]) if position < len(arguments) else None
        if is_collection:
            known = known.value if isinstance(known, Table) else element_of(evaluator, known)
        yield known if known != NONE else None


def unpacked(evaluator: Evaluator, meaning: Meaning | None, steps: tuple[int | str, ...]) -> Meaning | None:
    """Return what a target is bound to when a value is unpacked, iterated over or entered (see ``Binding.steps``)."""
    for step in steps:
        if step == "enter":
            meaning = _context_value(meaning)
        elif step == "*":
            meaning = Group("list", element_of(evaluator, meaning))
        elif isinstance(step, int):
            meaning = item_at(evaluator, meaning, step)
        else:
            meaning = element_of(evaluator, meaning)
    return meaning


def element_of(evaluator: Evaluator, meaning: Meaning | None) -> Meaning | None:
    """Return the meaning of the items that a loop over a value yields."""
    if isinstance(meaning, Group):
        return meaning.each if meaning.items is None else join(meaning.items) if meaning.items else None
    if evaluator.is_array(meaning) or meaning == NEVER:
        return meaning
    if isinstance(meaning, Table) or meaning == Plain("str"):
        return Plain("str") if not isinstance(meaning, Table) else None
    return None


def item_at(evaluator: Evaluator, meaning: Meaning | None, position: int) -> Meaning | None:
    """Return the meaning of the item at a constant index; negative ones count from the end."""
    if isinstance(meaning, Group) and meaning.items is not None:
        return meaning.items[position] if -len(meaning.items) <= position < len(meaning.items) else None
    if isinstance(meaning, Table):
        return meaning.value
    return element_of(evaluator, meaning)


def _context_value(meaning: Meaning | None) -> Meaning | None:
    """Return what ``with … as`` binds; only MLX's own context managers are known."""
    if isinstance(meaning, Instance) and isinstance(meaning.of, Api):
        return meaning if meaning.of.entry.name == "mlx.core.FunctionExporter" else None
    return None
