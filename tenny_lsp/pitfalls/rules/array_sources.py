"""What `mx.array` and an assignment to a part of an array make no array of: iterators, sets, texts, pictures, lists."""

from collections.abc import Iterator

from tenny_lsp.inference.meaning import Table
from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.origins import last_value
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.pitfalls.values import literal_of
from tenny_lsp.source.syntax import Node, field, text_of

_PAGE = PYTHON + "_autosummary/mlx.core.array.html"
#: Python's functions → what they return.
_ITERABLES = {
    "range": "a range", "map": "a map", "filter": "a filter", "zip": "an iterator", "enumerate": "an iterator",
    "reversed": "an iterator", "set": "a set", "frozenset": "a set", "iter": "an iterator",
}  # fmt: skip
_VIEWS = ("keys", "values", "items")
_PICTURES = ("PIL.Image.open", "PIL.Image.new", "PIL.Image.fromarray")
#: Methods of a picture that return another.
_PICTURED = ("convert", "resize", "crop", "rotate", "transpose", "copy")
_TABLES = ("pandas.DataFrame", "pandas.Series", "pandas.read_csv", "pandas.read_parquet", "pandas.read_json")
_DEEPEST = 6


@rule(
    "array-source",
    "error",
    "`mx.array` of what it cannot read",
    _PAGE,
    calls=("array",),
    kinds=("generator_expression",),
    examples=(
        Example("y = mx.array(range(3))", "y = mx.array(list(range(3)))", "y.tolist() == [0, 1, 2]"),
        Example("y = mx.array(v * 2 for v in [1, 2])", "y = mx.array([v * 2 for v in [1, 2]])", "y.tolist() == [2, 4]"),
        Example("y = mx.array(map(float, ['1', '2']))", "y = mx.array(list(map(float, ['1', '2'])))", "y.size == 2"),
        Example("d = {'a': 1, 'b': 2}\ny = mx.array(d.values())",
                "d = {'a': 1, 'b': 2}\ny = mx.array(list(d.values()))", "y.size == 2"),
        Example("y = mx.array({3, 1})", "y = mx.array(list({3, 1}))", "y.size == 2"),
        Example("y = mx.array([[1, 2], [3]])", "y = mx.array([[1, 2], [3, 0]])", "y.shape == (2, 2)", is_fixed=False),
        Example("y = mx.array([1, None, 3])", "y = mx.array([1, 0, 3])", "y.size == 3", is_fixed=False),
        Example("y = mx.array(['1', '2'])", "y = mx.array([1, 2])", "y.size == 2", is_fixed=False),
        Example(
            "from PIL import Image\nimage = Image.new('RGB', (4, 2)).convert('L')\ny = mx.array(image)",
            "from PIL import Image\nimage = Image.new('RGB', (4, 2)).convert('L')\ny = mx.array(np.array(image))",
            "y.shape == (2, 4)",
        ),
    ),
)  # fmt: skip
def array_source(context: RuleContext, found: Node | Call) -> Iterator[Finding]:
    """Find iterators, sets, dictionaries, texts, pictures and uneven lists given to ``mx.array``."""
    if not isinstance(found, Call):
        function = field(found.parent, "function")  # of a call, or of nothing
        is_own = function is not None and text_of(function).endswith("array")
        if is_own and field(found.parent, "arguments") == found and context.name(function) == "mlx.core.array":
            listed = Fix("Make a list", (replaced(found, f"([{text_of(found)[1:-1]}])"),))
            yield Finding(found, "`mx.array` reads lists and tuples, and no generator: this raises.", (listed,))
        return
    given = found.arguments[0] if found.arguments else None
    if given is None or given.type in ("integer", "float") or context.name(found.function) != "mlx.core.array":
        return
    what = _iterable(context, given) or _foreign(context, given) or _uneven(context, given)
    if not what or is_guarded(context, found.node, ("ValueError",)):
        return
    fixes: tuple[Fix, ...] = ()
    np = context.alias("numpy", found.node)
    if what.startswith(("a range", "a map", "a filter", "an iterator", "a set", "a view")):
        fixes = (Fix("Make a list", (replaced(given, f"list({text_of(given)})"),), is_safe=False),)
    elif what.startswith(("a picture", "pandas'")) and np:
        fixes = (Fix(f"Write {np}.array", (replaced(given, f"{np}.array({text_of(given)})"),), is_safe=False),)
    yield Finding(given, f"`mx.array` reads lists, tuples, numbers and arrays, and this is {what}: it raises.", fixes)


