"""Find the bindings that reach a use of a name: data flow, without running it."""

from collections.abc import Iterator

from tenny_lsp.source.scope import Binding, Branch


def reaching(bindings: list[Binding], position: int, *, same_scope: bool) -> Iterator[Binding]:
    """Yield the bindings that reach a position: back to one that dominates it, and around the loops that both are in.

    Args:
        bindings (list[Binding]): The bindings of one name in one scope.
        position (int): Where the name is used.
        same_scope (bool): Whether it is used in that scope itself, or in a function inside of it, which may run later.
    """
    if not same_scope:  # a function may be called at any time
        yield from (binding for binding in bindings if not _is_excluded(binding, position))
        return
    earlier = [binding for binding in bindings if binding.since <= position]
    dominating: Binding | None = None
    covered: set[Branch] = set()
    for binding in reversed(earlier or bindings):
        if not _can_reach(binding, position):
            continue
        yield binding
        if dominates(binding, position, covered):
            dominating = binding
            break
    if not earlier:
        return
    for binding in bindings:
        shared = [loop for loop in binding.loops if position in loop]
        if binding.since > position and shared and not (dominating and dominating.position in shared[-1]):
            yield binding


def _can_reach(binding: Binding, position: int) -> bool:
    """Return whether control can flow from a binding to a position."""
    if any(position in loop for loop in binding.loops):
        return True
    leaves = all(position in branch or branch.falls_through for branch in binding.branches)
    return leaves and not _is_excluded(binding, position)


def _is_excluded(binding: Binding, position: int) -> bool:
    """Return whether a binding and a position are in different branches of one ``if`` or ``match``."""
    return any(
        branch.kind in ("if", "case") and position in branch.statement and position not in branch
        for branch in binding.branches
    )


def dominates(binding: Binding, position: int, covered: set[Branch]) -> bool:
    """Return whether a binding hides all earlier ones from a position.

    It does if it dominates the position, or if together with later ones it covers every branch of its statement.

    Args:
        binding (Binding): The binding.
        position (int): Where its name is used.
        covered (set[Branch]): The branches that are certain to bind the name; this binding's are added.
    """
    for branch in reversed(binding.branches):
        if position in branch:
            return True
        covered.add(branch)
        if branch.exits == 0 or sum(other.statement == branch.statement for other in covered) < branch.exits:
            return False
    return True
