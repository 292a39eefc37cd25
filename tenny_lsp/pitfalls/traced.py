"""Which values in a function that MLX traces are computed from its parameters, and so are not known there."""

from tenny_lsp.inference.meaning import Api, Group, Instance, LocalClass
from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.source.scope import Binding
from tenny_lsp.source.syntax import Node, field, text_of

#: Functions of arrays that may look at nothing but their shapes and dtypes.
_SHAPES_ALONE = {
    "zeros_like", "ones_like", "full_like", "empty_like", "array_equal", "imag", "isfinite", "isinf", "isnan",
    "isneginf", "isposinf", "issubdtype", "result_type", "eval", "async_eval",
}  # fmt: skip
_GRADIENTS = {"mlx.nn.value_and_grad", "mlx.core.value_and_grad", "mlx.core.grad"}
_WITH_VALUES = _GRADIENTS - {"mlx.core.grad"}
#: What of an array is known although its values are not.
_KNOWN = {"shape", "ndim", "size", "dtype", "itemsize", "nbytes"}
_OPERATIONS = {"binary_operator", "unary_operator", "parenthesized_expression"}
_LISTS = {"list", "tuple", "expression_list"}


class Tracer:
    """Says which expressions in a traced function are certain to be computed from its parameters.

    Args:
        context (RuleContext): The file.
        function (Node): The function.
    """

    def __init__(self, context: RuleContext, function: Node) -> None:
        self._context = context
        self._function = function
        self._known: dict[str, bool] = {}
        listed = field(function, "parameters") or function
        bound = (one for found in context.bindings_in(function).values() for one in found)
        self._parameters = {
            one.name: one for one in bound if listed.start_byte < one.position < listed.end_byte and not one.steps
        }

    def is_traced(self, node: Node | None) -> bool:
        """Return whether an expression's value is an array, or a tree of arrays, computed from the parameters."""
        if node is None:
            return False
        if node.type == "identifier":
            return self._is_traced_name(node)
        if node.type in _OPERATIONS:
            return any(map(self.is_traced, node.named_children))
        if node.type == "comparison_operator":
            is_plain = all(child.type in ("<", ">", "<=", ">=", "==", "!=") for child in node.children[1::2])
            return is_plain and any(map(self.is_traced, node.named_children))
        if node.type == "conditional_expression" and len(node.named_children) == 3:
            return self.is_traced(node.named_children[0]) and self.is_traced(node.named_children[2])
        if node.type == "subscript":
            whole = field(node, "value")
            is_part = self._context.is_array(node) or not self._context.is_array(whole)
            return is_part and self.is_traced(whole)
        if node.type == "attribute":
            is_known = text_of(node.named_children[-1]) in _KNOWN or not self._context.is_array(node)
            return not is_known and self.is_traced(node.named_children[0])
        call = call_of(node)
        return call is not None and self._is_traced_result(call)

    def holds_traced(self, node: Node) -> bool:
        """Return whether an expression is traced, or a list, tuple or dictionary of which a part is."""
        if node.type in _LISTS or node.type == "dictionary":
            return any(map(self.holds_traced, node.named_children))
        return self.holds_traced(node.named_children[-1]) if node.type == "pair" else self.is_traced(node)

    def gradient(self, call: Call) -> bool:
        """Return whether a call takes a gradient, and with something that the traced function is given."""
        made = call_of(outer_value(self._context, call.function)) or call_of(call.function)
        if made is None or self._context.name(made.function) not in _GRADIENTS:
            return False
        given = [*call.arguments, *(call.value(name) for name in call.keywords)]
        return any(self._is_given(one) or self.is_traced(one) for one in given)

    def _is_given(self, node: Node | None) -> bool:
        """Return whether an expression is a parameter that must be given, and nobody says that it is no array."""
        found = self._parameters.get(text_of(node)) if node is not None and node.type == "identifier" else None
        return found is not None and found.annotation is None and self._is_never_assigned(found)

    def _is_never_assigned(self, parameter: Binding) -> bool:
        bindings = self._context.bindings_in(self._function)[parameter.name]
        place = parameter.definition
        return len(bindings) == 1 and (place is None or "default" not in place.type)

    def _is_traced_name(self, node: Node) -> bool:
        name = text_of(node)
        if name not in self._known:
            bindings = self._context.bindings_in(self._function).get(name, [])
            is_given = name in self._parameters
            self._known[name] = is_given and self._context.is_array(node)  # while its first value is looked at
            others = [one for one in bindings if not is_given or one != self._parameters[name]]
            for one in others:
                self._known[name] = self._is_traced_binding(one, node)
                if not self._known[name]:
                    break
        return self._known[name]

    def _is_traced_binding(self, binding: Binding, name: Node) -> bool:
        value, steps = binding.value, list(binding.steps)
        while value is not None and value.type in _LISTS and steps:
            place, parts = steps.pop(0), value.named_children
            is_plain = not any(part.type in ("list_splat", "comment") for part in parts)
            value = parts[place] if is_plain and isinstance(place, int) and place < len(parts) else None
        if value is None or value.type in _LISTS:
            return False
        call = call_of(value)
        if call is not None and len(steps) == 1 and steps[0] in (0, 1) and self.gradient(call):
            return True
        return self.is_traced(value) and (not steps or self._context.is_array(name))

    def _is_traced_result(self, call: Call) -> bool:
        if self.gradient(call):
            return True
        meaning = self._context.meaning(call.node)
        if not self._context.is_array(call.node) and not isinstance(meaning, Group):
            return False
        function = self._context.evaluator.meaning(call.function)
        given = [*call.arguments, *(call.value(name) for name in call.keywords)]
        if isinstance(function, Api) and function.entry.name.startswith("mlx."):
            if function.receiver is not None and self.is_traced(call.owner):
                return True
            return function.entry.short_name not in _SHAPES_ALONE and any(map(self.is_traced, given))
        is_layer = isinstance(function, Instance) and (
            isinstance(function.of, LocalClass) or function.of.entry.name.startswith("mlx.nn.")
        )
        return is_layer and any(map(self.is_traced, given))


def outer_value(context: RuleContext, name: Node) -> Node | None:
    """Return what a name is assigned, where that is done once, in whatever scope around it."""
    if name.type != "identifier":
        return None
    scopes = context.scopes_around(name)
    found = next((scope.bindings[text_of(name)] for scope in scopes if text_of(name) in scope.bindings), [])
    return found[0].value if len(found) == 1 and not found[0].steps else None


def takes_gradients(context: RuleContext, call: Call) -> bool:
    """Return whether a call is of what ``value_and_grad`` makes: where it stands, by a name or by ``self.name``."""
    made = call_of(call.function)
    if made is None and call.function.type == "identifier":
        made = call_of(outer_value(context, call.function))
    if made is None and call.function.type == "attribute":
        made = call_of(context.value_of_attribute(call.function))
    return made is not None and context.name(made.function) in _WITH_VALUES
