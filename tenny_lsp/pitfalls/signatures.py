"""The signatures of what is called."""

from tenny_lsp.inference.meaning import Instance
from tenny_lsp.inference.members import member_entry
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.pitfalls.calls import Call
from tenny_lsp.pitfalls.context import RuleContext


def called_entry(context: RuleContext, call: Call) -> ApiEntry | None:
    """Return the function, method or class of MLX's that is called; None where it is another or has no signature."""
    entry = context.entry(call.function)
    if entry is None and call.owner is not None:
        owner = context.meaning(call.owner)
        entry = member_entry(context.evaluator, owner, call.name) if isinstance(owner, Instance) else None
    return entry if entry is not None and entry.signatures else None


def parameters(entry: ApiEntry) -> set[str]:
    """Return the names of all the parameters that any overload has; ``**`` where one takes any keyword."""
    found = [parameter for signature in entry.signatures for parameter in signature.parameters]
    return {"**" if parameter.kind == "variadic keyword" else parameter.name for parameter in found}
