"""Evaluate expressions, with one function for each kind of syntax node."""

from collections.abc import Callable

from tenny_lsp.inference.collections import element_of, item_at
from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.inference.meaning import (
    NEVER,
    NUMBERS,
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
from tenny_lsp.inference.members import super_instance
from tenny_lsp.inference.names import assigned_attribute, meaning_of_name
from tenny_lsp.inference.narrowing import narrowed
from tenny_lsp.source.syntax import Node, field, text_of


def meaning(evaluator: Evaluator, node: Node) -> Meaning | None:
    """Return the meaning of an expression; None when it is unknown."""
    evaluate = _EVALUATORS.get(node.type)
    return evaluate(evaluator, node) if evaluate is not None else None


def arguments_of(evaluator: Evaluator, call: Node) -> Arguments:
    """Return the arguments of a call."""
    listed = field(call, "arguments")
    positional: list[Meaning | None] = []
    keywords: dict[str, Meaning | None] = {}
    is_whole = True
    for child in listed.named_children if listed is not None else ():
        if child.type == "keyword_argument":
            name, value = field(child, "name"), field(child, "value")
            if name is not None and value is not None:
                keywords[text_of(name)] = evaluator.meaning(value)
        elif child.type in ("list_splat", "dictionary_splat", "ERROR"):
            is_whole = False
        elif is_whole and child.type != "comment":
            positional.append(evaluator.meaning(child))
    return Arguments(tuple(positional), keywords, is_whole)


def _identifier(evaluator: Evaluator, node: Node) -> Meaning | None:
    return narrowed(evaluator, node) or meaning_of_name(evaluator, text_of(node), node)


def _attribute(evaluator: Evaluator, node: Node) -> Meaning | None:
    owner, name = field(node, "object"), field(node, "attribute")
    if owner is None or name is None:
        return None
    return assigned_attribute(evaluator, node) or evaluator.member(evaluator.meaning(owner), text_of(name))


def _call(evaluator: Evaluator, node: Node) -> Meaning | None:
    function, arguments = field(node, "function"), field(node, "arguments")
    if function is None or arguments is None:
        return None
    if function.type == "identifier" and text_of(function) == "super":
        return super_instance(evaluator, node)
    called = evaluator.meaning(function)
    if called is None:
        return None
    if arguments.type == "generator_expression":
        return evaluator.call_result(called, Arguments((evaluator.meaning(arguments),)))
    if isinstance(called, Api) and called.entry.name == "mlx.core.load":
        return _load_result(evaluator, arguments)
    return evaluator.call_result(called, arguments_of(evaluator, node))


def _load_result(evaluator: Evaluator, arguments: Node) -> Meaning | None:
    """Return what ``mx.load`` returns, by the ending of the file's name."""
    array = evaluator.index.resolve("mlx.core.array")
    given = arguments.named_children
    if array is None or len(given) != 1 or given[0].type != "string":
        return None
    name = text_of(given[0]).rstrip("\"'")
    if name.endswith((".npz", ".safetensors", ".gguf")):
        return Table(Instance(Api(array)))
    return Instance(Api(array)) if name.endswith(".npy") else None


def _subscript(evaluator: Evaluator, node: Node) -> Meaning | None:
    value, keys = field(node, "value"), node.children_by_field_name("subscript")
    owner = evaluator.meaning(value) if value is not None else None
    if evaluator.is_array(owner) or owner == NEVER or is_of(owner, "mlx.core.ArrayAt"):
        return owner
    if isinstance(owner, External) or len(keys) != 1:
        return None
    (key,) = keys
    if key.type == "slice":
        return Group(owner.kind, owner.each) if isinstance(owner, Group) else None
    if key.type == "integer" or (key.type == "unary_operator" and text_of(key)[1:].isdigit()):
        return item_at(evaluator, owner, int(text_of(key), 0)) if text_of(key).lstrip("-").isdigit() else None
    if isinstance(owner, Table):
        return owner.value
    return element_of(evaluator, owner) if isinstance(owner, Group) else None


def _binary(evaluator: Evaluator, node: Node) -> Meaning | None:
    left, right, operator = field(node, "left"), field(node, "right"), field(node, "operator")
    if left is None or right is None or operator is None:
        return None
    if node.type == "augmented_assignment" and left.type == "identifier":
        one = meaning_of_name(evaluator, text_of(left), left, before=True)
    else:
        one = evaluator.meaning(left)
    return _operator_result(evaluator, one, evaluator.meaning(right), text_of(operator))


def _operator_result(evaluator: Evaluator, one: Meaning | None, other: Meaning | None, operator: str) -> Meaning | None:
    one, other = evaluator.value(one), evaluator.value(other)
    if evaluator.is_array(one):
        return one
    if evaluator.is_array(other) and (one in NUMBERS or one == NEVER):
        return other
    if NEVER in (one, other):
        return NEVER
    if one in NUMBERS and other in NUMBERS:
        return Plain("float") if operator in ("/", "/=") else join((one, other, Plain("int")))
    if isinstance(one, Group) and one.kind == "list" and operator == "+=":
        added = element_of(evaluator, other)
        return Group("list", added if one.items == () else join((one.each, added)))
    if isinstance(one, Group) and isinstance(other, Group) and operator == "+" and one.kind == other.kind:
        if one.items is not None and other.items is not None:
            return group(one.kind, one.items + other.items)
        return Group(one.kind, join((one.each, other.each)))
    if isinstance(one, Group) and operator == "*" and other == Plain("int"):
        return Group(one.kind, one.each)
    if one == Plain("str") and operator == "%":
        return one
    return one if one == other == Plain("str") else None


def _unary(evaluator: Evaluator, node: Node) -> Meaning | None:
    argument = field(node, "argument")
    value = evaluator.value(evaluator.meaning(argument)) if argument is not None else None
    return value if evaluator.is_array(value) or value in NUMBERS or value == NEVER else None


def _comparison(evaluator: Evaluator, node: Node) -> Meaning | None:
    operators = {text_of(child) for child in node.children if not child.is_named}
    if operators & {"in", "not in", "is", "is not"}:
        return Plain("bool")
    values = [evaluator.value(evaluator.meaning(child)) for child in node.named_children]
    if len(values) != 2:
        return None
    one, other = values
    if evaluator.is_array(one) and (evaluator.is_array(other) or other in NUMBERS):
        return one
    if evaluator.is_array(other) and one in NUMBERS:
        return other
    return Plain("bool") if all(isinstance(value, Plain) for value in values) else None


def _alternatives(evaluator: Evaluator, node: Node) -> Meaning | None:
    if node.type == "conditional_expression":
        parts = node.named_children
        return join((evaluator.meaning(parts[0]), evaluator.meaning(parts[2]))) if len(parts) == 3 else None
    left, right = field(node, "left"), field(node, "right")
    return join((evaluator.meaning(left), evaluator.meaning(right))) if left is not None and right is not None else None


def _display(evaluator: Evaluator, node: Node) -> Meaning | None:
    kind: GroupKind = "list" if node.type == "list" else "tuple"
    parts = [child for child in node.named_children if child.type != "comment"]
    if any(part.type in ("list_splat", "ERROR") for part in parts):
        return Group(kind, None)
    return group(kind, [evaluator.meaning(part) for part in parts])


def _comprehension(evaluator: Evaluator, node: Node) -> Meaning | None:
    body = field(node, "body")
    if node.type == "dictionary_comprehension":
        value = field(body, "value")
        return Table(evaluator.meaning(value) if value is not None else None)
    kind: GroupKind = "list" if node.type == "list_comprehension" else "iterable"
    return Group(kind, evaluator.meaning(body) if body is not None else None)


def _dictionary(evaluator: Evaluator, node: Node) -> Meaning | None:
    if not node.named_children:
        return Table(is_empty=True)
    values = [field(pair, "value") for pair in node.named_children if pair.type == "pair"]
    if len(values) != len(node.named_children):
        return Table()
    return Table(join(evaluator.meaning(value) if value is not None else None for value in values))


def _parenthesized(evaluator: Evaluator, node: Node) -> Meaning | None:
    return evaluator.meaning(node.named_children[0]) if len(node.named_children) == 1 else None


def _walrus(evaluator: Evaluator, node: Node) -> Meaning | None:
    value = field(node, "value")
    return evaluator.meaning(value) if value is not None else None


def _plain(name: str) -> Callable[[Evaluator, Node], Meaning | None]:
    return lambda _, __: Plain(name)


#: Kind of syntax node → the function that evaluates it.
_EVALUATORS: dict[str, Callable[[Evaluator, Node], Meaning | None]] = {
    "identifier": _identifier,
    "attribute": _attribute,
    "call": _call,
    "subscript": _subscript,
    "binary_operator": _binary,
    "augmented_assignment": _binary,
    "unary_operator": _unary,
    "comparison_operator": _comparison,
    "boolean_operator": _alternatives,
    "conditional_expression": _alternatives,
    "not_operator": _plain("bool"),
    "list": _display,
    "tuple": _display,
    "expression_list": _display,
    "list_comprehension": _comprehension,
    "generator_expression": _comprehension,
    "dictionary_comprehension": _comprehension,
    "dictionary": _dictionary,
    "parenthesized_expression": _parenthesized,
    "named_expression": _walrus,
    "lambda": lambda evaluator, node: LocalFunction(evaluator, node),
    "integer": _plain("int"),
    "float": _plain("float"),
    "string": _plain("str"),
    "concatenated_string": _plain("str"),
    "true": _plain("bool"),
    "false": _plain("bool"),
    "none": _plain("None"),
}
