"""The signatures of what is called, and why a call does not fit them."""

from dataclasses import dataclass

from tenny_lsp.inference.meaning import Api, Instance, Meaning
from tenny_lsp.inference.members import member_entry
from tenny_lsp.mlx_api.entry import ApiEntry, Signature
from tenny_lsp.mlx_api.overloads import named_of, overloads_of, positional_of, required_of, takes
from tenny_lsp.pitfalls.calls import Call
from tenny_lsp.pitfalls.context import RuleContext

#: Classes that are there to be subclassed: an instance may well have other methods.
_ABSTRACT = ("mlx.nn.Module", "mlx.optimizers.Optimizer")


def called_entry(context: RuleContext, call: Call) -> ApiEntry | None:
    """Return the function, method or class of MLX's that is called; None where it is another or has no signature."""
    entry = context.entry(call.function)
    if entry is None and call.owner is not None:
        owner = context.meaning(call.owner)
        entry = member_entry(context.evaluator, owner, call.name) if isinstance(owner, Instance) else None
    return entry if entry is not None and entry.signatures else None


def parameters(entry: ApiEntry) -> set[str]:
    """Return the names of all the parameters that any overload has; ``**`` where one takes any keyword."""
    found = [parameter for signature in overloads_of(entry) for parameter in signature.parameters]
    return {"**" if parameter.kind == "variadic keyword" else parameter.name for parameter in found}


def bound_entry(context: RuleContext, call: Call) -> ApiEntry | None:
    """Return what of MLX's a call is certain to call without a further ``self``: its arguments are all that it gets.

    That is a function, a class, a method of an instance, or, as its ``__call__``, an instance. None where an instance
    may be of a subclass, or a method stands alone.
    """
    entry = context.entry(call.function)
    if entry is not None and entry.kind in ("function", "class"):
        return entry
    if entry is not None and entry.kind == "method":
        meaning = context.evaluator.meaning(call.function)
        return entry if isinstance(meaning, Api) and _is_its_own(context, call, meaning.receiver) else None
    instance = context.meaning(call.function) if context.is_made(call.function) else None
    if not isinstance(instance, Instance) or not isinstance(instance.of, Api):
        return None
    return context.index.resolve(f"{instance.of.entry.name}.__call__")


def _is_its_own(context: RuleContext, call: Call, receiver: Meaning | None) -> bool:
    """Return whether a method that is called is the one of the class that its receiver has, and of no subclass."""
    if not isinstance(receiver, Instance):
        return False
    if not isinstance(receiver.of, Api):  # a class of the file's, in whose text no other method of the name stands
        return True
    name = receiver.of.entry.name
    if name == "mlx.core.array":
        return context.is_array(call.owner)
    return name.startswith("mlx.core.") or (name not in _ABSTRACT and context.is_made(call.owner))


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Why a call does not fit a signature.

    Args:
        unknown (tuple[str, ...]): The keywords that it does not have.
        placed (tuple[str, ...]): Those whose parameters take positional arguments only.
        twice (tuple[str, ...]): Those whose parameters a positional argument has already.
        surplus (int): How many positional arguments there are too many.
        missing (tuple[str, ...]): The parameters without a default that nothing is given for, in their order.
        left (tuple[str, ...]): All the parameters that could be given by keyword, and are not given.
    """

    unknown: tuple[str, ...]
    placed: tuple[str, ...]
    twice: tuple[str, ...]
    surplus: int
    missing: tuple[str, ...]
    left: tuple[str, ...]


def fits(entry: ApiEntry, call: Call) -> bool:
    """Return whether an overload of an entry takes a call's arguments, or none of them is known."""
    overloads = overloads_of(entry)
    return not overloads or any(takes(one, len(call.arguments), call.keywords) for one in overloads)


def mismatch(entry: ApiEntry, call: Call) -> Mismatch | None:
    """Return why a call fits no overload of an entry: none of them, or the one that comes closest.

    Returns None when it fits one.
    """
    if fits(entry, call):
        return None
    found = [_mismatch(one, call) for one in overloads_of(entry)]
    unknown = set(found[0].unknown).intersection(*(one.unknown for one in found))
    closest = min(found, key=lambda one: (len(one.unknown), one.surplus + len(one.missing + one.placed + one.twice)))
    return closest if unknown == set(closest.unknown) else None


def _mismatch(overload: Signature, call: Call) -> Mismatch:
    positional, named = positional_of(overload), named_of(overload)
    kinds = {one.kind for one in overload.parameters}
    count = len(call.arguments)
    given = [one.name for one in positional[:count]]
    all_named = "variadic keyword" in kinds
    only_placed = {one.name for one in positional if one.kind == "positional-only"} if not all_named else set()
    required = required_of(overload)
    return Mismatch(
        unknown=tuple(name for name in call.keywords if name not in named | only_placed and not all_named),
        placed=tuple(name for name in call.keywords if name in only_placed and name not in given),
        twice=tuple(name for name in call.keywords if name in given),
        surplus=max(count - len(positional), 0) if "variadic positional" not in kinds else 0,
        missing=tuple(
            one.name
            for one in overload.parameters
            if one.name in required and one.name not in given and one.name not in call.keywords
        ),
        left=tuple(
            one.name
            for one in overload.parameters
            if one.name in named and one.name not in given and one.name not in call.keywords
        ),
    )
