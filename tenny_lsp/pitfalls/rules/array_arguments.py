"""Lists, numbers and NumPy's arrays where MLX takes its own arrays alone."""

from collections.abc import Iterator

from tenny_lsp.inference.meaning import Plain
from tenny_lsp.mlx_api.consumers import load_consumers
from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.guards import is_set_or_guarded
from tenny_lsp.pitfalls.numpy_values import is_numpy_array
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.pitfalls.values import literal_of
from tenny_lsp.source.syntax import Node, field, text_of

#: Functions that take arrays → the places of them.
_TAKEN = {
    name: sorted(int(place) for place in places if place.isdigit())
    for name, places in load_consumers().items()
    if name.startswith("mlx.core.")
}
#: Functions that take a list of arrays.
_ITEMS = ("mlx.core.concatenate", "mlx.core.stack")
#: Functions that take numbers and arrays, and no lists → how many of their arguments are such.
_MIXED = {
    f"mlx.core.{name}": count
    for count, names in (
        (1, "abs exp log log2 log1p sqrt rsqrt square sin cos tan tanh sigmoid floor ceil round sign isnan isinf erf"),
        (2, "add subtract multiply divide power maximum minimum equal greater less array_equal logical_and logical_or"),
        (3, "where clip"),
    )
    for name in names.split()
}
_NAMES = tuple(sorted({name.rpartition(".")[2] for name in (*_TAKEN, *_ITEMS, *_MIXED)}))
_LISTS = ("list", "tuple", "list_comprehension")
_RANDOM = "mlx.core.random."


@rule(
    "array-wanted",
    "error",
    "A list or a number where an array is wanted",
    PYTHON + "ops.html",
    calls=_NAMES,
    kinds=("generator_expression",),
    examples=(
        Example("y = mx.softmax([1.0, 2.0, 3.0])", "y = mx.softmax(mx.array([1.0, 2.0, 3.0]))", "y.size == 3"),
        Example("losses = [1.0, 2.0]\nlosses.append(3.0)\ny = mx.mean(losses)",
                "losses = [1.0, 2.0]\nlosses.append(3.0)\ny = mx.mean(mx.array(losses))", "y.item() == 2"),
        Example("y = mx.sum(3.0)", "y = mx.sum(mx.array(3.0))", "y.item() == 3"),
        Example("y = mx.sqrt([1.0, 4.0])", "y = mx.sqrt(mx.array([1.0, 4.0]))", "y.tolist() == [1, 2]"),
        Example("y = mx.where(x > 1, [1, 2, 3], 0)", "y = mx.where(x > 1, mx.array([1, 2, 3]), 0)",
                "y.shape == (2, 3)"),
        Example("y = mx.stack(row * 2 for row in x)", "y = mx.stack([row * 2 for row in x])", "y.shape == (2, 3)"),
        Example("y = mx.concatenate([x[0], [1.0]])", "y = mx.concatenate([x[0], mx.array([1.0])])", "y.size == 4"),
        Example("a = np.zeros(3)\ny = mx.stack([x[0], a])", "a = np.zeros(3)\ny = mx.stack([x[0], mx.array(a)])",
                "y.shape == (2, 3)"),
        Example("a = np.ones((3, 2))\ny = mx.matmul(x, a)", "a = np.ones((3, 2))\ny = mx.matmul(x, mx.array(a))",
                "y.shape == (2, 2)"),
    ),
)  # fmt: skip
def array_wanted(context: RuleContext, call: Call | Node) -> Iterator[Finding]:
    """Find lists, numbers and NumPy's arrays given to functions that take arrays of MLX's and nothing else."""
    if not isinstance(call, Call):
        yield from _joined(context, call)
        return
    if not context.is_of_module(call.function) or not call.arguments:
        return
    name = context.name(call.function)
    given = [call.arguments[place] for place in _TAKEN.get(name, ()) if place < len(call.arguments)]
    if name in _ITEMS and call.arguments[0].type in ("list", "tuple"):
        given = [one for one in call.arguments[0].named_children if one.type != "comment"]
    mixed = _MIXED.get(name, 0)
    given += [one for one in call.arguments[:mixed] if one.type in _LISTS or one.type == "identifier"]
    for one in given if call.is_whole else ():
        what = _other(context, one)
        if mixed and not what.startswith(("a list", "a tuple")):
            continue
        if what and not is_set_or_guarded(context, call.function):
            mx = context.alias("mlx.core", call.node)
            text = f"{mx}.array({text_of(one)})"
            is_safe = literal_of(one) is not None or what.startswith("an array")
            fixes = (Fix(f"Write {text}", (replaced(one, text),), is_safe),) if mx else ()
            short, alone = name.removeprefix("mlx.core."), "numbers and arrays" if mixed else "arrays of MLX's"
            yield Finding(one, f"`mx.{short}` takes {alone} alone, and this is {what}: it raises.", fixes)


