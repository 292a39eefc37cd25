"""Expressions → what they mean, by their kind of syntax."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from tenny_lsp.source.meaning import (
    NEVER,
    Api,
    Arguments,
    External,
    Group,
    GroupKind,
    Instance,
    LocalFunction,
    Meaning,
    Plain,
    Table,
    group,
    is_of,
    join,
)
from tenny_lsp.source.members import parent
from tenny_lsp.source.names import named, set_here
from tenny_lsp.source.narrowing import narrowed
from tenny_lsp.source.steps import each, item
from tenny_lsp.source.syntax import Node, field, text_of

if TYPE_CHECKING:
    from tenny_lsp.source.reader import Reader

_NUMBERS = (Plain("bool"), Plain("int"), Plain("float"), Plain("complex"))


def meaning(reader: "Reader", node: Node) -> Meaning | None:
    """Returns what an expression means; None when it is unknown."""
    read = _READERS.get(node.type)
    return read(reader, node) if read is not None else None


def arguments_of(reader: "Reader", call: Node) -> Arguments:
    """Returns what a call is given."""
    listed = field(call, "arguments")
    positional: list[Meaning | None] = []
    keywords: dict[str, Meaning | None] = {}
    is_whole = True
    for child in listed.named_children if listed is not None else ():
        if child.type == "keyword_argument":
            name, value = field(child, "name"), field(child, "value")
            if name is not None and value is not None:
                keywords[text_of(name)] = reader.meaning(value)
        elif child.type in ("list_splat", "dictionary_splat", "ERROR"):
            is_whole = False
        elif is_whole and child.type != "comment":
            positional.append(reader.meaning(child))
    return Arguments(tuple(positional), keywords, is_whole)


def _identifier(reader: "Reader", node: Node) -> Meaning | None:
    return narrowed(reader, node) or named(reader, text_of(node), node)


def _attribute(reader: "Reader", node: Node) -> Meaning | None:
    owner, name = field(node, "object"), field(node, "attribute")
    if owner is None or name is None:
        return None
    return set_here(reader, node) or reader.member(reader.meaning(owner), text_of(name))


def _call(reader: "Reader", node: Node) -> Meaning | None:
    function, arguments = field(node, "function"), field(node, "arguments")
    if function is None or arguments is None:
        return None
    if function.type == "identifier" and text_of(function) == "super":
        return parent(reader, node)
    called = reader.meaning(function)
    if called is None:
        return None
    if arguments.type == "generator_expression":
        return reader.called(called, Arguments((reader.meaning(arguments),)))
    if isinstance(called, Api) and called.entry.name == "mlx.core.load":
        return _loaded(reader, arguments)
    return reader.called(called, arguments_of(reader, node))


def _loaded(reader: "Reader", arguments: Node) -> Meaning | None:
    """Returns what ``mx.load`` gives: it depends on how the file's name ends."""
    array = reader.index.resolve("mlx.core.array")
    given = arguments.named_children
    if array is None or len(given) != 1 or given[0].type != "string":
        return None
    name = text_of(given[0]).rstrip("\"'")
    if name.endswith((".npz", ".safetensors", ".gguf")):
        return Table(Instance(Api(array)))
    return Instance(Api(array)) if name.endswith(".npy") else None


def _subscript(reader: "Reader", node: Node) -> Meaning | None:
    value, keys = field(node, "value"), node.children_by_field_name("subscript")
    owner = reader.meaning(value) if value is not None else None
    if reader.is_array(owner) or owner == NEVER or is_of(owner, "mlx.core.ArrayAt"):
        return owner
    if isinstance(owner, External) or len(keys) != 1:
        return None
    (key,) = keys
    if key.type == "slice":
        return Group(owner.kind, owner.each) if isinstance(owner, Group) else None
    if key.type == "integer" or (key.type == "unary_operator" and text_of(key)[1:].isdigit()):
        return item(reader, owner, int(text_of(key), 0)) if text_of(key).lstrip("-").isdigit() else None
    if isinstance(owner, Table):
        return owner.value
    return each(reader, owner) if isinstance(owner, Group) else None


def _binary(reader: "Reader", node: Node) -> Meaning | None:
    left, right, operator = field(node, "left"), field(node, "right"), field(node, "operator")
    if left is None or right is None or operator is None:
        return None
    if node.type == "augmented_assignment" and left.type == "identifier":
        one = named(reader, text_of(left), left, before=True)
    else:
        one = reader.meaning(left)
    return _operated(reader, one, reader.meaning(right), text_of(operator))


