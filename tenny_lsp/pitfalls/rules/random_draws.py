"""Random numbers in mapped functions, shuffles that fall apart, seeds of another library."""

import re
import sys
from collections.abc import Iterator
from functools import partial

from tenny_lsp.pitfalls.calls import Call, call_of, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, indentation_of, inserted, is_alone, replaced
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, Search, rule
from tenny_lsp.source.syntax import Node, field, text_of, up_to

_DRAWS = (
    "normal", "uniform", "bernoulli", "randint", "categorical", "gumbel", "laplace", "truncated_normal", "permutation",
    "multivariate_normal",
)  # fmt: skip


@rule(
    "random-in-vmap",
    "warning",
    "Random numbers drawn inside `mx.vmap`",
    PYTHON + "_autosummary/mlx.core.vmap.html",
    calls=_DRAWS,
    examples=(
        Example("y = mx.vmap(lambda r: r + mx.random.normal(r.shape))(mx.zeros((2, 3)))",
                "y = mx.vmap(lambda r, key: r + mx.random.normal(r.shape, key=key))(\n"
                "    mx.zeros((2, 3)), mx.random.split(mx.random.key(0), 2))",
                "not mx.array_equal(y[0], y[1]).item()", "wrong", is_fixed=False),
        Example("def noisy(row):\n    return row + mx.random.uniform(shape=row.shape)\n"
                "y = mx.vmap(noisy)(mx.zeros((2, 3)))",
                "def noisy(rows):\n    return rows + mx.random.uniform(shape=rows.shape)\ny = noisy(mx.zeros((2, 3)))",
                "not mx.array_equal(y[0], y[1]).item()", "wrong", is_fixed=False),
        Example("@mx.vmap\ndef pick(logits):\n    return mx.random.categorical(logits)\ny = pick(mx.zeros((30, 50)))",
                "def pick(logits):\n    return mx.random.categorical(logits)\ny = pick(mx.zeros((30, 50)))",
                "y.max().item() > y.min().item()", "wrong", is_fixed=False),
    ),
)  # fmt: skip
def random_in_vmap(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find draws without a key in a function that is mapped: they are made once, and are the same for all rows."""
    if not context.file.mentions("vmap") or "key" in call.keywords:
        return
    function = up_to(call.node, "function_definition", "lambda")
    if function is None or not _is_mapped(context, function):
        return
    if context.name(call.function).startswith("mlx.core.random."):
        yield Finding(
            call.node, "Under `mx.vmap` this is drawn once, and every row gets the same numbers. Draw for all rows "
            "outside, or map over the keys of `mx.random.split(key, n)` too.",
        )  # fmt: skip


def _is_mapped(context: RuleContext, function: Node) -> bool:
    """Return whether a function is given to ``mx.vmap``, or decorated with it."""
    if function.id in context.file.transformed.get("mlx.core.vmap", {}):
        return True
    outer = function.parent
    is_decorated = outer is not None and outer.type == "decorated_definition"
    marks = list(within(outer, "decorator")) if is_decorated else []
    return any(context.name(mark.named_children[0]) == "mlx.core.vmap" for mark in marks if mark.named_children)


#: What the rows of data are called, and what belongs to each of them.
_DATA = {"x", "xs", "data", "inputs", "images", "features", "examples", "samples", "points", "sequences", "texts"}
_LABELS = {"y", "ys", "labels", "label", "targets", "target", "classes", "outputs", "scores"}
_SHUFFLED = "labels = mx.arange(6.0)\ndata = labels * 2\n"


@rule(
    "separate-shuffles",
    "warning",
    "Data and labels shuffled apart",
    PYTHON + "_autosummary/mlx.core.random.permutation.html",
    kinds=("assignment",),
    words=("permutation(",),
    examples=(
        Example(
            f"{_SHUFFLED}data = mx.random.permutation(data)\nlabels = mx.random.permutation(labels)\n"
            "y = data - labels * 2",
            f"{_SHUFFLED}order = mx.random.permutation(6)\ndata = data[order]\nlabels = labels[order]\n"
            "y = data - labels * 2",
            "not y.any()", "wrong", is_fixed=False,
        ),
        Example(
            f"{_SHUFFLED}a, b = mx.random.permutation(data), mx.random.permutation(labels)\ny = a - b * 2",
            f"{_SHUFFLED}order = mx.random.permutation(6)\na, b = data[order], labels[order]\ny = a - b * 2",
            "not y.any()", "wrong", is_fixed=False,
        ),
    ),
)  # fmt: skip
def separate_shuffles(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find data and their labels that two calls put into an order each."""
    right, statement = field(node, "right"), node.parent
    if right is None or statement is None:
        return
    if right.type == "expression_list" and len(right.named_children) == 2:
        first, second = (call_of(one) for one in right.named_children)
    else:
        earlier = statement.prev_named_sibling
        before = earlier.named_children[0] if earlier is not None and earlier.named_children else None
        first, second = call_of(field(before, "right")), call_of(right)
    if first is None or second is None or not (_is_shuffle(context, first) and _is_shuffle(context, second)):
        return
    data, labels = (text_of(one.arguments[0]) for one in (first, second))
    if _belong_together(data, labels) or _belong_together(labels, data):
        yield Finding(
            second.node, f"Each call shuffles in an order of its own, and `{labels}` belongs no more to `{data}`. "
            "Draw one order: `order = mx.random.permutation(n)`, and index both with it.",
        )  # fmt: skip


def _is_shuffle(context: RuleContext, call: Call) -> bool:
    is_plain = len(call.arguments) == 1 and not call.keywords and call.arguments[0].type in ("identifier", "attribute")
    return call.name == "permutation" and is_plain and context.name(call.function) == "mlx.core.random.permutation"


def _belong_together(data: str, labels: str) -> bool:
    """Return whether two names say that the one holds data and the other their labels: ``x_train``, ``y_train``."""
    one, other = (set(re.findall(r"[a-z]+", name.lower())) for name in (data, labels))
    return len(one - other) == len(other - one) == 1 and one - other <= _DATA and other - one <= _LABELS


#: What seeds the random numbers of another library → how its other uses begin in the text.
_SEEDS = {"numpy.random.seed": r"\brandom\b|default_rng", "random.seed": r"(?<!\.)\brandom\."}
_KNOWN = {*sys.stdlib_module_names, "mlx", "numpy", "mlx_lm"}


@rule(
    "foreign-seed",
    "warning",
    "A seed for another library's random numbers",
    PYTHON + "_autosummary/mlx.core.random.seed.html",
    scope="file",
    calls=("seed",),
    examples=(
        Example("np.random.seed(3)\na = mx.random.normal((4,)).sum()\ny = a.item()",
                "mx.random.seed(3)\na = mx.random.normal((4,)).sum()\ny = a.item()", "abs(y - 1.02) < 1e-2", "wrong"),
        Example("import random\nrandom.seed(3)\ny = mx.random.normal((4,)).sum().item()",
                "import random\nmx.random.seed(3)\ny = mx.random.normal((4,)).sum().item()", "abs(y - 1.02) < 1e-2",
                "wrong"),
    ),
)  # fmt: skip
def foreign_seed(context: RuleContext, call: Call) -> Search | None:
    """Find seeds of NumPy and of Python in files that draw from MLX's generator alone, which they leave as it is."""
    start = _SEEDS.get(context.external(call.function))
    return partial(_unseeded, context, call, start) if start is not None else None


def _unseeded(context: RuleContext, call: Call, other: str, whole: Node) -> Iterator[Finding]:
    """Report a seed if the file draws MLX's random numbers unseeded, and none of the library's that is seeded."""
    mx = context.alias("mlx.core", call.node)
    if not mx:
        return
    text = text_of(whole)
    own = re.findall(rf"\b{mx}\.random\.(\w+)\(", text)
    rest = re.sub(rf"\b{mx}\.random\b", "", text).replace(text_of(call.node), "")
    rest = re.sub(r"^\s*(?:import|from)\b.*$", "", rest, flags=re.MULTILINE)
    is_drawn = any(name not in ("seed", "key", "split", "state") for name in own)
    if not is_drawn or {"seed", "key", "split"} & set(own) or "key=" in text or re.search(other, rest):
        return
    imported = re.findall(r"^\s*(?:import|from)\s+(\.|\w+)", text, re.MULTILINE)
    if not set(imported) <= _KNOWN:  # another library may draw from it
        return
    fix = Fix(f"Write {mx}.random.seed", (replaced(call.function, f"{mx}.random.seed"),))
    yield Finding(
        call.node, "MLX has a generator of its own, and this does not seed it: its numbers differ from run to run. "
        f"Write `{mx}.random.seed(…)`.", (fix,),
    )  # fmt: skip


#: What seeds the generators of other libraries, as it stands in the text.
_OTHER_SEEDS = re.compile(r"\b(?:np\.random|numpy\.random|random|torch|torch\.cuda)\.(?:seed|manual_seed\w*)\(")
#: Libraries that do not draw from MLX's generator.
_OTHERS = _KNOWN | {
    "torch", "torchvision", "scipy", "sklearn", "pandas", "matplotlib", "tqdm", "datasets", "PIL", "gymnasium", "gym",
}  # fmt: skip


@rule(
    "unseeded-generator",
    "information",
    "Generators are seeded, and MLX's is not",
    PYTHON + "_autosummary/mlx.core.random.seed.html",
    scope="file",
    calls=("seed", "manual_seed"),
    examples=(
        Example("np.random.seed(3)\na = mx.random.normal((4,))\nb = mx.array(np.random.rand(4))\n"
                "y = mx.value_and_grad(lambda w: (w * b).sum())(a)[0] * 0 + a.sum().item()",
                "np.random.seed(3)\nmx.random.seed(3)\na = mx.random.normal((4,))\nb = mx.array(np.random.rand(4))\n"
                "y = mx.value_and_grad(lambda w: (w * b).sum())(a)[0] * 0 + a.sum().item()", "abs(y - 1.02) < 1e-2",
                "wrong"),
        Example("def seed_all(seed):\n    np.random.seed(seed)\nseed_all(3)\na = np.random.rand(4)\n"
                "y = mx.random.normal((4,)).sum().item()",
                "def seed_all(seed):\n    np.random.seed(seed)\n    mx.random.seed(seed)\nseed_all(3)\n"
                "a = np.random.rand(4)\ny = mx.random.normal((4,)).sum().item()", "abs(y - 1.02) < 1e-2", "wrong"),
    ),
)  # fmt: skip
def unseeded_generator(context: RuleContext, call: Call) -> Search | None:
    """Find seeds of NumPy, Python and PyTorch in files that seed all that they draw from, but for MLX's generator."""
    name, mx = context.external(call.function), context.alias("mlx.core", call.node)
    if name not in {*_SEEDS, "torch.manual_seed"} or not mx or len(call.arguments) != 1:
        return None
    function = up_to(call.node, "function_definition")
    is_for_all = function is not None and "seed" in text_of(field(function, "name") or function)
    if not is_for_all and not context.file.mentions("value_and_grad("):
        return None  # the data alone may be meant
    return partial(_also_unseeded, context, call, mx)


def _also_unseeded(context: RuleContext, call: Call, mx: str, whole: Node) -> Iterator[Finding]:
    """Report the last seed of a file that draws MLX's random numbers without one, unless ``foreign-seed`` does."""
    text, statement = text_of(whole), up_to(call.node, "expression_statement")
    last = list(_OTHER_SEEDS.finditer(text))
    is_last = bool(last) and text.encode()[: call.node.start_byte].decode() == text[: last[-1].start()]
    if not is_last or f"{mx}.random.seed(" in text or "random.state" in text or statement is None:
        return
    start = _SEEDS.get(context.external(call.function))
    imported = re.findall(r"^\s*(?:import|from)\s+(\.|\w+)", text, re.MULTILINE)
    if not set(imported) <= _OTHERS or not _draws_unseeded(context, whole, mx):
        return
    if start is not None and any(True for _ in _unseeded(context, call, start, whole)):
        return
    seed = f"{mx}.random.seed({text_of(call.arguments[0])})"
    added = inserted(statement.end_byte, f"\n{indentation_of(statement)}{seed}")
    fixes = (Fix(f"Add {seed}", (added,), is_safe=False),) if is_alone(statement) else ()
    yield Finding(
        call.node, "MLX has a generator of its own, which nothing seeds here: what is drawn from it differs from run "
        f"to run. Add `{seed}`.", fixes,
    )  # fmt: skip


def _draws_unseeded(context: RuleContext, whole: Node, mx: str) -> bool:
    """Return whether a file draws from MLX's generator, outside of tests."""
    for place in re.finditer(rf"\b{mx}\.random\.(?:{'|'.join(_DRAWS)})\(".encode(), whole.text or b""):
        call = call_of(up_to(whole.descendant_for_byte_range(place.start(), place.start()) or whole, "call"))
        if call is not None and "key" not in call.keywords and call.is_whole:
            function = up_to(call.node, "function_definition")
            name = text_of(field(function, "name") or call.node) if function is not None else ""
            if not name.startswith("test") and context.name(call.function).startswith("mlx.core.random."):
                return True
    return False


RULES = (random_in_vmap, separate_shuffles, foreign_seed, unseeded_generator)