def _iterable(context: RuleContext, given: Node) -> str:
    """Return what of Python's an expression is certain to be, that can be iterated over; empty where it is none."""
    value = context.value_of(given)
    if value is None:
        return ""
    if value.type in ("set", "set_comprehension"):
        return "a set"
    if value.type == "generator_expression":
        return "an iterator"
    if value.type in ("dictionary", "dictionary_comprehension"):
        return "a dictionary"
    if value.type in ("string", "concatenated_string"):
        return "a text"
    call = call_of(value)
    if call is None:
        return ""
    if call.name in _ITERABLES and call.owner is None and context.external(call.function) == call.name:
        return _ITERABLES[call.name]
    is_view = call.name in _VIEWS and not call.arguments and call.owner is not None
    return "a view of a dictionary" if is_view and isinstance(context.meaning(call.owner), Table) else ""


def _foreign(context: RuleContext, given: Node, depth: int = 0) -> str:
    """Return whether an expression is a picture of Pillow's, or a table of pandas'."""
    if depth > _DEEPEST or not (context.file.mentions("PIL") or context.file.mentions("pandas")):
        return ""
    if given.type == "identifier":
        value = last_value(context, given)
        return _foreign(context, value, depth + 1) if value is not None else ""
    if given.type == "subscript":
        found = _foreign(context, given.named_children[0], depth + 1)
        return found if found.startswith("pandas'") else ""
    call = call_of(given)
    if call is None:
        return ""
    name = context.external(call.function)
    if name in _PICTURES:
        return "a picture of Pillow's"
    if name in _TABLES:
        return "pandas' and no array"
    if call.owner is not None and call.name in _PICTURED:
        return _foreign(context, call.owner, depth + 1) if not context.is_array(call.owner) else ""
    return ""


def _uneven(context: RuleContext, given: Node) -> str:
    """Return what is wrong with a list that is written out: it has texts, nothing, or rows of other lengths."""
    value = context.value_of(given)
    literal = literal_of(value) if value is not None and value.type in ("list", "tuple") else None
    if not isinstance(literal, list | tuple):
        return ""
    parts = list(literal)
    while parts:
        if any(isinstance(part, str | bytes) for part in parts):
            return "a list with texts in it"
        if any(part is None for part in parts):
            return "a list with None in it"
        rows = [part for part in parts if isinstance(part, list | tuple)]
        if rows and (len(rows) < len(parts) or len({len(row) for row in rows}) > 1):
            return "a list whose rows differ in length"
        parts = [one for row in rows for one in row]
    return ""


@rule(
    "list-assigned",
    "error",
    "A list assigned to a part of an array",
    _PAGE,
    kinds=("assignment",),
    examples=(
        Example("y = mx.zeros((2, 3))\ny[0] = [1, 2, 3]", "y = mx.zeros((2, 3))\ny[0] = mx.array([1, 2, 3])",
                "y.sum().item() == 6"),
        Example("y = mx.zeros((2, 2))\nfor i in range(2):\n    y[i, :] = [i + n for n in range(2)]",
                "y = mx.zeros((2, 2))\nfor i in range(2):\n    y[i, :] = mx.array([i + n for n in range(2)])",
                "y.sum().item() == 4"),
        Example("y = mx.zeros(4)\ny[1:3] = (5, 6)", "y = mx.zeros(4)\ny[1:3] = mx.array((5, 6))",
                "y.tolist() == [0, 5, 6, 0]"),
    ),
)  # fmt: skip
def list_assigned(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find lists and tuples that are assigned to elements of an array: NumPy converts them, MLX does not."""
    left, right = field(node, "left"), field(node, "right")
    if left is None or right is None or left.type != "subscript":
        return
    if right.type not in ("list", "tuple", "list_comprehension") or not context.is_array(field(left, "value")):
        return
    mx = context.alias("mlx.core", node)
    fixes = (
        (Fix(f"Write {mx}.array", (replaced(right, f"{mx}.array({text_of(right)})"),), is_safe=False),) if mx else ()
    )
    if not is_guarded(context, node, ("ValueError",)):
        yield Finding(right, "A number or an array is assigned to elements, and no list: this raises.", fixes)


RULES = (array_source, list_assigned)