def _operated(reader: "Reader", one: Meaning | None, other: Meaning | None, operator: str) -> Meaning | None:
    one, other = reader.value(one), reader.value(other)
    if reader.is_array(one):
        return one
    if reader.is_array(other) and (one in _NUMBERS or one == NEVER):
        return other
    if NEVER in (one, other):
        return NEVER
    if one in _NUMBERS and other in _NUMBERS:
        return Plain("float") if operator in ("/", "/=") else join((one, other, Plain("int")))
    if isinstance(one, Group) and one.kind == "list" and operator == "+=":
        return Group("list", each(reader, other) if one.items == () else join((one.each, each(reader, other))))
    if isinstance(one, Group) and isinstance(other, Group) and operator == "+" and one.kind == other.kind:
        if one.items is not None and other.items is not None:
            return group(one.kind, one.items + other.items)
        return Group(one.kind, join((one.each, other.each)))
    if isinstance(one, Group) and operator == "*" and other == Plain("int"):
        return Group(one.kind, one.each)
    if one == Plain("str") and operator == "%":
        return one
    return one if one == other == Plain("str") else None


def _unary(reader: "Reader", node: Node) -> Meaning | None:
    argument = field(node, "argument")
    value = reader.value(reader.meaning(argument)) if argument is not None else None
    return value if reader.is_array(value) or value in _NUMBERS or value == NEVER else None


def _comparison(reader: "Reader", node: Node) -> Meaning | None:
    operators = {text_of(child) for child in node.children if not child.is_named}
    if operators & {"in", "not in", "is", "is not"}:
        return Plain("bool")
    values = [reader.value(reader.meaning(child)) for child in node.named_children]
    if len(values) != 2:
        return None
    one, other = values
    if reader.is_array(one) and (reader.is_array(other) or other in _NUMBERS):
        return one
    if reader.is_array(other) and one in _NUMBERS:
        return other
    return Plain("bool") if all(isinstance(value, Plain) for value in values) else None


def _either(reader: "Reader", node: Node) -> Meaning | None:
    if node.type == "conditional_expression":
        parts = node.named_children
        return join((reader.meaning(parts[0]), reader.meaning(parts[2]))) if len(parts) == 3 else None
    left, right = field(node, "left"), field(node, "right")
    return join((reader.meaning(left), reader.meaning(right))) if left is not None and right is not None else None


def _display(reader: "Reader", node: Node) -> Meaning | None:
    kind: GroupKind = "list" if node.type == "list" else "tuple"
    parts = [child for child in node.named_children if child.type != "comment"]
    if any(part.type in ("list_splat", "ERROR") for part in parts):
        return Group(kind, None)
    return group(kind, [reader.meaning(part) for part in parts])


def _comprehension(reader: "Reader", node: Node) -> Meaning | None:
    body = field(node, "body")
    if node.type == "dictionary_comprehension":
        value = field(body, "value")
        return Table(reader.meaning(value) if value is not None else None)
    kind: GroupKind = "list" if node.type == "list_comprehension" else "iterable"
    return Group(kind, reader.meaning(body) if body is not None else None)


def _dictionary(reader: "Reader", node: Node) -> Meaning | None:
    if not node.named_children:
        return Table(is_empty=True)
    values = [field(pair, "value") for pair in node.named_children if pair.type == "pair"]
    if len(values) != len(node.named_children):
        return Table()
    return Table(join(reader.meaning(value) if value is not None else None for value in values))


def _inner(reader: "Reader", node: Node) -> Meaning | None:
    return reader.meaning(node.named_children[0]) if len(node.named_children) == 1 else None


def _walrus(reader: "Reader", node: Node) -> Meaning | None:
    value = field(node, "value")
    return reader.meaning(value) if value is not None else None


def _plain(name: str) -> Callable[["Reader", Node], Meaning | None]:
    return lambda _, __: Plain(name)


_READERS: dict[str, Callable[["Reader", Node], Meaning | None]] = {
    "identifier": _identifier,
    "attribute": _attribute,
    "call": _call,
    "subscript": _subscript,
    "binary_operator": _binary,
    "augmented_assignment": _binary,
    "unary_operator": _unary,
    "comparison_operator": _comparison,
    "boolean_operator": _either,
    "conditional_expression": _either,
    "not_operator": _plain("bool"),
    "list": _display,
    "tuple": _display,
    "expression_list": _display,
    "list_comprehension": _comprehension,
    "generator_expression": _comprehension,
    "dictionary_comprehension": _comprehension,
    "dictionary": _dictionary,
    "parenthesized_expression": _inner,
    "named_expression": _walrus,
    "lambda": lambda reader, node: LocalFunction(reader, node),
    "integer": _plain("int"),
    "float": _plain("float"),
    "string": _plain("str"),
    "concatenated_string": _plain("str"),
    "true": _plain("bool"),
    "false": _plain("bool"),
    "none": _plain("None"),
}
