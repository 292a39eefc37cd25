"""NumPy's arrays as MLX does not take them: in a list, as an index."""

from collections.abc import Iterator

from tenny_lsp.pitfalls.calls import Call
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.numpy_values import holds_numpy_arrays, is_numpy_array
from tenny_lsp.pitfalls.rule import USAGE, Example, Finding, rule
from tenny_lsp.source.syntax import Node, field, text_of

_NUMPY = USAGE + "numpy.html"


@rule(
    "numpy-in-list",
    "error",
    "`mx.array` of a list of NumPy's arrays",
    _NUMPY,
    calls=("array",),
    examples=(
        Example("y = mx.array([np.zeros(3), np.ones(3)])", "y = mx.array(np.array([np.zeros(3), np.ones(3)]))",
                "y.shape == (2, 3)"),
        Example("rows = [np.arange(3) for _ in range(2)]\ny = mx.array(rows)",
                "rows = [np.arange(3) for _ in range(2)]\ny = mx.array(np.array(rows))", "y.shape == (2, 3)"),
        Example("def read(n):\n    return [np.random.rand(2, 2) for _ in range(n)]\ny = mx.array(read(3))",
                "def read(n):\n    return [np.random.rand(2, 2) for _ in range(n)]\ny = mx.array(np.array(read(3)))",
                "y.shape == (3, 2, 2)"),
        Example("y = mx.array([np.float32(v) for v in (1, 2)])",
                "y = mx.array(np.array([np.float32(v) for v in (1, 2)]))", "y.shape == (2,)"),
        Example("rows = [[1, 3], [4, 2]]\ny = mx.array([np.argmax(row) for row in rows])",
                "rows = [[1, 3], [4, 2]]\ny = mx.array(np.array([np.argmax(row) for row in rows]))",
                "y.tolist() == [1, 0]"),
        Example("rng = np.random.default_rng(0)\ny = mx.array([rng.integers(0, 9, (2, 2)) for _ in range(3)])",
                "rng = np.random.default_rng(0)\n"
                "y = mx.array(np.array([rng.integers(0, 9, (2, 2)) for _ in range(3)]))", "y.shape == (3, 2, 2)"),
    ),
)  # fmt: skip
def numpy_in_list(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find lists that hold arrays of NumPy's, given to ``mx.array``, which takes one such array but no list of them."""
    given = call.arguments[0] if call.arguments and call.is_whole else None
    if given is None or context.name(call.function) != "mlx.core.array" or not holds_numpy_arrays(context, given):
        return
    if is_guarded(context, call.node, ("ValueError",)):
        return
    np = context.alias("numpy", call.node)
    text = f"{np}.array({text_of(given)})"
    fixes = (Fix(f"Write {text}", (replaced(given, text),), is_safe=False),) if np else ()
    yield Finding(
        given, "`mx.array` takes an array of NumPy's, but no list that holds them, or NumPy's numbers: it raises. Make "
        "one array of them first.", fixes,
    )  # fmt: skip


@rule(
    "numpy-index",
    "error",
    "An array indexed by one of NumPy's",
    _NUMPY,
    kinds=("subscript",),
    words=("numpy",),
    examples=(
        Example("keep = np.array([0, 1])\ny = x[keep]", "keep = np.array([0, 1])\ny = x[mx.array(keep)]",
                "y.shape == (2, 3)"),
        Example("y = x[:, np.argsort(np.random.rand(3))]", "y = x[:, mx.array(np.argsort(np.random.rand(3)))]",
                "y.shape == (2, 3)"),
        Example("order = np.random.permutation(2)\ny = x[order]",
                "order = np.random.permutation(2)\ny = x[mx.array(order)]", "y.shape == (2, 3)"),
    ),
)  # fmt: skip
def numpy_index(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find arrays of NumPy's as an index of one of MLX's."""
    keys = node.children_by_field_name("subscript")
    for key in keys:
        if key.type not in ("identifier", "call") or not is_numpy_array(context, key):
            continue
        if not context.is_array(field(node, "value")) or is_guarded(context, node, ("ValueError",)):
            return
        mx = context.alias("mlx.core", node)
        text = f"{mx}.array({text_of(key)})"
        fixes = (Fix(f"Write {text}", (replaced(key, text),), is_safe=False),) if mx else ()
        yield Finding(key, "An array of MLX's cannot be indexed by one of NumPy's: this raises.", fixes)


RULES = (numpy_in_list, numpy_index)
