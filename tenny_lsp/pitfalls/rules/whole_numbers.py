"""Sizes that are no whole numbers."""

from collections.abc import Iterator

from tenny_lsp.inference.meaning import Plain
from tenny_lsp.pitfalls.calls import Call, call_of, function_around
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.file_facts import FRACTION
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.source.syntax import Node, field, text_of, up_to

_RANDOM = "mlx.core.random."
#: Function → the place of its first size among the arguments, and of the last; None: all that follow.
_SIZES: dict[str, tuple[int, int | None]] = {
    "mlx.core.zeros": (0, 1), "mlx.core.ones": (0, 1), "mlx.core.full": (0, 1), "mlx.core.eye": (0, 2),
    "mlx.core.tri": (0, 2), "mlx.core.reshape": (1, 2), "mlx.core.array.reshape": (0, None),
    "mlx.core.broadcast_to": (1, 2), "mlx.core.split": (1, 2), "mlx.core.array.split": (0, 1),
    "mlx.core.repeat": (1, 2), "mlx.core.tile": (1, 2), "mlx.core.topk": (1, 2), "mlx.core.linspace": (2, 3),
    "mlx.core.roll": (1, 2), "mlx.core.unflatten": (2, 3), "mlx.core.argpartition": (1, 2),
    "mlx.core.set_memory_limit": (0, 1), "mlx.core.set_cache_limit": (0, 1), "mlx.core.set_wired_limit": (0, 1),
    f"{_RANDOM}normal": (0, 1), f"{_RANDOM}uniform": (2, 3), f"{_RANDOM}randint": (2, 3), f"{_RANDOM}seed": (0, 1),
    f"{_RANDOM}key": (0, 1), f"{_RANDOM}bernoulli": (1, 2), "mlx.nn.Linear": (0, 2), "mlx.nn.Embedding": (0, 2),
    "mlx.nn.Conv1d": (0, 2), "mlx.nn.Conv2d": (0, 2), "mlx.nn.LayerNorm": (0, 1), "mlx.nn.RMSNorm": (0, 1),
}  # fmt: skip
_RESHAPE = "mlx.core.array.reshape"
#: The keywords that name sizes.
_KEYWORDS = ("shape", "num", "k", "limit", "input_dims", "output_dims", "num_embeddings", "dims")
_NAMES = tuple(sorted({name.rpartition(".")[2] for name in _SIZES}))
_CLASS = "class Split(nn.Module):\n    def __call__(self, x, h):\n        n, d = x.shape\n        return "
_FLOATS = ("float", "time.time", "math.sqrt", "math.log2", "math.pow")


@rule(
    "float-as-size",
    "error",
    "A size that is no whole number",
    PYTHON + "_autosummary/mlx.core.reshape.html",
    calls=_NAMES,
    kinds=("subscript",),
    examples=(
        Example("y = x.reshape(x.size / 3, 3)", "y = x.reshape(x.size // 3, 3)", "y.shape == (2, 3)"),
        Example("h = x.shape[1] - 1\ny = mx.zeros((4, h / 2))", "h = x.shape[1] - 1\ny = mx.zeros((4, h // 2))",
                "y.shape == (4, 1)"),
        Example("y = x[:, : x.shape[1] / 2]", "y = x[:, : x.shape[1] // 2]", "y.shape == (2, 1)"),
        Example("half = len(x) / 2\ny = x[half]", "half = len(x) // 2\ny = x[half]", "y.shape == (3,)", is_fixed=False),
        Example("y = mx.split(x, x.shape[1] / 3, axis=1)", "y = mx.split(x, x.shape[1] // 3, axis=1)", "len(y) == 1"),
        Example("dims = 8\ny = nn.Linear(dims, dims / 2)", "dims = 8\ny = nn.Linear(dims, dims // 2)",
                "y.weight.shape == (4, 8)"),
        Example(f"{_CLASS}x.reshape(n, h, d / h)\n\ny = Split()(x, 3)",
                f"{_CLASS}x.reshape(n, h, d // h)\n\ny = Split()(x, 3)", "y.shape == (2, 3, 1)"),
        Example("mx.set_cache_limit(1e9)\ny = 1", "mx.set_cache_limit(int(1e9))\ny = 1"),
        Example("import time\nmx.random.seed(time.time())\ny = 1",
                "import time\nmx.random.seed(int(time.time()))\ny = 1"),
    ),
)  # fmt: skip
def float_as_size(context: RuleContext, found: Node | Call) -> Iterator[Finding]:
    """Find floating-point numbers as sizes, counts, bounds of slices and seeds."""
    given = _sizes(context, found) if isinstance(found, Call) else _bounds(context, found)
    node = found.node if isinstance(found, Call) else found
    for one in given:
        if _is_float(context, one) and not is_guarded(context, node, ("ValueError", "RuntimeError")):
            yield Finding(
                one, "This is a floating-point number, and MLX takes whole ones alone here: it raises. `//` divides "
                "whole numbers.", _fixes(one),
            )  # fmt: skip


