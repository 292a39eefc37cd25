"""Say why a name is taken for an array: because of a parameter without an annotation, its own or one it comes from."""

from collections.abc import Iterator
from dataclasses import dataclass

from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.inference.names import reaching_bindings
from tenny_lsp.inference.parameters import inference_at
from tenny_lsp.source.syntax import Node, field, text_of

#: How many variables are followed to the parameter.
_DEEPEST = 4
_OPERATIONS = ("binary_operator", "unary_operator", "parenthesized_expression", "comparison_operator")
#: Where what is operated on stands in an expression.
_OWNERS = {"subscript": ("value",), "call": ("function", "object")}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a name is an array.

    Args:
        parameter (str): The parameter that it comes from; empty where it is that parameter.
        text (str): Why that is an array: "`self.fc` takes it".
    """

    parameter: str
    text: str


def reason_of(evaluator: Evaluator, name: Node) -> Reason | None:
    """Return why a name is an array; None where it is none for certain, or where no parameter tells it."""
    is_member = field(name.parent, "attribute") == name
    is_keyword = name.parent is not None and name.parent.type == "keyword_argument"
    if is_member or (is_keyword and field(name.parent, "name") == name):
        return None
    found = inference_at(evaluator, name)
    if found is not None:
        return Reason("", found.reason)
    if not evaluator.is_array(evaluator.meaning(name)):
        return None
    return next(_reasons(evaluator, name, 0), None)


def _reasons(evaluator: Evaluator, name: Node, depth: int) -> Iterator[Reason]:
    """Yield the reasons of the parameters that a variable's value is computed from by operators and methods."""
    bindings = reaching_bindings(evaluator, text_of(name), name, before=True) or []
    value = bindings[0].value if len(bindings) == 1 and not bindings[0].steps else None
    for part in _operands(value) if value is not None and depth < _DEEPEST else ():
        found = inference_at(evaluator, part)
        if found is not None:
            yield Reason(text_of(part), found.reason)
        elif part != name:
            yield from _reasons(evaluator, part, depth + 1)


def _operands(value: Node) -> Iterator[Node]:
    """Yield the names that are operated on in an expression."""
    if value.type == "identifier":
        yield value
    elif value.type in _OPERATIONS:
        for part in value.named_children:
            yield from _operands(part)
    elif value.type in _OWNERS:
        owner = field(value, *_OWNERS[value.type])
        yield from _operands(owner) if owner is not None else ()
