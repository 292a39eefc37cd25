"""A definition's external interface: if an edit leaves it unchanged, its users need no re-check."""

import re
from collections.abc import Callable, Hashable, Iterator

from tenny_lsp.inference.collections import MUTATES
from tenny_lsp.inference.definitions import decorators, return_value
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
from tenny_lsp.inference.parameters import inferable_parameters
from tenny_lsp.inference.shapes.engine import go_on
from tenny_lsp.source.affixes import common_affixes
from tenny_lsp.source.scope import Binding, Span
from tenny_lsp.source.syntax import SCOPES, Node, field, text_of, up_to

#: Matches, and captures, the name or attribute of a collection where the text mutates it.
MUTATED_NAME = re.compile(rb"\b(\w+)" + MUTATES)
_METHODS = ("function_definition", "decorated_definition", "comment")
_HEADER = ("superclasses", "parameters", "return_type")


def interface_of(
    evaluator: Evaluator, binding: Binding, edited: Span | None = None, pause: Callable[[], None] = go_on
) -> Hashable:
    """Return the interface of a binding: two of them, of a file before and after an edit, can be compared.

    Of a function it is the header and what it returns; of a class, the header and the interfaces of its members.

    Args:
        evaluator (Evaluator): Evaluates the file.
        binding (Binding): The binding.
        edited (Span, optional): The methods of a class that were edited, if nothing else of it was. Default: all of it.
        pause (Callable[[], None]): Called before each member; it may hold the comparison up.
    """
    place = [(branch.kind, branch.exits, branch.falls_through) for branch in binding.branches]
    node = binding.definition
    header = _header(node) if node is not None and node.type != "identifier" else None
    return (
        len(binding.loops),
        tuple(place),
        header,
        _comparable(evaluator, meaning_of_binding(evaluator, binding)),
        *_contents(evaluator, node, edited, pause),
    )


def _contents(
    evaluator: Evaluator, node: Node | None, edited: Span | None, pause: Callable[[], None]
) -> Iterator[Hashable]:
    if node is not None and node.type == "function_definition":
        yield _comparable(evaluator, return_value(LocalFunction(evaluator, node)))
        yield _parameters(evaluator, node)
    elif node is not None and node.type == "class_definition":
        cls = LocalClass(evaluator, node)
        methods, attributes = evaluator.buffer.bindings_in(node), evaluator.buffer.attributes_in(node)
        yield tuple(sorted(names_in(cls)))
        mutated = _mutated_attributes(node, edited) if edited is not None else set()
        for name in names_in(cls):
            pause()
            places = [binding.position for binding in (*methods.get(name, ()), *attributes.get(name, ()))]
            if edited is not None and name not in mutated and not any(place in edited for place in places):
                continue  # unchanged, unless something that its methods use has changed
            for one in methods.get(name, ()):
                if one.definition is not None:
                    yield name, _header(one.definition)
                if one.definition is not None and one.definition.type == "function_definition":
                    yield _comparable(evaluator, return_value(LocalFunction(evaluator, one.definition, Instance(cls))))
                    yield _parameters(evaluator, one.definition)
            yield (
                name,
                _comparable(evaluator, member(evaluator, Instance(cls), name)),
                _comparable(evaluator, member(evaluator, cls, name)),
            )


def parameters_of(evaluator: Evaluator, name: str) -> Hashable:
    """Return what the parameters of a module's function are inferred to be, which its calls may tell."""
    bindings = evaluator.buffer.bindings_in(evaluator.buffer.root).get(name, ())
    nodes = (binding.definition for binding in bindings)
    return tuple(_parameters(evaluator, one) for one in nodes if one is not None and one.type == "function_definition")


def _parameters(evaluator: Evaluator, function: Node) -> Hashable:
    found = inferable_parameters(evaluator, function)
    return tuple((one.name, _comparable(evaluator, meaning_of_binding(evaluator, one))) for one in found)


def _mutated_attributes(cls: Node, edited: Span) -> set[str]:
    """Return the attributes of a class that its edited methods may mutate."""
    text = (cls.text or b"")[edited.start - cls.start_byte : edited.end - cls.start_byte]
    return {word.decode("utf-8", "replace") for word in MUTATED_NAME.findall(text)}


def edited_methods(before: Node, after: Node) -> tuple[Span, Span] | None:
    """Return where two texts of a class differ, if they differ in methods only; None where more may differ.

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


def _header(node: Node) -> Hashable:
    parts = (field(node, name) for name in _HEADER)
    return (
        node.type,
        tuple(text_of(part) if part is not None else None for part in parts),
        tuple(text_of(decorator) for decorator in decorators(node)),
    )


def _comparable(evaluator: Evaluator, meaning: Meaning | None) -> Hashable:
    """Return a meaning that can be compared between two texts of a file: definitions become paths of names."""
    if isinstance(meaning, Api):
        return "api", meaning.entry.name, _comparable(evaluator, meaning.receiver)
    if isinstance(meaning, LocalClass):
        return "class", _path_of(evaluator, meaning.home, meaning.node)
    if isinstance(meaning, LocalFunction):
        return "function", _path_of(evaluator, meaning.home, meaning.node), _comparable(evaluator, meaning.receiver)
    if isinstance(meaning, LocalModule):
        return "module", id(meaning.home.buffer)
    if isinstance(meaning, Instance):
        parts = tuple(_comparable(evaluator, part) for part in meaning.parts)
        return "instance", _comparable(evaluator, meaning.of), parts, meaning.is_exact
    if isinstance(meaning, Group):
        items = tuple(_comparable(evaluator, item) for item in meaning.items) if meaning.items is not None else None
        return "group", meaning.kind, _comparable(evaluator, meaning.each), items
    if isinstance(meaning, Table):
        return "table", meaning.is_empty, _comparable(evaluator, meaning.value)
    if isinstance(meaning, Function):
        return "callable", _comparable(evaluator, meaning.result)
    return meaning


def _path_of(evaluator: Evaluator, home: Home, node: Node) -> Hashable:
    """Return the path of names of a definition; its text instead, where it is inside of a function or has no name."""
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
