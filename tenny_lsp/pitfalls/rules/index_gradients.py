"""Gradients that would have to flow through indices."""

from collections.abc import Iterator
from functools import partial

from tenny_lsp.inference.meaning import LocalFunction
from tenny_lsp.pitfalls.calls import Call, call_of, function_around
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.differentiated import Sources, followed, is_cut, reached
from tenny_lsp.pitfalls.file_facts import GRADIENTS
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, Search, rule
from tenny_lsp.source.syntax import Node, field, up_to

#: Functions whose second argument are indices.
_TAKES = {
    "mlx.core.take", "mlx.core.take_along_axis", "mlx.nn.losses.cross_entropy", "mlx.nn.losses.nll_loss",
}  # fmt: skip
#: What makes indices of arrays.
_PLACES = ("argmax", "argmin", "argsort", "argpartition", "categorical")
_CODES = (
    "class Codes(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.table = mx.eye(3)\n"
    "    def nearest(self, z):\n        return mx.argmin(((z[:, None] - self.table) ** 2).sum(-1), axis=-1)\n"
    "    def __call__(self, z):\n        codes = {}\n        return z + self.table[codes], codes\n"
    "def loss(model, z):\n    q, codes = model(z)\n    return q.sum(), codes\n"
    "net = Codes()\n_, y = nn.value_and_grad(net, loss)(net, x)"
)


@rule(
    "gradient-of-index",
    "error",
    "A gradient that would flow through indices",
    PYTHON + "_autosummary/mlx.core.stop_gradient.html",
    scope="file",
    calls=("grad", "value_and_grad"),
    examples=(
        Example("table = mx.ones((3, 4))\ndef loss(z):\n    codes = mx.argmax(z, axis=-1)\n"
                "    return (table[codes].sum(-1) * z.sum(-1)).sum()\ny = mx.grad(loss)(x)",
                "table = mx.ones((3, 4))\ndef loss(z):\n    codes = mx.stop_gradient(mx.argmax(z, axis=-1))\n"
                "    return (table[codes].sum(-1) * z.sum(-1)).sum()\ny = mx.grad(loss)(x)", "y.shape == (2, 3)",
                is_fixed=False),
        Example("def loss(model, a):\n    logits = model(a)\n    guess = logits.argmax(axis=-1)\n"
                "    return nn.losses.cross_entropy(logits, guess).mean()\n"
                "_, y = nn.value_and_grad(model, loss)(model, x)",
                "def loss(model, a):\n    logits = model(a)\n    guess = mx.stop_gradient(logits.argmax(axis=-1))\n"
                "    return nn.losses.cross_entropy(logits, guess).mean()\n"
                "_, y = nn.value_and_grad(model, loss)(model, x)", "len(y) == 2", is_fixed=False),
        Example(_CODES.format("self.nearest(z)"), _CODES.format("mx.stop_gradient(self.nearest(z))"),
                "y['table'].shape == (3, 3)", is_fixed=False),
        Example("def loss(w):\n    order = mx.argsort(w, axis=-1)\n"
                "    return mx.take_along_axis(w, order, axis=-1)[:, 0].sum()\ny = mx.grad(loss)(x)",
                "def loss(w):\n    order = mx.stop_gradient(mx.argsort(w, axis=-1))\n"
                "    return mx.take_along_axis(w, order, axis=-1)[:, 0].sum()\ny = mx.grad(loss)(x)",
                "y.shape == (2, 3)", is_fixed=False),
    ),
)  # fmt: skip
def gradient_of_index(context: RuleContext, call: Call) -> Search | None:
    """Find indices that are computed from what is differentiated, in a loss or in the modules that it calls."""
    if not any(map(context.file.mentions, (f"{name}(" for name in _PLACES))):
        return None
    place = GRADIENTS.get(context.name(call.function), 99)
    function = context.evaluator.meaning(call.arguments[place]) if len(call.arguments) > place else None
    if not isinstance(function, LocalFunction) or function.home is not context.evaluator:
        return None
    is_expected = is_guarded(context, call.node, ("ValueError",))
    return partial(_indices, context, call, function.node) if not is_expected else None


def _indices(context: RuleContext, call: Call, function: Node, _: Node) -> Iterator[Finding]:
    """Report the first index that a gradient would flow through."""
    for sources, behind in reached(context, function, call):
        for part in behind.parts:
            found = next((one for one in _indexed_by(context, part) if _is_differentiated(context, one, sources)), None)
            if found is not None and not _is_optional(part):
                yield Finding(
                    found, "This index is computed from what the gradient is taken of, and none flows through indices: "
                    "this raises. Write `mx.stop_gradient` around it.",
                )  # fmt: skip
                return


def _indexed_by(context: RuleContext, part: Node) -> list[Node]:
    """Return the indices with which an expression takes from an array."""
    if part.type == "subscript":
        keys = [one for one in part.children_by_field_name("subscript") if one.type in ("identifier", "call")]
        return keys if keys and context.is_array(field(part, "value")) else []
    call = call_of(part)
    if call is None or not call.arguments:
        return []
    if context.is_a(call.function, "mlx.nn.Embedding"):
        return [call.arguments[0]]
    is_taken = len(call.arguments) > 1 and context.name(call.function) in _TAKES
    return [call.arguments[1]] if is_taken else []


def _is_differentiated(context: RuleContext, index: Node, sources: Sources) -> bool:
    """Return whether an index is what ``argmax`` and its like make of what is differentiated."""
    behind = followed(context, index, lambda part: is_cut(context, part))
    calls = (call_of(part) for part in behind.parts)
    are_places = any(call is not None and call.name in _PLACES for call in calls)
    return are_places and any(sources.has(context, part) for part in behind.parts if not is_cut(context, part))


def _is_optional(part: Node) -> bool:
    """Return whether an expression stands in a branch of its function, which may not run."""
    function = function_around(part)
    branch = up_to(part, "if_statement", "conditional_expression", "try_statement", "match_statement")
    return branch is not None and function is not None and branch.start_byte > function.start_byte


RULES = (gradient_of_index,)
