"""Evaluate names: find the definitions that reach a use, and join what they mean."""

import builtins
from collections.abc import Iterable

from tenny_lsp.inference.annotation import meaning_of_annotation
from tenny_lsp.inference.collections import unpacked, with_additions
from tenny_lsp.inference.definitions import meaning_of_definition, meaning_of_parameter
from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.inference.meaning import NONE, Api, External, Meaning, join
from tenny_lsp.inference.parameters import inferred
from tenny_lsp.inference.reaching import dominates, reaching
from tenny_lsp.source.scope import Binding
from tenny_lsp.source.syntax import COMPREHENSIONS, SCOPES, Node, dotted_of, up_to


def meaning_of_name(evaluator: Evaluator, name: str, place: Node, *, before: bool = False) -> Meaning | None:
    """Return the meaning of a name where it is used.

    Args:
        evaluator (Evaluator): Evaluates the file.
        name (str): The name.
        place (Node): Where it is used.
        before (bool): Whether a target of an assignment is evaluated before the assignment, as in ``x += 1``.
    """
    found = reaching_bindings(evaluator, name, place, before=before)
    if found is not None:
        return _joined(evaluator, found)
    scopes = evaluator.buffer.scopes_around(place)
    stars = [star.target for scope in scopes for star in reversed(scope.bindings.get("*", ()))]
    return _from_stars(evaluator, name, stars)


def reaching_bindings(evaluator: Evaluator, name: str, place: Node, *, before: bool = False) -> list[Binding] | None:
    """Return the bindings that may reach a name where it is used; None where no scope around it binds the name.

    Args:
        evaluator (Evaluator): Evaluates the file.
        name (str): The name.
        place (Node): Where it is used.
        before (bool): Whether a target of an assignment is evaluated before the assignment, as in ``x += 1``.
    """
    same_scope = True
    for scope in evaluator.buffer.scopes_around(place):
        bindings = scope.bindings.get(name)
        if bindings:
            return _reaching_in_scope(bindings, place.start_byte, same_scope=same_scope, before=before)
        same_scope = same_scope and scope.kind in COMPREHENSIONS
    return None


def _joined(evaluator: Evaluator, bindings: Iterable[Binding]) -> Meaning | None:
    return join(meaning_of_binding(evaluator, binding) for binding in bindings)


def _reaching_in_scope(bindings: list[Binding], position: int, *, same_scope: bool, before: bool) -> list[Binding]:
    """Return the bindings that reach a use; of a binding's own name, that binding."""
    itself = [binding for binding in bindings if binding.position == position]
    if itself and not before:
        return itself[-1:]
    if any(binding.is_import for binding in bindings):
        # `except ImportError: mx = None` does not change what mx means where it is used.
        bindings = [b for b in bindings if b.value is None or b.value.type != "none"]
    return list(reaching(bindings, position, same_scope=same_scope))


def meaning_of_binding(evaluator: Evaluator, binding: Binding) -> Meaning | None:
    """Return the meaning that one binding gives its name."""
    return evaluator.memoised(binding.position, lambda: _meaning_of_binding(evaluator, binding))


def _meaning_of_binding(evaluator: Evaluator, binding: Binding) -> Meaning | None:
    if binding.is_import:
        return evaluator.imported(binding.target)
    definition = binding.definition
    if definition is not None and definition.type in ("function_definition", "class_definition"):
        return meaning_of_definition(evaluator, definition)
    known = meaning_of_annotation(evaluator, binding.annotation) if binding.annotation is not None else None
    if definition is not None:
        return meaning_of_parameter(evaluator, binding, known) or inferred(evaluator, binding)
    if known is not None and known != NONE:
        return known
    if binding.value is None:
        return None
    value = unpacked(evaluator, evaluator.meaning(binding.value), binding.steps)
    scope = up_to(binding.value, *SCOPES - COMPREHENSIONS)
    return with_additions(evaluator, value, binding.name, scope) if scope is not None and not binding.steps else value


def exported(evaluator: Evaluator, name: str) -> Meaning | None:
    """Return the meaning of a name of the module after all of its statements have run."""
    bindings = evaluator.buffer.bindings_in(evaluator.buffer.root).get(name, [])
    end = evaluator.buffer.root.end_byte
    return _joined(evaluator, reaching(bindings, end, same_scope=True))


def assigned_attribute(evaluator: Evaluator, node: Node) -> Meaning | None:
    """Return the join of the assignments to an attribute that reach its use in the same scope, if one dominates it."""
    dotted = dotted_of(node)
    if dotted.count(".") != 1:
        return None
    scope = next(iter(evaluator.buffer.scopes_around(node)), None)
    bindings = scope.bindings.get(dotted, []) if scope is not None else []
    earlier = [binding for binding in bindings if binding.since <= node.start_byte]
    found = list(reaching(earlier, node.start_byte, same_scope=True)) if earlier else []
    if not any(dominates(binding, node.start_byte, set()) for binding in found):
        return None
    return _joined(evaluator, found)


def _from_stars(evaluator: Evaluator, name: str, stars: list[str]) -> Meaning | None:
    """Return the meaning of a name that only wildcard imports, the last one first, or Python itself may define."""
    for module in stars:
        if evaluator.index.resolve(module) is None:
            return None  # nobody knows what a module outside the index binds over the ones before it
        if entry := evaluator.index.resolve(f"{module}.{name}"):
            return Api(entry)
    return External(name) if hasattr(builtins, name) else None
