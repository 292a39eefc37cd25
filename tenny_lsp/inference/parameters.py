"""Infer that a parameter without an annotation is an array: from what takes it, from its calls, from what traces it.

One use that arrays do not have, or a test of what it is, leaves a parameter unknown: it may be several things.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from tenny_lsp.inference.consumption import named
from tenny_lsp.inference.definitions import class_of, decorators
from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.inference.meaning import NEVER, Api, Instance, Meaning
from tenny_lsp.inference.reaching import reaching
from tenny_lsp.inference.taking import ARRAY, is_array_like, taken, taken_again
from tenny_lsp.inference.uses import ParameterUse, is_arithmetic, is_other, uses_of
from tenny_lsp.source.scope import Binding
from tenny_lsp.source.syntax import Node, field, text_of, up_to

#: What traces a function with arrays for all its parameters, and what does for the first alone.
_TRACES = {"mlx.core.compile", "mlx.core.vmap", "mlx.core.grad", "mlx.core.value_and_grad"}
_TRACES_FIRST = {"mlx.core.grad", "mlx.core.value_and_grad"}
#: How many calls of a function are looked at; more are taken to be like these.
_MOST_CALLS = 20


@dataclass(frozen=True, slots=True)
class Inferred:
    """What a parameter is inferred to be, and why: "`self.fc` takes it"."""

    meaning: Meaning
    reason: str


def inferred(evaluator: Evaluator, binding: Binding) -> Meaning | None:
    """Return the meaning of a parameter without an annotation or a default; None where it is not certain."""
    found = inference_of(evaluator, binding)
    return found.meaning if found is not None else None


def inference_of(evaluator: Evaluator, binding: Binding) -> Inferred | None:
    """Return what a parameter is inferred to be, with the reason; None where it is not certain."""
    function = inferable(binding)
    array = evaluator.index.resolve(ARRAY) if function is not None else None
    if function is None or array is None:
        return None
    uses = list(uses_of(evaluator, function, binding))
    if any(is_other(evaluator, use) for use in uses):
        return None
    reason = taken(evaluator, function, uses) or _called(evaluator, function, binding)
    is_proved = reason and not reason.startswith(f"`{binding.name}.")  # others have methods of an array's name
    reason = reason or taken_again(evaluator, function, binding) or _traced(evaluator, function, binding, uses)
    if not reason or (not is_proved and _is_given_other(evaluator, function, binding)):
        return None
    return Inferred(Instance(Api(array)), reason)


def inferable(binding: Binding) -> Node | None:
    """Return the function of a parameter that has no annotation, no star and no default; None for other bindings."""
    node = binding.definition
    if node is None or node.type != "identifier" or binding.steps or binding.annotation is not None:
        return None
    listed = node.parent
    function = listed.parent if listed is not None and listed.type == "parameters" else None
    if function is None or function.type != "function_definition" or listed is None:
        return None
    is_own = class_of(function) is not None and listed.named_children[0] == node
    return None if is_own and "staticmethod" not in map(text_of, decorators(function)) else function


def _given(evaluator: Evaluator, function: Node, binding: Binding) -> Iterator[Meaning | None]:
    """Yield what the calls of a function give a parameter; None for each that is not known, or use that is no call."""
    position = next(place for place, node in enumerate(_listed(function)) if node.start_byte == binding.position)
    for call in islice(calls_of(evaluator, function), _MOST_CALLS):
        given = _argument(call, position, binding.name) if call is not None else None
        yield evaluator.value(evaluator.meaning(given)) if given is not None else None


def _is_given_other(evaluator: Evaluator, function: Node, binding: Binding) -> bool:
    """Return whether a call in the file gives a parameter what is certain not to be an array."""
    known = (one for one in _given(evaluator, function, binding) if one is not None and one != NEVER)
    return not all(map(evaluator.is_array, known))


def _called(evaluator: Evaluator, function: Node, binding: Binding) -> str:
    """Return the reason that every call in the file passes an array; empty where one may not, or there is none."""
    if not all(map(is_compiler, map(evaluator.meaning, decorators(function)))):
        return ""
    has_array = False
    for given in _given(evaluator, function, binding):
        if not evaluator.is_array(given) and given != NEVER:
            return ""
        has_array = has_array or given != NEVER
    return "every call in this file passes one" if has_array else ""


def _listed(function: Node) -> list[Node]:
    parameters = field(function, "parameters")
    return [node for node in parameters.named_children if node.type != "comment"] if parameters is not None else []


def calls_of(evaluator: Evaluator, function: Node) -> Iterator[Node | None]:
    """Yield the calls of a function of the module by its name, and None where the name is used otherwise."""
    root, name = evaluator.buffer.root, field(function, "name")
    bindings = evaluator.buffer.bindings_in(root).get(text_of(name), []) if name is not None else []
    if [binding.definition for binding in bindings] != [function]:
        yield None
        return
    for node in named(root, text_of(name) if name is not None else ""):
        outer = node.parent
        if outer is None or node == name or _is_keyword(node):
            continue
        scope = next((one for one in evaluator.buffer.scopes_around(node) if text_of(node) in one.bindings), None)
        if scope is not None and scope.node == root:
            yield outer if outer.type == "call" and field(outer, "function") == node else None


def _is_keyword(node: Node) -> bool:
    outer = node.parent
    return outer is not None and outer.type == "keyword_argument" and field(outer, "name") == node


def _argument(call: Node, position: int, name: str) -> Node | None:
    """Return the argument of a call for a parameter; None where it is not given or something is starred."""
    listed = field(call, "arguments")
    if listed is None or listed.type != "argument_list":
        return None
    given = [node for node in listed.named_children if node.type != "comment"]
    if any(node.type in ("list_splat", "dictionary_splat", "ERROR") for node in given):
        return None
    for node in given:
        if node.type == "keyword_argument" and text_of(node.named_children[0]) == name:
            return field(node, "value")
    positional = [node for node in given if node.type != "keyword_argument"]
    return positional[position] if position < len(positional) else None


def _traced(evaluator: Evaluator, function: Node, binding: Binding, uses: list[ParameterUse]) -> str:
    """Return the reason that MLX traces a function whose parameter is used as arrays are; empty where it is not so."""
    is_first = _listed(function)[0].start_byte == binding.position
    likes = [use for use in uses if is_array_like(evaluator, use)]
    # Further parameters that are operands only are often Python's numbers, which MLX takes for constants.
    if not (likes or (is_first and uses)) or not all(use in likes or is_arithmetic(use) for use in uses):
        return ""
    for applied in decorators(function):
        if is_compiler(evaluator.meaning(applied)):
            return f"MLX traces `{text_of(field(function, 'name') or function)}`"
    for call in _transforms(evaluator, function):
        meaning = evaluator.meaning(field(call, "function") or call)
        transform = meaning.entry.name if isinstance(meaning, Api) else ""
        listed = field(call, "arguments")
        # Other arguments of the rest say what is traced: in_axes, argnums.
        is_plain = is_compiler(meaning) or (listed is not None and len(listed.named_children) == 1)
        if transform in _TRACES and is_plain and (is_first or transform not in _TRACES_FIRST):
            return f"MLX traces `{text_of(field(function, 'name') or function)}`"
    return ""


def is_compiler(meaning: Meaning | None) -> bool:
    """Return whether a decorator is ``mx.compile`` or a ``partial`` of it."""
    return isinstance(meaning, Api) and meaning.entry.name == "mlx.core.compile"


def _transforms(evaluator: Evaluator, function: Node) -> Iterator[Node]:
    """Yield the calls that are given a function by its name first, ``mx.grad(f)``."""
    name = field(function, "name")
    scope = up_to(function.parent, "function_definition", "module") if function.parent is not None else None
    for node in named(scope or evaluator.buffer.root, text_of(name)) if name is not None else ():
        listed = node.parent
        if listed is None or listed.type != "argument_list" or listed.named_children[0] != node:
            continue
        if _definitions(evaluator, node) == [function] and listed.parent is not None:
            yield listed.parent


def _definitions(evaluator: Evaluator, name: Node) -> list[Node | None]:
    """Return the definitions of a name in the scope that it is looked up in; None for each binding that is none."""
    scopes = (scope for scope in evaluator.buffer.scopes_around(name) if text_of(name) in scope.bindings)
    found = next(scopes, None)
    return [binding.definition for binding in found.bindings[text_of(name)]] if found is not None else []


def inference_at(evaluator: Evaluator, name: Node) -> Inferred | None:
    """Return what the parameter that a name stands for is inferred to be; None where it is no such parameter."""
    scopes = evaluator.buffer.scopes_around(name)
    function = name.parent.parent if name.parent is not None and name.parent.type == "parameters" else None
    if function is not None:
        bindings = evaluator.buffer.bindings_in(function).get(text_of(name), [])
        found = [one for one in bindings if one.position == name.start_byte]
    else:
        scope = next((one for one in scopes if text_of(name) in one.bindings), scopes[-1])
        bindings = scope.bindings.get(text_of(name), [])
        found = list(reaching(bindings, name.start_byte, same_scope=scope == scopes[0]))
    return inference_of(evaluator, found[0]) if len(found) == 1 else None


def inferable_parameters(evaluator: Evaluator, function: Node) -> Iterator[Binding]:
    """Yield the parameters of a function that may be inferred."""
    for bindings in evaluator.buffer.bindings_in(function).values():
        yield from (binding for binding in bindings if inferable(binding) == function)
