"""Find what takes an expression and takes arrays only: an operation or a layer of MLX; and the functions of files."""

import re
from collections.abc import Iterator

from tenny_lsp.inference.definitions import decorators
from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.inference.meaning import Api, Instance, LocalClass, LocalFunction, Meaning, is_of
from tenny_lsp.mlx_api.consumers import load_consumers
from tenny_lsp.source.syntax import SCOPES, Node, field, text_of

_NUMBERS = {"integer", "float"}
_COMPARED = {"<", "<=", ">", ">=", "==", "!="}
#: What a ``with`` is called that something may fail in.
_EXPECTS = re.compile(r"suppress|raises|assertRaises|skip")
#: Methods that give an array of an array, and that hardly anything else has.
_SAME = {"reshape", "transpose", "swapaxes", "moveaxis", "squeeze"}
#: Statement → the field that is evaluated whenever it is reached.
_CERTAIN = {
    "if_statement": "condition",
    "while_statement": "condition",
    "for_statement": "right",
    "boolean_operator": "left",
}
_UNCERTAIN = {
    "try_statement", "except_clause", "finally_clause", "elif_clause", "else_clause", "match_statement", "case_clause",
    "assert_statement",
}  # fmt: skip


def consumer_of(evaluator: Evaluator, node: Node) -> str:
    """Return what of MLX's takes a name, or an array if that is one, and takes arrays only: ``self.fc``; else ""."""
    outer: Node | None = node
    while outer is not None:
        node = outer
        if typed := _typed(evaluator, node):
            return typed
        outer = _around(node)
    place = _place_of(node)
    function = field(place[0], "function") if place is not None else None
    if place is None or function is None:
        return ""
    return text_of(function) if _takes_arrays(evaluator.meaning(function), place[1]) else ""


def local_consumer_of(evaluator: Evaluator, node: Node) -> tuple[LocalFunction, str, str] | None:
    """Return the function of a file that is given a name, its parameter for it, and what it is called by."""
    outer: Node | None = node
    while outer is not None:
        node, outer = outer, _around(outer)
    place = _place_of(node)
    function = field(place[0], "function") if place is not None else None
    if place is None or function is None:
        return None
    meaning = evaluator.meaning(function)
    if isinstance(meaning, Instance) and isinstance(meaning.of, LocalClass):
        meaning = evaluator.member(meaning, "__call__")
    parameter = _parameter(meaning, place[1]) if isinstance(meaning, LocalFunction) else ""
    return (meaning, parameter, text_of(function)) if isinstance(meaning, LocalFunction) and parameter else None


def _typed(evaluator: Evaluator, node: Node) -> str:
    """Return the method of a value that is given a dtype of MLX's, which only arrays take: ``x.astype``; else ""."""
    function = node.parent if node.parent is not None and field(node.parent, "object") == node else None
    call = function.parent if function is not None and field(function.parent, "function") == function else None
    listed = field(call, "arguments")
    if function is None or listed is None or not text_of(function).endswith((".astype", ".view")):
        return ""
    given = [evaluator.value(evaluator.meaning(one)) for one in listed.named_children[:1]]
    return text_of(function) if any(is_of(one, "mlx.core.Dtype") for one in given) else ""


def _around(node: Node) -> Node | None:
    """Return the expression around another that is an array if and only if that is; None where there is none."""
    outer = node.parent
    if outer is None:
        return None
    if outer.type == "attribute" and field(outer, "object") == node:
        call = outer.parent
        is_same = call is not None and call.type == "call" and field(call, "function") == outer
        return call if is_same and text_of(outer.named_children[-1]) in _SAME else None
    if outer.type == "subscript" and field(outer, "value") == node:
        keys = outer.children_by_field_name("subscript")
        return outer if len(keys) > 1 or keys[0].type in ("ellipsis", "none") else None
    return outer if _is_operand(node, outer) else None


def _is_operand(node: Node, outer: Node) -> bool:
    """Return whether an expression is an array if and only if its operand is."""
    if outer.type == "parenthesized_expression":
        return True
    if outer.type == "unary_operator":
        return text_of(outer).startswith("-")
    if outer.type == "comparison_operator":
        operators = {text_of(child) for child in outer.children if not child.is_named}
        return operators <= _COMPARED and len(outer.named_children) == 2 and _has_number(outer, node)
    return outer.type == "binary_operator" and _has_number(outer, node)


def _has_number(outer: Node, node: Node) -> bool:
    return all(child == node or child.type in _NUMBERS for child in outer.named_children)


