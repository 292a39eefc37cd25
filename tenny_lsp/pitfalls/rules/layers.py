"""Layers, and members of modules and optimizers, that PyTorch has and MLX calls otherwise."""

from collections.abc import Iterator

from tenny_lsp.inference.meaning import Instance
from tenny_lsp.mlx_api.naming import customary_name
from tenny_lsp.mlx_api.pages import page_of
from tenny_lsp.pitfalls.calls import call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Edit, Fix, is_alone, replaced
from tenny_lsp.pitfalls.foreign import advice, foreign_members, replacement
from tenny_lsp.pitfalls.guards import is_set_or_guarded
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.source.syntax import Node, field, text_of


@rule(
    "foreign-member",
    "error",
    "A member that modules and optimizers do not have",
    PYTHON + "nn/module.html",
    attributes=foreign_members,
    examples=(
        Example("y = model.state_dict()", "y = model.parameters()", 'y["weight"].shape == (2, 3)', is_fixed=False),
        Example("y = model.half()", "model.set_dtype(mx.float16)", "model.weight.dtype == mx.float16", is_fixed=False),
        Example("optimizer.zero_grad()\ny = 1", "y = 1"),
    ),
)
def foreign_member(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find methods of PyTorch's modules and optimizers."""
    owner, member = field(node, "object"), field(node, "attribute")
    name = text_of(member) if member is not None else ""
    if owner is None or name in ("to", "step") or hasattr(dict, name):
        return
    for base in ("mlx.nn.Module", "mlx.optimizers.Optimizer"):
        found = replacement(base, name)
        if found is None or context.index.resolve(f"{base}.{name}") is not None:
            continue
        value = context.meaning(owner)
        is_lacking = isinstance(value, Instance) and context.inherits(value.of, base) and context.lacks(value.of, name)
        if is_lacking and not context.may_be_subclass(owner, name) and not is_set_or_guarded(context, node):
            message = f"`{customary_name(base)}` has no `{name}`.{advice(found.mlx, found.note)}"
            yield Finding(node, message, _statement_fixes(context, node, name), page_of(found.mlx or "") or "")


def _statement_fixes(context: RuleContext, node: Node, name: str) -> tuple[Fix, ...]:
    """Return the fixes of a call that stands alone: ``model.half()``, ``optimizer.zero_grad()``."""
    call = node.parent
    statement = call.parent if call is not None and call.type == "call" else None
    owner = field(node, "object")
    if statement is None or call is None or owner is None or statement.type != "expression_statement":
        return ()
    dtype = {"half": "float16", "float": "float32", "bfloat16": "bfloat16"}.get(name)
    block = statement.parent
    if (
        name == "zero_grad"
        and block is not None
        and len(block.named_children) > 1
        and len(statement.named_children) == 1
    ):
        place = block.named_children.index(statement)
        after = block.named_children[place + 1] if place + 1 < len(block.named_children) else None
        start = statement.start_byte if after is not None else block.named_children[place - 1].end_byte
        edit = Edit(start, after.start_byte if after is not None else statement.end_byte, "")
        return (Fix("Remove it", (edit,), is_alone(statement)),)
    mx = context.alias("mlx.core", node)
    if dtype and mx:
        text = f"{text_of(owner)}.set_dtype({mx}.{dtype})"
        return (Fix(f"Write {text}", (replaced(call, text),)),)
    return ()


@rule(
    "foreign-layer",
    "error",
    "A layer that MLX calls otherwise, or has as a function",
    PYTHON + "nn/layers.html",
    attributes=foreign_members,
    examples=(
        Example("y = nn.BatchNorm2d(3)", "y = nn.BatchNorm(3)", "isinstance(y, nn.BatchNorm)"),
        Example(
            "y = nn.MultiheadAttention(8, 2)", "y = nn.MultiHeadAttention(8, 2)", "isinstance(y, nn.MultiHeadAttention)"
        ),
        Example("y = nn.ModuleList([model, model])", "y = [model, model]", "len(y) == 2"),
        Example("y = nn.ModuleList()", "y = []", "y == []"),
        Example('y = nn.ModuleDict({"a": model})', 'y = {"a": model}', 'y["a"] is model'),
        Example("y = nn.Parameter(mx.zeros(3))", "y = mx.zeros(3)", "y.size == 3"),
        Example("y = nn.Hardtanh()(x)", "y = nn.HardTanh()(x)", "y.shape == (2, 3)"),
        Example(
            "y = nn.CrossEntropyLoss()(x, mx.array([0, 1]))",
            'y = nn.losses.cross_entropy(x, mx.array([0, 1]), reduction="mean")',
            "y.shape == ()",
            is_fixed=False,
        ),
        Example("y = nn.Flatten()(x)", "y = mx.flatten(x, start_axis=1)", "y.shape == (2, 3)", is_fixed=False),
    ),
)
def foreign_layer(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find names of ``torch.nn`` in ``mlx.nn``."""
    owner, member = field(node, "object"), field(node, "attribute")
    name = text_of(member) if member is not None else ""
    if owner is None or not context.is_of_module(owner) or context.name(owner) != "mlx.nn":
        return
    found = replacement("mlx.nn", name)
    if found is None or context.index.resolve(f"mlx.nn.{name}") is not None or is_set_or_guarded(context, node):
        return
    message = f"`nn` has no `{name}`.{advice(found.mlx, found.note)}"
    yield Finding(node, message, _layer_fixes(node, name, found.mlx or ""), page_of(found.mlx or "") or "")


def _layer_fixes(node: Node, name: str, mlx: str) -> tuple[Fix, ...]:
    short = mlx.rpartition(".")[2]
    is_same = short.lower() == name.lower() or name in ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "InstanceNorm2d")
    member = field(node, "attribute")
    call = call_of(node.parent)
    if member is not None and mlx.startswith("mlx.nn.") and mlx.count(".") == 2 and is_same:
        # The first two arguments are the same in both; InstanceNorm2d has momentum where InstanceNorm has affine.
        is_safe = call is None or len(call.arguments) <= 2
        return (Fix(f"Write nn.{short}", (replaced(member, short),), is_safe),)
    if call is None or not call.is_whole or call.function != node or len(call.arguments) > 1:
        return ()
    given = text_of(call.arguments[0]) if call.arguments else ""
    if name in ("ModuleList", "ParameterList") and not call.keywords:
        is_list = not given or call.arguments[0].type in ("list", "list_comprehension")
        return (Fix("Use a list", (replaced(call.node, given or "[]" if is_list else f"list({given})"),)),)
    if name == "ModuleDict" and not call.keywords:
        is_dict = not given or call.arguments[0].type in ("dictionary", "dictionary_comprehension")
        return (Fix("Use a dict", (replaced(call.node, given or "{}" if is_dict else f"dict({given})"),)),)
    if name == "Parameter" and given and not call.keywords.keys() - {"requires_grad"}:
        return (Fix("Use the array itself", (replaced(call.node, given),)),)
    return ()


RULES = (foreign_member, foreign_layer)
