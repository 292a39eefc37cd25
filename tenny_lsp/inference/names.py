"""Evaluate names: find the definitions that reach a use, and join what they mean."""

import builtins
from collections.abc import Iterator

from tenny_lsp.inference.annotation import annotated
from tenny_lsp.inference.collections import unpacked, with_additions
from tenny_lsp.inference.definitions import defined, parameter
from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.inference.meaning import NONE, Api, External, Meaning, join
from tenny_lsp.source.scope import Binding, Branch
from tenny_lsp.source.syntax import COMPREHENSIONS, SCOPES, Node, dotted_of, up_to


def named(evaluator: Evaluator, name: str, place: Node, *, before: bool = False) -> Meaning | None:
    """Return what a name stands for.

    Args:
        evaluator (Evaluator): Reads the file it stands in.
        name (str): The name.
        place (Node): Where it stands.
        before (bool): Whether, as a target, it means what it was before its statement.
    """
    here = True
    scopes = evaluator.buffer.scopes_around(place)
    for scope in scopes:
        bindings = scope.bindings.get(name)
        if bindings:
            return _joined(evaluator, bindings, place.start_byte, here=here, before=before)
        here = here and scope.kind in COMPREHENSIONS
    stars = [star.target for scope in scopes for star in reversed(scope.bindings.get("*", ()))]
    return _from_stars(evaluator, name, stars)


def _joined(
    evaluator: Evaluator, bindings: list[Binding], position: int, *, here: bool, before: bool
) -> Meaning | None:
    """Return what all the bindings agree on that may hold where a name is used."""
    itself = [binding for binding in bindings if binding.position == position]
    if itself and not before:
        return meaning_of_binding(evaluator, itself[-1])
    if any(binding.is_import for binding in bindings):
        # `except ImportError: mx = None` does not change what mx means where it is used.
        bindings = [b for b in bindings if b.value is None or b.value.type != "none"]
    return join(meaning_of_binding(evaluator, binding) for binding in _reaching(bindings, position, here=here))


def _reaching(bindings: list[Binding], position: int, *, here: bool) -> Iterator[Binding]:
    """Yield the bindings that may hold at a position: back to where one is sure to, and round its loops."""
    if not here:  # a function may be called whenever the scope around it has come to
        yield from (binding for binding in bindings if not _is_excluded(binding, position))
        return
    earlier = [binding for binding in bindings if binding.since <= position]
    sure: Binding | None = None
    covered: set[Branch] = set()
    for binding in reversed(earlier or bindings):
        if not _can_reach(binding, position):
            continue
        yield binding
        if _dominates(binding, position, covered):
            sure = binding
            break
    if not earlier:
        return
    for binding in bindings:
        shared = [loop for loop in binding.loops if position in loop]
        if binding.since > position and shared and not (sure and sure.position in shared[-1]):
            yield binding


def _can_reach(binding: Binding, position: int) -> bool:
    """Return whether what follows a binding can be at a position."""
    if any(position in loop for loop in binding.loops):
        return True
    is_left = all(position in branch or branch.is_left for branch in binding.branches)
    return is_left and not _is_excluded(binding, position)


def _is_excluded(binding: Binding, position: int) -> bool:
    """Return whether a binding and a position are in different branches of one ``if`` or ``match``."""
    return any(
        branch.kind in ("if", "case") and position in branch.of and position not in branch
        for branch in binding.branches
    )


def _dominates(binding: Binding, position: int, covered: set[Branch]) -> bool:
    """Return whether no earlier binding can hold: this one has always run, or one in each branch of its statement.

    Args:
        binding (Binding): The binding.
        position (int): Where its name is used.
        covered (set[Branch]): The branches that are sure to bind the name, this binding's is added.
    """
    for branch in reversed(binding.branches):
        if position in branch:
            return True
        covered.add(branch)
        if branch.total == 0 or sum(other.of == branch.of for other in covered) < branch.total:
            return False
    return True


def meaning_of_binding(evaluator: Evaluator, binding: Binding) -> Meaning | None:
    """Return what a name means by one of its bindings."""
    return evaluator.memoised(binding.position, lambda: _meaning_of_binding(evaluator, binding))


def _meaning_of_binding(evaluator: Evaluator, binding: Binding) -> Meaning | None:
    if binding.is_import:
        return evaluator.imported(binding.target)
    definition = binding.definition
    if definition is not None and definition.type in ("function_definition", "class_definition"):
        return defined(evaluator, definition)
    known = annotated(evaluator, binding.annotation) if binding.annotation is not None else None
    if definition is not None:
        return parameter(evaluator, binding, known)
    if known is not None and known != NONE:
        return known
    if binding.value is None:
        return None
    value = unpacked(evaluator, evaluator.meaning(binding.value), binding.steps)
    scope = up_to(binding.value, *SCOPES - COMPREHENSIONS)
    return with_additions(evaluator, value, binding.name, scope) if scope is not None and not binding.steps else value


def named_at_end(evaluator: Evaluator, name: str) -> Meaning | None:
    """Return what a name of a module means when all of it has run."""
    bindings = evaluator.buffer.bindings_in(evaluator.buffer.root).get(name, [])
    end = evaluator.buffer.root.end_byte
    return (
        join(meaning_of_binding(evaluator, binding) for binding in _reaching(bindings, end, here=True))
        if bindings
        else None
    )


def assigned_here(evaluator: Evaluator, node: Node) -> Meaning | None:
    """Return what an attribute is by the assignments to it in the scope it is used in, if one is sure to have run."""
    dotted = dotted_of(node)
    if dotted.count(".") != 1:
        return None
    scope = next(iter(evaluator.buffer.scopes_around(node)), None)
    bindings = scope.bindings.get(dotted, []) if scope is not None else []
    earlier = [binding for binding in bindings if binding.since <= node.start_byte]
    found = list(_reaching(earlier, node.start_byte, here=True)) if earlier else []
    if not any(_dominates(binding, node.start_byte, set()) for binding in found):
        return None
    return join(meaning_of_binding(evaluator, binding) for binding in found)


def _from_stars(evaluator: Evaluator, name: str, stars: list[str]) -> Meaning | None:
    """Return what a name means that nothing binds but wildcard imports, the last one first, or Python itself."""
    for module in stars:
        if evaluator.index.resolve(module) is None:
            return None  # nobody knows what a module outside the index binds over the ones before it
        if entry := evaluator.index.resolve(f"{module}.{name}"):
            return Api(entry)
    return External(name) if hasattr(builtins, name) else None
