"""Evaluate definitions: functions and classes under their decorators, parameters, and what functions return."""

from tenny_lsp.inference.annotation import meaning_of_annotation
from tenny_lsp.inference.evaluator import Evaluator, home_of
from tenny_lsp.inference.meaning import (
    NONE,
    Arguments,
    External,
    Function,
    Group,
    LocalClass,
    LocalFunction,
    Meaning,
    Table,
    instance_of,
    join,
)
from tenny_lsp.source.scope import Binding
from tenny_lsp.source.syntax import SCOPES, Node, field, text_of, up_to

#: Decorators that leave what a call returns as it is.
_TRANSPARENT = {
    "functools.lru_cache", "functools.cache", "functools.wraps", "staticmethod", "classmethod", "property",
    "functools.cached_property", "abc.abstractmethod", "typing.overload", "typing.final", "dataclasses.dataclass",
}  # fmt: skip


def meaning_of_definition(evaluator: Evaluator, node: Node) -> Meaning | None:
    """Return what a function or class definition binds its name to, with its decorators applied."""
    meaning: Meaning | None
    meaning = LocalClass(evaluator, node) if node.type == "class_definition" else LocalFunction(evaluator, node)
    for decorator in reversed(decorators(node)):
        applied = evaluator.meaning(decorator)
        plain = applied if not isinstance(applied, Function) else None
        if isinstance(plain, External) and plain.name in _TRANSPARENT:
            continue
        call = field(decorator, "function")
        called = evaluator.meaning(call) if call is not None and decorator.type == "call" else None
        if isinstance(called, External) and called.name in _TRANSPARENT:
            continue
        meaning = evaluator.call_result(applied, Arguments((meaning,)))
    return meaning


def decorators(node: Node) -> list[Node]:
    """Return the expressions that decorate a definition, outermost first."""
    outer = node.parent
    if outer is None or outer.type != "decorated_definition":
        return []
    return [child.named_children[0] for child in outer.children if child.type == "decorator" and child.named_children]


def is_property(node: Node) -> bool:
    """Return whether a method is a property."""
    return any(text_of(d).rpartition(".")[2] in ("property", "cached_property") for d in decorators(node))


def meaning_of_parameter(evaluator: Evaluator, binding: Binding, known: Meaning | None) -> Meaning | None:
    """Return the meaning of a parameter; ``known`` is that of its annotation."""
    if binding.steps == ("*",):
        return Group("tuple", known)
    if binding.steps == ("**",):
        return Table(known)
    if known is not None or binding.definition is None:
        return known
    function = up_to(binding.definition, "function_definition", "lambda")
    if function is None or function.type == "lambda" or binding.definition.type != "identifier":
        return None
    parameters = field(function, "parameters")
    owner = class_of(function)
    if owner is None or parameters is None or parameters.named_children[0] != binding.definition:
        return None
    names = {text_of(decorator) for decorator in decorators(function)}
    if "staticmethod" in names:
        return None
    cls = LocalClass(evaluator, owner)
    return cls if "classmethod" in names else instance_of(cls)


def first_parameter(function: LocalFunction) -> Meaning | None:
    """Return the meaning of the first parameter of a function."""
    name = field(function.node, "parameters")
    scope = function.home.buffer.bindings_in(function.node)
    parameters = [b for bindings in scope.values() for b in bindings if b.definition is not None and b.position]
    first = min(parameters, key=lambda binding: binding.position, default=None)
    if name is None or first is None or first.definition is None or first.definition.parent != name:
        return None
    home = home_of(function)
    known = meaning_of_annotation(home, first.annotation) if first.annotation is not None else None
    return meaning_of_parameter(home, first, known)


def class_of(function: Node) -> Node | None:
    """Return the class whose method a function is."""
    outer = up_to(function.parent, *SCOPES) if function.parent is not None else None
    return outer if outer is not None and outer.type == "class_definition" else None


def return_value(function: LocalFunction) -> Meaning | None:
    """Return what a function of a file returns: by its annotation, else the join of its ``return`` statements."""
    evaluator, node = home_of(function), function.node
    body = field(node, "body")
    if node.type == "lambda":
        return evaluator.meaning(body) if body is not None else None
    annotation = field(node, "return_type")
    if annotation is not None and (known := meaning_of_annotation(evaluator, annotation)) is not None:
        return known
    return evaluator.memoised(node.start_byte, lambda: _body_result(evaluator, node)) if body is not None else None


def _body_result(evaluator: Evaluator, function: Node) -> Meaning | None:
    returns, yields = [], []
    waiting = [field(function, "body")]
    while waiting:
        node = waiting.pop()
        if node is None or node.type in SCOPES:
            continue
        if node.type == "return_statement":
            returns.append(node)
        elif node.type == "yield":
            yields.append(node)
        elif node.type == "ERROR":
            return None
        waiting += node.named_children
    if any(child.type == "async" for child in function.children):
        return None
    if yields:
        if any(child.type == "from" for node in yields for child in node.children):
            return None
        return Group("iterable", join(_value_in(evaluator, node) for node in yields))
    return join(_value_in(evaluator, node) for node in returns)


def _value_in(evaluator: Evaluator, node: Node) -> Meaning | None:
    return evaluator.meaning(node.named_children[0]) if node.named_children else NONE
