"""Narrow a name by the ``isinstance`` tests that hold where it is used."""

from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.inference.meaning import Api, LocalClass, Meaning, instance_of
from tenny_lsp.source.syntax import SCOPES, Node, field, text_of


def narrowed(evaluator: Evaluator, node: Node) -> Meaning | None:
    """Return the instance that an ``isinstance`` proves a name to be where it is used; None without such a test."""
    if text_of(node) not in evaluator.buffer.tested_names:
        return None
    inner, outer = node, node.parent
    while outer is not None and outer.type not in SCOPES:
        for test in _conditions(inner, outer):
            found = _instance_tested(evaluator, test, text_of(node))
            if found is not None and not _is_rebound(evaluator, test, node):
                return found
        inner, outer = outer, outer.parent
    return None


def _conditions(inner: Node, outer: Node) -> list[Node]:
    """Return the conditions that hold in ``inner``, a part of ``outer``, whenever it is evaluated."""
    condition: Node | None = None
    if outer.type in ("if_statement", "elif_clause", "while_statement") and inner.type == "block":
        condition = field(outer, "condition")
    elif outer.type == "conditional_expression" and outer.named_children[0] == inner:
        condition = outer.named_children[1]
    elif outer.type == "boolean_operator" and field(outer, "right") == inner and _is_and(outer):
        condition = field(outer, "left")
    elif outer.type == "block":
        passed = [node for node in outer.named_children if node.end_byte <= inner.start_byte]
        return [node.named_children[0] for node in passed if node.type == "assert_statement" and node.named_children]
    return _conjuncts(condition) if condition is not None else []


def _conjuncts(condition: Node) -> list[Node]:
    found: list[Node] = []
    waiting = [condition]
    while waiting:
        node = waiting.pop()
        if _is_and(node) or node.type == "parenthesized_expression":
            waiting += node.named_children
        else:
            found.append(node)
    return found


def _is_and(node: Node) -> bool:
    operator = field(node, "operator")
    return node.type == "boolean_operator" and operator is not None and operator.type == "and"


def _instance_tested(evaluator: Evaluator, test: Node, name: str) -> Meaning | None:
    function, listed = field(test, "function"), field(test, "arguments")
    if function is None or listed is None or text_of(function) != "isinstance" or len(listed.named_children) != 2:
        return None
    value, cls = listed.named_children
    meaning = evaluator.meaning(cls) if text_of(value) == name else None
    if isinstance(meaning, LocalClass) or (isinstance(meaning, Api) and meaning.entry.kind == "class"):
        return instance_of(meaning)
    return None


def _is_rebound(evaluator: Evaluator, test: Node, use: Node) -> bool:
    """Return whether a name is bound again between a test and its use."""
    scope = next(scope for scope in evaluator.buffer.scopes_around(use))
    return any(test.start_byte < b.position < use.start_byte for b in scope.bindings.get(text_of(use), ()))
