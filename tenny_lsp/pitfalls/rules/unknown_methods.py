"""Methods that MLX's layers and optimizers do not have, and no other library's either."""

from collections.abc import Iterator
from difflib import get_close_matches

from tenny_lsp.inference.meaning import Api, Instance
from tenny_lsp.mlx_api.foreign import replacement_for_member
from tenny_lsp.mlx_api.naming import customary_name
from tenny_lsp.mlx_api.pages import page_of
from tenny_lsp.pitfalls.calls import Call
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.guards import is_set_or_guarded
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.source.syntax import Node, field, text_of

_BASES = ("mlx.nn.Module", "mlx.optimizers.Optimizer")


@rule(
    "unknown-method",
    "error",
    "A method that a layer or an optimizer does not have",
    PYTHON + "nn/layers.html",
    calls=("*",),
    examples=(
        Example(
            "rope = nn.RoPE(dims=4)\ny = rope.rotate_queries(mx.zeros((1, 2, 4)))",
            "rope = nn.RoPE(dims=4)\ny = rope(mx.zeros((1, 2, 4)))",
            "y.shape == (1, 2, 4)",
            is_fixed=False,
        ),
        Example(
            "y = nn.Linear(3, 2).trainable_params()",
            "y = nn.Linear(3, 2).trainable_parameters()",
            'y["bias"].size == 2',
        ),
        Example(
            "y = nn.QuantizedLinear.quantize_module(nn.Linear(64, 64))",
            "y = nn.QuantizedLinear.from_linear(nn.Linear(64, 64))",
            "y.bits == 4",
            is_fixed=False,
        ),
    ),
)
def unknown_method(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find calls of methods that an instance, made in view of one of MLX's classes, does not have."""
    function, owner, member = call.function, call.owner, field(call.function, "attribute")
    name = call.name
    # Names that something else of MLX's has are many, and rarely a layer's.
    if owner is None or member is None or name.startswith("_") or hasattr(dict, name) or context.index.named(name):
        return
    value = _value(context, owner)
    if value is None or not isinstance(value.of, Api):
        return
    if hasattr(type, name):
        return
    base = next((base for base in _BASES if context.inherits(value.of, base)), None)
    if base is None or not context.lacks(value.of, name) or context.evaluator.member(value, name) is not None:
        return
    is_named = any(context.file.mentions(text) for text in (f".{name} =", f'"{name}"', f"'{name}'"))
    if is_named or name in ("to", "backward", "step") or replacement_for_member(base, name) is not None:
        return  # the file adds it, or another rule explains it
    if context.index.is_substitute or is_set_or_guarded(context, function):
        return
    own = [short for short, entry in context.index.members(value.of.entry) if entry.kind == "method"]
    alike = get_close_matches(name, own, 1, 0.75)
    message = f"`{customary_name(value.of.entry.name)}` has no `{name}`"
    message += f". Is `{alike[0]}` meant?" if alike else f" in MLX {context.index.version}."
    fixes = (Fix(f"Write {alike[0]}", (replaced(member, alike[0]),), is_safe=False),) if alike else ()
    yield Finding(function, message, fixes, page_of(value.of.entry.name) or "")


def _value(context: RuleContext, owner: Node) -> Instance | None:
    """Return the instance that a method is called on; of a class that is named itself, one that it would make."""
    if text_of(owner) in ("self", "cls"):
        return None
    if context.is_of_module(owner):
        entry = context.entry(owner)
        is_class = entry is not None and entry.kind == "class"
        return Instance(Api(entry)) if entry is not None and is_class else None
    value = context.meaning(owner) if context.is_made(owner) else None
    return value if isinstance(value, Instance) else None


RULES = (unknown_method,)
