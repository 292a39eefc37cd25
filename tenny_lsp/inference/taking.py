"""Find what takes a parameter, and takes arrays only, whenever its function runs: what proves that it is an array."""

from collections.abc import Iterable

from tenny_lsp.inference.consumption import consumer_of, documented_taker, is_unconditional, local_consumer_of
from tenny_lsp.inference.evaluator import Evaluator, home_of
from tenny_lsp.inference.meaning import Api, Instance, LocalFunction, Meaning
from tenny_lsp.inference.uses import BUILTIN, ParameterUse, is_other, uses_of
from tenny_lsp.source.scope import Binding
from tenny_lsp.source.syntax import Node, field, text_of

ARRAY = "mlx.core.array"


def taken(evaluator: Evaluator, function: Node, uses: Iterable[ParameterUse]) -> str:
    """Return what takes a parameter, and takes arrays only, whenever the function runs; empty where nothing does."""
    body = field(function, "body")
    for use in uses:
        if body is not None and use.is_first and is_unconditional(use.node, body):
            taker = taker_of(evaluator, use.node)
            if taker:
                return f"`{taker}` takes it"
    return ""


def taken_again(evaluator: Evaluator, function: Node, binding: Binding) -> str:
    """Return what takes a parameter after ``x = x.view(…)``, which is the same again in another form; or ""."""
    for again in evaluator.buffer.bindings_in(function).get(binding.name, ()):
        value = field(again.value, "function", "object") if again.value is not None else None
        is_own = value is not None and value.type == "identifier" and text_of(value) == binding.name
        if is_own and not again.steps and not again.branches and not again.loops:
            return taken(evaluator, function, uses_of(evaluator, function, again))
    return ""


def taker_of(evaluator: Evaluator, node: Node) -> str:
    """Return what takes a name, and takes arrays only: of MLX's, or of a file's; empty where nothing does."""
    if taker := consumer_of(evaluator, node):
        return taker
    found = local_consumer_of(evaluator, node)
    return found[2] if found is not None and _takes_arrays(found[0], found[1]) else ""


def _takes_arrays(function: LocalFunction, parameter: str) -> bool:
    """Return whether a function takes an array for a parameter: by its annotation, or by what takes that in turn.

    What its calls in the file pass proves nothing here: this is one of them.
    """
    home = home_of(function)
    binding = home.buffer.bindings_in(function.node)[parameter][0]
    body = field(function.node, "body")
    if binding.annotation is not None:
        return body is not None and home.is_array(home.meaning_of_name(parameter, body))

    def compute() -> Meaning | None:
        uses = list(uses_of(home, function.node, binding))
        array = home.index.resolve(ARRAY)
        if array is None or any(is_other(home, use) for use in uses) or not taken(home, function.node, uses):
            return None
        return Instance(Api(array))

    return home.is_array(home.memoised((binding.position, "taken"), compute))


def is_array_like(evaluator: Evaluator, use: ParameterUse) -> bool:
    """Return whether a use is one that neither numbers nor Python's collections have, but arrays."""
    node, outer = use.node, use.node.parent
    if outer is None:
        return False
    if outer.type == "attribute" and field(outer, "object") == node:
        member = text_of(outer.named_children[-1])
        is_member = evaluator.index.resolve(f"mlx.core.array.{member}") is not None
        return is_member and not any(hasattr(one, member) for one in BUILTIN)
    if outer.type == "subscript" and field(outer, "value") == node:
        keys = outer.children_by_field_name("subscript")
        return len(keys) > 1 or any(key.type in ("ellipsis", "none") for key in keys)
    return bool(taker_of(evaluator, node) or documented_taker(evaluator, node))
