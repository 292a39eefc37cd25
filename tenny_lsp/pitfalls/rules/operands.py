"""Operands that fit, and give something else than they seem to: a column beside a row, masks that are subtracted."""

from collections.abc import Iterator

from tenny_lsp.inference.shapes.frames import Layer, Made
from tenny_lsp.inference.shapes.values import Array
from tenny_lsp.pitfalls.calls import call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, atom, replaced
from tenny_lsp.pitfalls.guards import is_prepared
from tenny_lsp.pitfalls.rule import PYTHON, USAGE, Example, Finding, rule
from tenny_lsp.source.syntax import Node, field, text_of

_OPERATORS = {"-", "==", "!=", "<", ">", "<=", ">="}
#: Functions of each element by itself.
_OF_EACH = ("sigmoid", "tanh", "round", "exp", "abs", "clip", "astype", "relu")
_DEEPEST = 6
_HEAD = "head = nn.Linear(3, 1)\nt = mx.array([0.0, 1.0])\n"


@rule(
    "column-and-row",
    "warning",
    "A column of predictions beside a row of targets",
    USAGE + "indexing.html",
    kinds=("binary_operator", "comparison_operator"),
    is_general=True,
    needs_shapes=True,
    examples=(
        Example(f"{_HEAD}y = head(x) - t", f"{_HEAD}y = head(x).squeeze(-1) - t", "y.shape == (2,)", "wrong"),
        Example(f"{_HEAD}p = mx.sigmoid(head(x))\ny = (p > 0.5) == t",
                f"{_HEAD}p = mx.sigmoid(head(x))\ny = (p > 0.5).squeeze(-1) == t", "y.shape == (2,)", "wrong"),
        Example("class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
                "        self.fc = nn.Linear(3, 1)\n    def __call__(self, a):\n        return self.fc(a)\n"
                "net = Net()\nt = mx.zeros(2)\npred = net(x)\ny = t - pred",
                "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
                "        self.fc = nn.Linear(3, 1)\n    def __call__(self, a):\n        return self.fc(a)\n"
                "net = Net()\nt = mx.zeros(2)\npred = net(x)\ny = t - pred.squeeze(-1)", "y.shape == (2,)", "wrong"),
        Example(f"{_HEAD}def loss(m, a, b):\n    return mx.mean(mx.square(m(a) - b))\n"
                "y, grads = nn.value_and_grad(head, loss)(head, x, t)",
                f"{_HEAD}def loss(m, a, b):\n    return mx.mean(mx.square(m(a).squeeze(-1) - b))\n"
                "y, grads = nn.value_and_grad(head, loss)(head, x, t)",
                "abs(y.item() - mx.mean(mx.square(head(x)[:, 0] - t)).item()) < 1e-5", "wrong"),
    ),
)  # fmt: skip
def column_and_row(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find what a layer gives, (n, 1), less or compared with one array of n numbers: each meets every other."""
    operators = [text_of(child) for child in node.children if not child.is_named]
    if len(operators) != 1 or operators[0] not in _OPERATORS or len(node.named_children) != 2:
        return
    for column, row in (node.named_children, tuple(reversed(node.named_children))):
        if row.type not in ("identifier", "attribute", "subscript") or "None" in text_of(row):
            continue
        if not _is_of_layer(context, column):
            continue
        wide, long = (context.shape_value(one) for one in (column, row))
        if not (isinstance(wide, Array) and isinstance(long, Array)) or not wide.shape or not long.shape:
            continue
        is_crossed = len(wide.shape) == 2 and len(long.shape) == 1 and wide.shape[1] == 1
        if is_crossed and wide.shape[0] == long.shape[0] and wide.shape[0] != 1 and not is_prepared(context, node):
            fix = Fix("Take the axis away", (replaced(column, f"{atom(column)}.squeeze(-1)"),), is_safe=False)
            yield Finding(
                node, "One has an axis of length 1 more than the other, and each element of one meets every element of "
                "the other: the result has two axes. `.squeeze(-1)` makes them alike.", (fix,),
            )  # fmt: skip
            return


def _is_of_layer(context: RuleContext, node: Node, depth: int = 0) -> bool:
    """Return whether a value is what a layer or a model gives, or that of each element of it."""
    if depth > _DEEPEST:
        return False
    if node.type == "parenthesized_expression" and len(node.named_children) == 1:
        return _is_of_layer(context, node.named_children[0], depth + 1)
    if node.type == "identifier":
        value = context.value_of(node)
        return value is not None and value != node and _is_of_layer(context, value, depth + 1)
    if node.type == "comparison_operator" and len(node.named_children) == 2:
        is_number = node.named_children[1].type in ("integer", "float")
        return is_number and _is_of_layer(context, node.named_children[0], depth + 1)
    call = call_of(node)
    if call is None:
        return False
    if call.name in _OF_EACH and context.name(call.function).startswith("mlx."):
        inner = call.owner if context.is_array(call.owner) else next(iter(call.arguments), None)
        return inner is not None and _is_of_layer(context, inner, depth + 1)
    return isinstance(context.shape_value(call.function), Made | Layer)


@rule(
    "boolean-difference",
    "warning",
    "Masks of booleans subtracted",
    PYTHON + "_autosummary/mlx.core.subtract.html",
    kinds=("binary_operator", "unary_operator"),
    is_general=True,
    needs_shapes=True,
    examples=(
        Example("y = (x > 3) - (x > 1)", "y = (x > 3).astype(mx.int32) - (x > 1)", "y.min().item() == -1", "wrong"),
        Example("a, b = x > 3, x > 1\ny = mx.sum(a - b)", "a, b = x > 3, x > 1\ny = mx.sum(a.astype(mx.int32) - b)",
                "y.item() == -2", "wrong"),
        Example("y = -(x > 3)", "y = -(x > 3).astype(mx.int32)", "y.min().item() == -1"),
    ),
)  # fmt: skip
def boolean_difference(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find differences of arrays of booleans, which are booleans too: -1 becomes True; and ``-mask``, which raises."""
    operator = field(node, "operator")
    if operator is None or operator.type != "-":
        return
    first, second = field(node, "left") or field(node, "argument"), field(node, "right")
    operands = [one for one in (first, second) if one is not None]
    if not operands or not all(_is_boolean(context, one) for one in operands) or is_prepared(context, node):
        return
    mx = context.alias("mlx.core", node)
    edits = (replaced(operands[0], f"{atom(operands[0])}.astype({mx}.int32)"),)
    what = "The difference of two is one of booleans, too: -1 becomes True" if second is not None else "This raises"
    yield Finding(
        node, f"These are booleans. {what}. Convert them first; `~mask` inverts one, `a & ~b` takes one from another.",
        (Fix(f"Make it {mx}.int32", edits, is_safe=False),) if mx else (),
    )  # fmt: skip


def _is_boolean(context: RuleContext, node: Node) -> bool:
    if node.type not in ("identifier", "parenthesized_expression", "call", "attribute", "subscript"):
        return False
    value = context.shape_value(node) if context.is_array(node) else None
    return isinstance(value, Array) and value.dtype == "bool"


RULES = (column_and_row, boolean_difference)
