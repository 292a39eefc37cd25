"""A definition's external interface: if an edit leaves it unchanged, its users need no re-check."""

import re
from collections.abc import Hashable, Iterator

from tenny_lsp.inference.collections import PUTS_IN
from tenny_lsp.inference.definitions import decorators, returned
from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.inference.meaning import (
    Api,
    Function,
    Group,
    Home,
    Instance,
    LocalClass,
    LocalFunction,
    LocalModule,
    Meaning,
    Table,
)
from tenny_lsp.inference.members import member, names_in
from tenny_lsp.inference.names import meaning_of_binding
from tenny_lsp.source.affixes import common_affixes
from tenny_lsp.source.scope import Binding, Span
from tenny_lsp.source.syntax import SCOPES, Node, field, text_of, up_to

#: What changes a collection that a name, or an attribute, holds.
GROWING = re.compile(rb"\b(\w+)" + PUTS_IN)
_METHODS = ("function_definition", "decorated_definition", "comment")
_HEAD = ("superclasses", "parameters", "return_type")


def interface_of(evaluator: Evaluator, binding: Binding, edited: Span | None = None) -> Hashable:
    """Return what a binding makes of its name, comparable between two readers of a file before and after an edit.

    Of a function that is its head and what it returns; of a class, that of its members.

    Args:
        evaluator (Evaluator): Reads the file.
        binding (Binding): What binds the name.
        edited (Span, optional): The methods of a class that differ; nothing else in it does. Default: all of it may.
    """
    place = [(branch.kind, branch.total, branch.is_left) for branch in binding.branches]
    node = binding.definition
    head = _head(node) if node is not None and node.type != "identifier" else None
    return (
        len(binding.loops),
        tuple(place),
        head,
        _means(evaluator, meaning_of_binding(evaluator, binding)),
        *_inside(evaluator, node, edited),
    )


def _inside(evaluator: Evaluator, node: Node | None, edited: Span | None) -> Iterator[Hashable]:
    if node is not None and node.type == "function_definition":
        yield _means(evaluator, returned(LocalFunction(evaluator, node)))
    elif node is not None and node.type == "class_definition":
        cls = LocalClass(evaluator, node)
        methods, attributes = evaluator.buffer.bindings_in(node), evaluator.buffer.attributes_in(node)
        yield tuple(sorted(names_in(cls)))
        grown = _grown(node, edited) if edited is not None else set()
        for name in names_in(cls):
            places = [binding.position for binding in (*methods.get(name, ()), *attributes.get(name, ()))]
            if edited is not None and name not in grown and not any(place in edited for place in places):
                continue  # as it was, if what its methods use is
            for one in methods.get(name, ()):
                if one.definition is not None:
                    yield name, _head(one.definition)
                if one.definition is not None and one.definition.type == "function_definition":
                    yield _means(evaluator, returned(LocalFunction(evaluator, one.definition, Instance(cls))))
            yield (
                name,
                _means(evaluator, member(evaluator, Instance(cls), name)),
                _means(evaluator, member(evaluator, cls, name)),
            )


def _grown(cls: Node, edited: Span) -> set[str]:
    """Return the attributes of a class that its edited methods may put something into."""
    text = (cls.text or b"")[edited.start - cls.start_byte : edited.end - cls.start_byte]
    return {word.decode("utf-8", "replace") for word in GROWING.findall(text)}


def edited_methods(before: Node, after: Node) -> tuple[Span, Span] | None:
    """Return where the methods stand in which two texts of a class differ; None where more may differ than they.

    Args:
        before (Node): The class before an edit.
        after (Node): The class after it.
    """
    bodies = [field(cls, "body") for cls in (before, after)]
    if before.type != "class_definition" or after.type != before.type or None in bodies:
        return None
    old, new = (list(body.named_children) for body in bodies if body is not None)
    first, last = common_affixes([child.text for child in old], [child.text for child in new])
    between = old[first : len(old) - last], new[first : len(new) - last]
    if any(child.type not in _METHODS for part in between for child in part):
        return None
    start, end = (Span(part[0].start_byte, part[-1].end_byte) if part else Span(0, 0) for part in between)
    return start, end


def _head(node: Node) -> Hashable:
    parts = (field(node, name) for name in _HEAD)
    return (
        node.type,
        tuple(text_of(part) if part is not None else None for part in parts),
        tuple(text_of(decorator) for decorator in decorators(node)),
    )


def _means(evaluator: Evaluator, meaning: Meaning | None) -> Hashable:
    """Return a meaning without the nodes of one text: what this file defines stands there by its path of names."""
    if isinstance(meaning, Api):
        return "api", meaning.entry.name, _means(evaluator, meaning.receiver)
    if isinstance(meaning, LocalClass):
        return "class", _where(evaluator, meaning.home, meaning.node)
    if isinstance(meaning, LocalFunction):
        return "function", _where(evaluator, meaning.home, meaning.node), _means(evaluator, meaning.receiver)
    if isinstance(meaning, LocalModule):
        return "module", id(meaning.home.buffer)
    if isinstance(meaning, Instance):
        return "instance", _means(evaluator, meaning.of), tuple(_means(evaluator, part) for part in meaning.parts)
    if isinstance(meaning, Group):
        items = tuple(_means(evaluator, item) for item in meaning.items) if meaning.items is not None else None
        return "group", meaning.kind, _means(evaluator, meaning.each), items
    if isinstance(meaning, Table):
        return "table", meaning.is_empty, _means(evaluator, meaning.value)
    if isinstance(meaning, Function):
        return "callable", _means(evaluator, meaning.result)
    return meaning


def _where(evaluator: Evaluator, home: Home, node: Node) -> Hashable:
    """Return where a definition stands: its text too, where it is inside of a function or has no name."""
    if home is not evaluator:
        return id(home.buffer), node.start_byte
    path, scope = list[str](), node
    while scope.parent is not None:
        name = field(scope, "name")
        if name is None or (path and scope.type != "class_definition"):
            return text_of(node)
        path.append(text_of(name))
        outer = up_to(scope.parent, *SCOPES)
        if outer is None or outer == home.buffer.root:
            break
        scope = outer
    return tuple(path)
