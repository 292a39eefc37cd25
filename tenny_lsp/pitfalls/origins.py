"""What makes a value: the call that an expression comes from, through names, functions and modules of the file.

What is followed may stand anywhere in the file: for rules of scope "file".
"""

import re

from tenny_lsp.inference.definitions import decorators
from tenny_lsp.inference.meaning import Api, Instance, LocalClass, LocalFunction, Meaning
from tenny_lsp.inference.names import reaching_bindings
from tenny_lsp.pitfalls.calls import call_of, function_around, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.source.syntax import Node, field, text_of

#: How many names, functions and modules are followed.
_DEEPEST = 8
_SEQUENTIAL = "mlx.nn.Sequential"
#: Methods and functions that leave the values of an array as they are.
_KEPT = {"astype", "reshape", "squeeze", "flatten", "stop_gradient", "contiguous", "expand_dims"}

#: What is made element by element, so that a part of it is made in the same way.
_ELEMENTWISE = ("sigmoid", "log")


def origin(context: RuleContext, node: Node | None, depth: int = 0) -> Node | None:
    """Return the expression whose value an expression has, through names and what functions of the file return.

    Returns None where a name may have several values, or one that is modified in place.
    """
    if node is None or depth > _DEEPEST:
        return None
    if node.type == "parenthesized_expression" and len(node.named_children) == 1:
        return origin(context, node.named_children[0], depth + 1)
    if node.type == "identifier":
        return origin(context, last_value(context, node), depth + 1)
    if node.type == "attribute":
        value = context.value_of_attribute(node)
        return origin(context, value, depth + 1) if value is not None else node
    call = call_of(node)
    if call is None:
        return node
    called = _called(context, call.function)
    if isinstance(called, Instance) and isinstance(called.of, LocalClass) and called.is_exact:
        return origin(context, _returned(context, _method(context, called.of, "__call__")), depth + 1)
    if isinstance(called, LocalFunction) and called.home is context.evaluator:
        return origin(context, _returned(context, called.node), depth + 1)
    return node


def made_by(context: RuleContext, node: Node | None, depth: int = 0) -> str:
    """Return the full name of the function of MLX, or of its layer, that makes a value; empty where it is not known.

    ``mlx.core.softmax`` for ``mx.softmax(x)``, ``mlx.nn.Softmax`` for ``model(x)`` of an ``nn.Sequential`` that ends
    so. What changes no value of an array, such as ``reshape``, is passed over.
    """
    found = origin(context, node, depth) if depth <= _DEEPEST else None
    if found is not None and found.type == "subscript":
        made = made_by(context, field(found, "value"), depth + 1)
        return made if made.lower().endswith(_ELEMENTWISE) else ""
    call = call_of(found)
    if call is None:
        return ""
    called = _called(context, call.function)
    if called is None and call.owner is not None and call.name in _KEPT:
        return made_by(context, call.owner, depth + 1)
    if isinstance(called, Api) and called.entry.kind != "class":
        if called.entry.name.startswith("mlx.core.") and called.entry.short_name in _KEPT:
            inner = call.owner if called.entry.name.startswith("mlx.core.array.") else next(iter(call.arguments), None)
            return made_by(context, inner, depth + 1)
        return called.entry.name
    return _layer(context, called, depth)


def last_value(context: RuleContext, name: Node) -> Node | None:
    """Return the expression that a name has been assigned on every way to where it stands.

    Returns None where there are several, where it is unpacked of another value, a parameter, or modified in place.
    """
    scopes = context.scopes_around(name)
    scope = next((one for one in scopes if text_of(name) in one.bindings), None)
    found = reaching_bindings(context.evaluator, text_of(name), name) if scope is not None else None
    if scope is None or not found or len(found) != 1:
        return None
    binding = found[0]
    value = binding.value
    if value is not None and len(binding.steps) == 1 and value.type in ("expression_list", "tuple"):  # ``a, b = c, d``
        parts, place = [one for one in value.named_children if one.type != "comment"], binding.steps[0]
        is_plain = isinstance(place, int) and all(one.type != "list_splat" for one in parts)
        value = next(iter(parts[place:]), None) if is_plain and isinstance(place, int) else None
    elif binding.steps:
        value = None
    if value is None or binding.definition is not None or binding.is_import or value.type == "augmented_assignment":
        return None
    word = re.escape(text_of(name).encode())
    is_modified = re.search(rb"\b%s[ \t]*\[[^\n]*\][ \t]*[-+*/@%%&|^]*=(?!=)" % word, scope.node.text or b"")
    return value if not is_modified else None


def _called(context: RuleContext, function: Node) -> Meaning | None:
    """Return the meaning of what is called; of a loss function's model, that with which its gradient is taken."""
    found = context.evaluator.value(context.evaluator.meaning(function))
    around = function_around(function) if found is None and function.type == "identifier" else None
    transform = context.file.gradients.get(around.id) if around is not None else None
    if around is None or transform is None or len(transform.arguments) != 2:
        return found
    parameters = field(around, "parameters")
    first = parameters.named_children[0] if parameters is not None and parameters.named_children else None
    is_first = first is not None and text_of(first) == text_of(function)
    is_alone = len(context.bindings_in(around).get(text_of(function), ())) == 1
    return context.meaning(transform.arguments[0]) if is_first and is_alone else None


def _layer(context: RuleContext, called: Meaning | None, depth: int) -> str:
    """Return the name of the layer that makes what a module returns: of an ``nn.Sequential`` the last."""
    if not isinstance(called, Instance) or depth > _DEEPEST or not called.is_exact:
        return ""
    if isinstance(called.of, LocalClass):
        return made_by(context, _returned(context, _method(context, called.of, "__call__")), depth + 1)
    if called.of.entry.name == _SEQUENTIAL:
        return _layer(context, called.parts[-1], depth + 1) if called.parts else ""
    return called.of.entry.name if called.of.entry.name.startswith("mlx.nn.") else ""


def _method(context: RuleContext, cls: LocalClass, name: str) -> Node | None:
    """Return the only definition of a method in the text of a class of the file; None for one of another file."""
    if cls.home is not context.evaluator:
        return None
    found = [one.definition for one in context.bindings_in(cls.node).get(name, ())]
    return found[0] if len(found) == 1 else None


def _returned(context: RuleContext, function: Node | None) -> Node | None:
    """Return the only expression that a function of the file returns; None where it may return another."""
    if function is None:
        return None
    if function.type == "lambda":
        return field(function, "body")
    if function.type != "function_definition" or any(within(field(function, "body"), "yield")):
        return None
    if any(context.name(one) != "mlx.core.compile" for one in decorators(function)):
        return None
    found = list(within(field(function, "body"), "return_statement"))
    return found[0].named_children[0] if len(found) == 1 and found[0].named_children else None
