"""Modules that hold other modules: their parameters are nested."""

from tenny_lsp.inference.meaning import Api, Group, Instance, Meaning
from tenny_lsp.inference.members import names_in
from tenny_lsp.pitfalls.context import RuleContext

#: MLX's modules that hold modules.
_NESTED = {
    "mlx.nn.Sequential", "mlx.nn.MultiHeadAttention", "mlx.nn.Transformer", "mlx.nn.TransformerEncoder",
    "mlx.nn.TransformerEncoderLayer", "mlx.nn.TransformerDecoder", "mlx.nn.TransformerDecoderLayer",
}  # fmt: skip


def holds_modules(context: RuleContext, owner: Instance) -> bool:
    """Return whether a module is certain to hold another."""
    if isinstance(owner.of, Api):
        return owner.of.entry.name in _NESTED
    members = (context.evaluator.member(owner, name) for name in names_in(owner.of) if not name.startswith("_"))
    return any(_is_module(context, member) for member in members)


def _is_module(context: RuleContext, meaning: Meaning | None) -> bool:
    one = meaning.each if isinstance(meaning, Group) else meaning
    return isinstance(one, Instance) and context.inherits(one.of, "mlx.nn.Module")