def _fixes(node: Node) -> tuple[Fix, ...]:
    operator = field(node, "operator") if node.type == "binary_operator" else None
    if operator is not None and operator.type == "/":
        return (Fix("Write //", (replaced(operator, "//"),), is_safe=False),)
    is_name = node.type == "identifier"
    return () if is_name else (Fix("Write int(…)", (replaced(node, f"int({text_of(node)})"),), is_safe=False),)


def _sizes(context: RuleContext, call: Call) -> Iterator[Node]:
    """Yield the sizes among the arguments of a call, those in a tuple one by one."""
    if not call.is_whole or not any(_may_be_float(context, one) for one in (*call.arguments, *call.keywords.values())):
        return
    name = context.name(call.function)
    place = _SIZES.get(_RESHAPE if not name and _is_of_parameter(context, call) else name)
    if place is None:
        return
    named = [value for word in _KEYWORDS if (value := call.value(word)) is not None]
    is_shape = name.startswith(_RANDOM) and call.name not in ("seed", "key")  # of a number there another rule speaks
    for one in (*call.arguments[place[0] : place[1]], *named):
        if one.type in ("tuple", "list"):
            yield from one.named_children
        elif not is_shape:
            yield one


def _is_of_parameter(context: RuleContext, call: Call) -> bool:
    """Return whether a parameter is reshaped in a module of MLX's, which is called with arrays."""
    function, cls = function_around(call.node), up_to(call.node, "class_definition")
    parameters = field(function, "parameters") if call.name == "reshape" else None
    if cls is None or parameters is None or call.owner is None or call.owner.type != "identifier":
        return False
    is_given = text_of(call.owner) in [text_of(one) for one in parameters.named_children]
    bases, layers = field(cls, "superclasses"), context.alias("mlx.nn", call.node)
    return is_given and bases is not None and f"{layers}.Module" in text_of(bases)


def _bounds(context: RuleContext, node: Node) -> Iterator[Node]:
    """Yield the indices of an array, and the bounds of slices of it."""
    keys = [key for key in node.children_by_field_name("subscript") if key.type not in ("integer", "none", "ellipsis")]
    parts = [part for key in keys for part in (key.named_children if key.type == "slice" else (key,))]
    parts = [part for part in parts if part.type not in ("list", "tuple", "subscript", "call")]
    wrong = [part for part in parts if _may_be_float(context, part) and _is_float(context, part)]
    if wrong and context.is_array(field(node, "value")):
        yield from wrong


def _may_be_float(context: RuleContext, node: Node) -> bool:
    """Return whether an expression, or a part of a tuple, may be a fraction by its text, which is cheap to see."""
    if node.type == "identifier":
        return text_of(node) in context.file.fractions
    if node.type in ("tuple", "list", "keyword_argument"):
        return any(_may_be_float(context, one) for one in node.named_children[node.type == "keyword_argument" :])
    return node.type in ("binary_operator", "float", "call") and FRACTION.search(text_of(node)) is not None


def _is_float(context: RuleContext, node: Node) -> bool:
    """Return whether an expression is certain to be a floating-point number; those that show no fraction are not."""
    if node.type == "identifier":
        binding = context.binding_of(node)  # its value, before it is asked whether it is changed: that takes longer
        value = binding.value if binding is not None else None
        if value is None or value.type not in ("binary_operator", "float") or not FRACTION.search(text_of(value)):
            return False
        return context.value_of(node) is not None and context.meaning(node) == Plain("float")
    call = call_of(node)
    if call is not None:
        is_named = call.name in ("float", "time", "sqrt", "log2", "pow")
        return is_named and context.external(call.function) in _FLOATS
    if (operator := field(node, "operator")) is not None and node.type == "binary_operator" and operator.type == "/":
        return True
    is_told = node.type in ("binary_operator", "float") and FRACTION.search(text_of(node)) is not None
    return is_told and context.meaning(node) == Plain("float")


RULES = (float_as_size,)
