"""Parameters that a module gets after its dtype was set."""

import re
from collections.abc import Iterator

from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.pitfalls.values import dtype_of
from tenny_lsp.source.syntax import Node, field, text_of, up_to

#: Layers that have parameters.
_LAYERS = re.compile(
    r"mlx\.nn\.(?:Linear|Embedding|Conv\w+|LayerNorm|RMSNorm|GroupNorm|BatchNorm|MultiHeadAttention|LSTM|GRU|RNN)"
)
_HALVES = ("mlx.core.float16", "mlx.core.bfloat16")
_CLASS = (
    "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(3, 2)\n"
)
_RUN = "\n    def __call__(self, h):\n        return self.fc(h) * self.gain\n\ny = Net()(x.astype(mx.bfloat16))"
_SET = "        self.set_dtype(mx.bfloat16)\n"
_HEAD = "\n    def __call__(self, h):\n        return self.head(h)\n\ny = Net()(x.astype(mx.bfloat16))"
_IS_HALF = "y.dtype == mx.bfloat16"


@rule(
    "set-dtype-too-early",
    "warning",
    "Parameters made after the dtype was set",
    PYTHON + "nn/_autosummary/mlx.nn.Module.set_dtype.html",
    calls=("set_dtype",),
    examples=(
        Example(f"{_CLASS}{_SET}        self.gain = mx.ones(2)\n{_RUN}",
                f"{_CLASS}        self.gain = mx.ones(2)\n{_SET}{_RUN}", _IS_HALF, "wrong", is_fixed=False),
        Example(f"{_CLASS}{_SET}        self.head = nn.Linear(3, 2)\n{_HEAD}",
                f"{_CLASS}        self.head = nn.Linear(3, 2)\n{_SET}{_HEAD}", _IS_HALF, "wrong", is_fixed=False),
    ),
)  # fmt: skip
def set_dtype_too_early(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find parameters and layers that a module gives itself after its ``set_dtype``: they stay float32."""
    statement, dtype = call.node.parent, context.name(next(iter(call.arguments), None))
    if statement is None or statement.type != "expression_statement" or call.owner is None or dtype not in _HALVES:
        return
    if text_of(call.owner) != "self" or any(map(context.file.mentions, (".load_weights(", "tree_map"))):
        return
    following, found = statement.next_named_sibling, list[Node]()
    while following is not None:
        if re.search(r"set_dtype\(|\.update\(", text_of(following)):
            return
        target = _target(context, following)
        found += [target] if target is not None and not _is_converted(call.node, target) else []
        following = following.next_named_sibling
    for target in found if context.name(call.function).startswith("mlx.nn.Module") else ():
        yield Finding(
            target, "`set_dtype` converts what the module has by then: this stays float32, and what it is combined "
            f"with becomes float32, twice the memory of {dtype.removeprefix('mlx.core.')}. Set the dtype last.",
        )  # fmt: skip


def _target(context: RuleContext, statement: Node) -> Node | None:
    """Return the member of a module to which a statement assigns a parameter or a layer of float32."""
    assigned = statement.named_children[0] if statement.type == "expression_statement" else None
    left, value = field(assigned, "left"), field(assigned, "right")
    if left is None or left.type != "attribute" or text_of(field(left, "object") or left) != "self":
        return None
    if value is not None and value.type == "list_comprehension":
        value = field(value, "body")
    made = call_of(value)
    name = context.name(made.function) if made is not None else ""
    if _LAYERS.fullmatch(name):
        return left
    is_float = name == "mlx.core.random.uniform" or dtype_of(context, value) == "float32"
    return left if name and is_float and "dtype" not in text_of(statement) else None


def _is_converted(node: Node, target: Node) -> bool:
    """Return whether the class converts a parameter where it uses it."""
    around = up_to(node, "class_definition")
    name = re.escape(text_of(field(target, "attribute") or target))
    return around is not None and re.search(rf"\.{name}\b(?:\[[^\n\]]*\])?\.astype\(", text_of(around)) is not None


RULES = (set_dtype_too_early,)