def _joined(context: RuleContext, generator: Node) -> Iterator[Finding]:
    """Report a generator as the arrays that are joined: they are taken from a list alone."""
    function = field(generator.parent, "function")
    if function is None or field(generator.parent, "arguments") != generator or context.name(function) not in _ITEMS:
        return
    fix = Fix("Make a list", (replaced(generator, f"([{text_of(generator)[1:-1]}])"),))
    yield Finding(generator, f"`{text_of(function)}` takes a list of arrays, and no generator: it raises.", (fix,))


def _other(context: RuleContext, node: Node) -> str:
    """Return what an expression is certain to be instead of an array of MLX's; empty where that is not known."""
    value = context.value_of(node)
    if value is not None and value.type in _LISTS:
        return "a tuple" if value.type == "tuple" else "a list"
    if node.type in ("integer", "float", "true", "false"):
        return "a number"
    if is_numpy_array(context, node):
        return "an array of NumPy's"
    call = call_of(value)
    if call is not None and call.name == "tolist" and context.is_array(call.owner):
        return "a list"
    is_number = call is not None and call.owner is None and context.external(call.function) in ("float", "int", "len")
    return "a number" if is_number else ""


@rule(
    "number-as-key",
    "error",
    "A number for a random key",
    PYTHON + "random.html",
    keywords=("key",),
    calls=("split",),
    examples=(
        Example("y = mx.random.normal((4,), key=0)", "y = mx.random.normal((4,), key=mx.random.key(0))", "y.size == 4"),
        Example("seed = 3\ny = mx.random.uniform(shape=(2,), key=seed)",
                "seed = 3\ny = mx.random.uniform(shape=(2,), key=mx.random.key(seed))", "y.size == 2"),
        Example("y = mx.random.split(7)", "y = mx.random.split(mx.random.key(7))", "y.shape == (2, 2)"),
        Example("def draw(seed: int):\n    return mx.random.normal((2,), key=seed)\ny = draw(1)",
                "def draw(seed: int):\n    return mx.random.normal((2,), key=mx.random.key(seed))\ny = draw(1)",
                "y.size == 2"),
    ),
)  # fmt: skip
def number_as_key(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find numbers given as the key of random numbers, which is an array that ``mx.random.key`` makes."""
    name = context.name(call.function)
    given = call.value("key")
    if given is None and name == f"{_RANDOM}split" and call.arguments:
        given = call.arguments[0]
    if given is None or not name.startswith(_RANDOM) or context.meaning(given) != Plain("int"):
        return
    mx = context.alias("mlx.core", call.node)
    text = f"{mx}.random.key({text_of(given)})"
    fixes = (Fix(f"Write {text}", (replaced(given, text),)),) if mx else ()
    yield Finding(given, "A key is an array that `mx.random.key(seed)` makes of a number: this raises.", fixes)


RULES = (array_wanted, number_as_key)
