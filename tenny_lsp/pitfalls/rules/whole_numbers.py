"""Sizes that are no whole numbers, and shapes of random numbers that are no tuples."""

import re
from collections.abc import Iterator

from tenny_lsp.inference.meaning import Plain
from tenny_lsp.pitfalls.calls import Call, call_of, function_around
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Edit, Fix, replaced
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
#: What makes floating-point numbers: a division, a point, an exponent.
_FRACTION = re.compile(r"(?<!/)/(?!/)|\.\d|\d\.|\de[-+]?\d|float|sqrt|log2")
_FLOATS = ("float", "time.time", "math.sqrt", "math.log2", "math.pow")
#: Functions of random numbers → the place of the shape.
_SHAPED = {"normal": 0, "uniform": 2, "randint": 2, "bernoulli": 1, "gumbel": 0, "truncated_normal": 2, "laplace": 0}


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
    if not call.is_whole or not any(_may_be_float(one) for one in (*call.arguments, *call.keywords.values())):
        return
    name = context.name(call.function)
    place = _SIZES.get(_RESHAPE if not name and _is_of_parameter(context, call) else name)
    if place is None or (call.name == "normal" and len(call.arguments) > 2):  # as NumPy's: another rule's
        return
    named = [value for word in _KEYWORDS if (value := call.value(word)) is not None]
    for one in (*call.arguments[place[0] : place[1]], *named):
        yield from one.named_children if one.type in ("tuple", "list") else (one,)


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
    parts = [part for part in parts if _may_be_float(part) and part.type not in ("list", "tuple", "subscript", "call")]
    wrong = [part for part in parts if _is_float(context, part)]
    if wrong and context.is_array(field(node, "value")):
        yield from wrong


def _may_be_float(node: Node) -> bool:
    """Return whether an expression may be a floating-point number, by its kind: to evaluate each takes longer."""
    return node.type not in ("integer", "string", "slice", "none", "ellipsis", "true", "false", "unary_operator")


def _is_float(context: RuleContext, node: Node) -> bool:
    """Return whether an expression is certain to be a floating-point number; those that show no fraction are not."""
    if node.type == "identifier":
        binding = context.binding_of(node)  # its value, before it is asked whether it is changed: that takes longer
        value = binding.value if binding is not None else None
        if value is None or value.type not in ("binary_operator", "float") or not _FRACTION.search(text_of(value)):
            return False
        return context.value_of(node) is not None and context.meaning(node) == Plain("float")
    call = call_of(node)
    if call is not None:
        is_named = call.name in ("float", "time", "sqrt", "log2", "pow")
        return is_named and context.external(call.function) in _FLOATS
    if (operator := field(node, "operator")) is not None and node.type == "binary_operator" and operator.type == "/":
        return True
    is_told = node.type in ("binary_operator", "float") and _FRACTION.search(text_of(node)) is not None
    return is_told and context.meaning(node) == Plain("float")


@rule(
    "random-shape",
    "error",
    "Random numbers asked for as in NumPy or PyTorch",
    PYTHON + "random.html",
    calls=tuple(_SHAPED),
    examples=(
        Example("y = mx.random.uniform((2, 3))", "y = mx.random.uniform(shape=(2, 3))", "y.shape == (2, 3)"),
        Example("y = mx.random.randint(9, (4,))", "y = mx.random.randint(0, 9, (4,))", "y.shape == (4,)"),
        Example("y = mx.random.randint(0, 9, 4)", "y = mx.random.randint(0, 9, (4,))", "y.shape == (4,)"),
        Example("n = 4\ny = mx.random.uniform(-1, 1, n)", "n = 4\ny = mx.random.uniform(-1, 1, (n,))",
                "y.shape == (4,)"),
        Example("y = mx.random.normal(5)", "y = mx.random.normal((5,))", "y.shape == (5,)"),
        Example("y = mx.random.uniform(shape=len(x))", "y = mx.random.uniform(shape=(len(x),))", "y.shape == (2,)"),
        Example("y = mx.random.bernoulli((2, 3))", "y = mx.random.bernoulli(shape=(2, 3))", "y.shape == (2, 3)"),
        Example("y = mx.random.randint(0, 9, 2, 3)", "y = mx.random.randint(0, 9, (2, 3))", "y.shape == (2, 3)"),
    ),
)  # fmt: skip
def random_shape(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find a shape that is a number, or that stands where the bounds of the random numbers do."""
    if context.name(call.function) != f"{_RANDOM}{call.name}" or not call.is_whole:
        return
    place, given = _SHAPED[call.name], call.arguments
    message = f"`mx.random.{call.name}` takes the shape as a tuple: this raises."
    shape = call.value("shape") or (given[place] if len(given) == place + 1 else None)
    if shape is not None and context.meaning(shape) == Plain("int"):
        yield Finding(shape, message, (Fix("Write a tuple", (replaced(shape, f"({text_of(shape)},)"),)),))
    elif len(given) > place + 1 and place > 0 and all(context.meaning(one) == Plain("int") for one in given[place:]):
        text = f"({', '.join(text_of(one) for one in given[place:])})"
        edit = Edit(given[place].start_byte, given[-1].end_byte, text)
        yield Finding(call.listed, message, (Fix(f"Write {text}", (edit,)),))
    elif given and given[-1].type in ("tuple", "list") and "shape" not in call.keywords and len(given) <= place:
        edit = replaced(given[-1], f"shape={text_of(given[-1])}")
        if call.name == "randint" and len(given) == 2:
            edit = replaced(given[0], f"0, {text_of(given[0])}")
        if len(given) == 1 or call.name == "randint":
            yield Finding(
                call.listed, f"The shape is not the {'first' if len(given) == 1 else 'second'} argument of "
                f"`mx.random.{call.name}`: this raises.", (Fix("Name the shape", (edit,), is_safe=False),),
            )  # fmt: skip


RULES = (float_as_size, random_shape)