def _place_of(node: Node) -> tuple[Node, str] | None:
    """Return the call that an expression is an argument of, and its position, keyword, or ``items`` in a list."""
    outer, position = node.parent, ""
    if outer is not None and outer.type in ("list", "tuple"):
        node, outer, position = outer, outer.parent, "items"
    if outer is not None and outer.type == "keyword_argument" and not position:
        position, node, outer = text_of(outer.named_children[0]), outer, outer.parent
    if outer is None or outer.type != "argument_list" or outer.parent is None:
        return None
    before = [child for child in outer.named_children if child.end_byte <= node.start_byte and child.type != "comment"]
    if any(child.type in ("list_splat", "dictionary_splat", "ERROR") for child in before):
        return None
    if position == "items" and before:
        return None
    return outer.parent, position or str(len(before))


def _takes_arrays(meaning: Meaning | None, position: str) -> bool:
    """Return whether what is called takes an array, and nothing else, at a position or by a keyword."""
    if isinstance(meaning, Api):
        return meaning.entry.kind == "function" and position in load_consumers().get(meaning.entry.name, ())
    if isinstance(meaning, Instance) and isinstance(meaning.of, Api):
        if meaning.parts:
            return _takes_arrays(meaning.parts[0], position)
        return position in load_consumers().get(meaning.of.entry.name, ())
    return False


def _parameter(function: LocalFunction, position: str) -> str:
    """Return the name of the parameter that an argument is for; empty where that is not certain."""
    listed = field(function.node, "parameters")
    if listed is None or function.node.type != "function_definition":
        return ""
    names: list[str] = []
    words = {text_of(decorator) for decorator in decorators(function.node)}
    is_bound = (function.receiver is not None or "classmethod" in words) and "staticmethod" not in words
    for node in listed.named_children[1 if is_bound else 0 :]:
        name = node if node.type == "identifier" else node.named_children[0] if node.type == "typed_parameter" else None
        if name is None or name.type != "identifier":
            break  # a default, a star: what follows may mean anything
        names.append(text_of(name))
    if position.isdigit():
        return names[int(position)] if int(position) < len(names) else ""
    return position if position in names else ""


def documented_taker(evaluator: Evaluator, node: Node) -> str:
    """Return the function of ``mlx.core`` whose documentation wants an array where a name stands; else ""."""
    place = _place_of(node)
    function = field(place[0], "function") if place is not None else None
    meaning = evaluator.meaning(function) if function is not None else None
    if place is None or function is None or not place[1].isdigit() or not isinstance(meaning, Api):
        return ""
    found = [one.parameters[int(place[1]) : int(place[1]) + 1] for one in meaning.entry.signatures]
    is_array = found and all(part and part[0].annotation == "array" for part in found)
    return text_of(function) if is_array and meaning.entry.name.startswith("mlx.core.") else ""


def is_unconditional(node: Node, body: Node) -> bool:
    """Return whether an expression is evaluated whenever a function's body runs to its end."""
    inner, outer = node, node.parent
    while outer is not None and inner != body:
        if outer.type in SCOPES and outer != body.parent:
            return False
        if outer.type == "with_statement" and _EXPECTS.search(text_of(outer).partition(":")[0]):
            return False
        if outer.type in _UNCERTAIN or (outer.type in _CERTAIN and field(outer, _CERTAIN[outer.type]) != inner):
            return False
        if outer.type == "conditional_expression" and outer.named_children[1:2] != [inner]:
            return False
        if outer == body:
            return not any(_returns(child) for child in body.named_children if child.end_byte <= inner.start_byte)
        inner, outer = outer, outer.parent
    return False


def _returns(statement: Node) -> bool:
    """Return whether a statement may return from its function."""
    waiting = [statement]
    while waiting:
        node = waiting.pop()
        if node.type == "return_statement":
            return True
        if node.type not in SCOPES:
            waiting += node.named_children
    return False


def named(scope: Node, name: str) -> Iterator[Node]:
    """Yield the identifiers of a name in a part of the text, without the members of that name."""
    text, word = scope.text or b"", name.encode()
    place = text.find(word) if word else -1
    while place >= 0:  # much faster than a regular expression
        end = place + len(word)
        is_member = text[place - 1 : place] == b"."
        node = None if is_member else scope.descendant_for_byte_range(scope.start_byte + place, scope.start_byte + end)
        if node is not None and node.type == "identifier" and node.end_byte - node.start_byte == len(word):
            yield node
        place = text.find(word, end)
