"""A name in a buffer → the entry of the API it means. What is not certain stays unknown."""

from dataclasses import dataclass, replace
from itertools import takewhile

from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.scope import Binding, Scope

#: How many assignments (``a = b``) are followed from a name to what it stands for.
_LONGEST_CHAIN = 8


@dataclass(frozen=True, slots=True)
class Found:
    """An entry and the part of the text that names it, in code points."""

    entry: ApiEntry
    start: int
    end: int


def entry_at(buffer: Buffer, offset: int, index: ApiIndex) -> Found | None:
    """Returns the entry named at an offset in code points; None when there is none or it is not certain."""
    name = buffer.name_at(offset)
    if name is None:
        return None
    if name.absolute:
        meant = [name.dotted]
    else:
        # One further than its start, so that the target of an assignment means what is assigned to it.
        position = buffer.byte_offset(name.start) + 1
        meant = _meanings(name.dotted, buffer.scopes_at(name.start), position, index)
    entry = next((found for path in meant if (found := index.resolve(path))), None)
    return Found(entry, name.start, name.end) if entry else None


def _meanings(dotted: str, scopes: list[Scope], position: int, index: ApiIndex) -> list[str]:
    """Returns the module paths a dotted name may mean, best first: one, or one for each wildcard import."""
    for _ in range(_LONGEST_CHAIN):
        root, dot, rest = dotted.partition(".")
        depth, binding = _binding(root, scopes, position)
        if binding is None:
            stars = [star.target for scope in scopes for star in reversed(scope.bindings.get("*", ()))]
            # Nobody knows what a module outside the index binds over the ones before it.
            return [f"{module}.{dotted}" for module in takewhile(index.resolve, stars)]
        if not binding.target:
            return []
        dotted = binding.target + dot + rest
        if binding.imported:
            return [dotted]
        scopes, position = scopes[depth:], binding.position
    return []


def _binding(name: str, scopes: list[Scope], position: int) -> tuple[int, Binding | None]:
    """Returns the binding of a name that holds at a position, and the depth of its scope; None if nothing binds it."""
    for depth, scope in enumerate(scopes):
        bindings = scope.bindings.get(name, [])
        if any(binding.imported for binding in bindings):
            # `except ImportError: mx = None` does not change what mx means where it is used.
            bindings = [binding for binding in bindings if not binding.is_none]
        if bindings:
            # In its own scope a name means what was bound last; a function sees what its module ends with.
            before = [b for b in bindings if b.position < position] if depth == 0 else bindings
            return depth, _certain(before or bindings, position)
    return 0, None


def _certain(bindings: list[Binding], position: int) -> Binding:
    """Returns the last binding; without its target where another branch may have bound the name to something else."""
    last = bindings[-1]
    for binding in reversed(bindings):
        if (binding.target, binding.imported) != (last.target, last.imported):
            return replace(last, target="")
        if binding.branch is None or position in binding.branch:
            break
    return last
