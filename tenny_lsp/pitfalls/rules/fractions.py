"""Sizes that are fractions: ``/`` makes floats of whole numbers."""

from collections.abc import Iterator

from tenny_lsp.pitfalls.calls import Call, function_around
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.guards import is_expected
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.source.syntax import Node, field, text_of, up_to

#: Function or class → the places of the sizes among its arguments, and their keywords.
_SIZES: dict[str, tuple[slice, tuple[str, ...]]] = {
    "mlx.core.array.reshape": (slice(None), ()),
    "mlx.core.reshape": (slice(1, None), ("shape",)),
    "mlx.core.zeros": (slice(0, 1), ("shape",)),
    "mlx.core.ones": (slice(0, 1), ("shape",)),
    "mlx.core.full": (slice(0, 1), ("shape",)),
    "mlx.core.broadcast_to": (slice(1, 2), ("shape",)),
    "mlx.core.random.normal": (slice(0, 1), ("shape",)),
    "mlx.core.split": (slice(1, 2), ("indices_or_sections",)),
    "mlx.core.array.split": (slice(0, 1), ("indices_or_sections",)),
    "mlx.nn.Linear": (slice(0, 2), ("input_dims", "output_dims")),
    "mlx.nn.Embedding": (slice(0, 2), ("num_embeddings", "dims")),
    "mlx.nn.LayerNorm": (slice(0, 1), ("dims",)),
    "mlx.nn.RMSNorm": (slice(0, 1), ("dims",)),
    "mlx.nn.Conv1d": (slice(0, 2), ("in_channels", "out_channels")),
    "mlx.nn.Conv2d": (slice(0, 2), ("in_channels", "out_channels")),
}
_CLASS = "class Split(nn.Module):\n    def __call__(self, x, h):\n        n, d = x.shape\n        return "
_RESHAPE = "mlx.core.array.reshape"
_NAMES = tuple({name.rpartition(".")[2] for name in _SIZES})


@rule(
    "fractional-size",
    "error",
    "A size that is a fraction",
    PYTHON + "_autosummary/mlx.core.reshape.html",
    calls=_NAMES,
    examples=(
        Example("y = x.reshape(3, x.size / 3)", "y = x.reshape(3, x.size // 3)", "y.shape == (3, 2)"),
        Example("heads = 3\ny = mx.reshape(x, (2, heads, 3 / heads))",
                "heads = 3\ny = mx.reshape(x, (2, heads, 3 // heads))", "y.shape == (2, 3, 1)"),
        Example("dims = 6\ny = nn.Linear(dims / 2, 4)(x)", "dims = 6\ny = nn.Linear(dims // 2, 4)(x)",
                "y.shape == (2, 4)"),
        Example(f"{_CLASS}x.reshape(n, h, d / h)\n\ny = Split()(x, 3)",
                f"{_CLASS}x.reshape(n, h, d // h)\n\ny = Split()(x, 3)", "y.shape == (2, 3, 1)"),
        Example("y = mx.zeros((x.size / 2, 3))", "y = mx.zeros((x.size // 2, 3))", "y.shape == (3, 3)"),
        Example("y, z = mx.split(x, x.shape[0] / 1, axis=0)", "y, z = mx.split(x, x.shape[0] // 1, axis=0)",
                "y.shape == (1, 3)"),
    ),
)  # fmt: skip
def fractional_size(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find quotients among the sizes of an array or a layer: they are floats, and MLX takes whole numbers."""
    given = [*call.arguments, *(found for one in call.keywords.values() if (found := field(one, "value")) is not None)]
    quotients = [one for node in given for one in _quotients(node)]
    if not quotients:  # to find out what is called takes longer
        return
    name = context.name(call.function)
    if not name and call.name == "reshape" and _is_in_module(context, call):
        name = _RESHAPE
    is_known = name != _RESHAPE or context.is_array(call.owner) or _is_in_module(context, call)
    if name not in _SIZES or not is_known:
        return
    places, keywords = _SIZES[name]
    sizes = [*call.arguments[places], *(call.value(keyword) for keyword in keywords)]
    for node in (one for size in sizes if size is not None for one in _quotients(size)):
        operator = field(node, "operator")
        if operator is not None and not is_expected(node):
            message = "`/` makes a float, and a size has to be a whole number: this raises. Write `//`."
            yield Finding(node, message, (Fix("Write //", (replaced(operator, "//"),), is_safe=False),))


def _is_in_module(context: RuleContext, call: Call) -> bool:
    """Return whether a parameter is reshaped in a module of MLX's, which is called with arrays."""
    function, cls = function_around(call.node), up_to(call.node, "class_definition")
    parameters = field(function, "parameters")
    if cls is None or parameters is None or call.owner is None or call.owner.type != "identifier":
        return False
    is_given = text_of(call.owner) in [text_of(one) for one in parameters.named_children]
    bases, layers = field(cls, "superclasses"), context.alias("mlx.nn", call.node)
    return is_given and bases is not None and f"{layers}.Module" in text_of(bases)


def _quotients(node: Node) -> list[Node]:
    """Return the quotients that an argument is, or that stand in a tuple."""
    if node.type in ("tuple", "list"):
        return [found for one in node.named_children for found in _quotients(one)]
    if node.type == "parenthesized_expression" and len(node.named_children) == 1:
        return _quotients(node.named_children[0])
    operator = field(node, "operator")
    return [node] if node.type == "binary_operator" and operator is not None and operator.type == "/" else []


RULES = (fractional_size,)
