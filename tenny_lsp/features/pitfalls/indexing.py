"""Indexing: masks, slices by arrays, updates that are lost or doubled, names that share an array."""

from collections.abc import Iterator

from tenny_lsp.features.pitfalls.rule import ISSUES, PYTHON, USAGE, Edit, Example, Finding, Fix, rule
from tenny_lsp.features.pitfalls.script import Call, Script, atom, call_of, replaced
from tenny_lsp.features.pitfalls.values import literal_of, shape_of
from tenny_lsp.source.scope import Scope
from tenny_lsp.source.syntax import Node, field, text_of, up_to

_INDEXING = USAGE + "indexing.html"
_AT = PYTHON + "_autosummary/mlx.core.array.at.html"
_MASKS = {"mlx.core.isnan", "mlx.core.isinf", "mlx.core.isfinite", "mlx.core.logical_not", "mlx.core.logical_and",
          "mlx.core.logical_or", "mlx.core.greater", "mlx.core.less", "mlx.core.equal", "mlx.core.not_equal",
          "mlx.core.greater_equal", "mlx.core.less_equal"}  # fmt: skip
_NUMBERS = {"integer", "unary_operator", "none", "comment"}
_COMPARED = {"==", "!=", "<", ">", "<=", ">="}


@rule(
    "boolean-index",
    "error",
    "`x[mask]` read",
    ISSUES + "246",
    kinds=("subscript",),
    examples=(
        Example("y = x[x > 2]", "y = mx.where(x > 2, x, 0)", "y.shape == (2, 3)", is_fixed=False),
        Example("mask = x > 2\ny = x[mask]", "y = mx.array(np.array(x)[np.array(x) > 2])", "y.size == 3", is_fixed=False),
    ),
)
def boolean_index(script: Script, node: Node) -> Iterator[Finding]:
    """Finds reading by a mask, whose result has no shape that is known beforehand; assigning by one works."""
    value, keys = field(node, "value"), node.children_by_field_name("subscript")
    if value is None or len(keys) != 1 or not _is_mask(script, keys[0]) or not script.is_array(value):
        return
    outer = node.parent
    if outer is not None and outer.type in ("assignment", "delete_statement") and field(outer, "right") != node:
        return
    yield Finding(
        node, "MLX cannot read by a boolean mask, as the shape of the result would depend on the data. Use "
        "`mx.where(mask, x, other)`, or NumPy: `mx.array(np.array(x)[np.array(mask)])`. Assigning by a mask works.",
    )  # fmt: skip


def _is_mask(script: Script, node: Node) -> bool:
    value = script.value_of(node)
    while value is not None and value.type == "parenthesized_expression" and value.named_children:
        value = value.named_children[0]
    if value is None:
        return False
    if value.type == "comparison_operator":
        operators = {text_of(child) for child in value.children if not child.is_named}
        return operators <= _COMPARED and script.is_array(value)
    if value.type == "unary_operator" and text_of(value).startswith("~"):
        inner = field(value, "argument")
        return inner is not None and _is_mask(script, inner)
    call = call_of(value) if value.type == "call" else None
    return call is not None and script.name(call.function) in _MASKS and script.is_array(value)


@rule(
    "where-condition-only",
    "error",
    "`mx.where(condition)`",
    PYTHON + "_autosummary/mlx.core.where.html",
    calls=("where",),
    examples=(
        Example(
            "y = mx.where(x > 2)", "y = [mx.array(i) for i in np.nonzero(np.array(x > 2))]", "len(y) == 2", is_fixed=False
        ),
    ),
)
def where_condition_only(script: Script, call: Call) -> Iterator[Finding]:
    """Finds ``mx.where`` that is to return indices."""
    if script.name(call.function) == "mlx.core.where" and call.is_whole and len(call.arguments) == 1 and not call.keywords:
        yield Finding(
            call.node, "`mx.where` needs `x` and `y` to choose from: MLX has no `nonzero`, as the shape of its result "
            "would depend on the data. `np.nonzero(np.array(condition))` gives the indices.", link=_INDEXING,
        )  # fmt: skip


@rule(
    "array-in-slice",
    "error",
    "An array as a slice's bound",
    _INDEXING,
    kinds=("slice",),
    examples=(
        Example(
            "i = mx.argmax(x[0])\ny = x[0][i:]", "i = mx.argmax(x[0])\ny = x[0][i.item():]", "y.size == 1",
        ),
        Example(
            "i = mx.array(0)\ny = x[i:i + 1]", "i = mx.array(0)\ny = x[i.item():(i + 1).item()]", "y.shape == (1, 3)",
        ),
    ),
)  # fmt: skip
def array_in_slice(script: Script, node: Node) -> Iterator[Finding]:
    """Finds slices between arrays: their bounds have to be Python's numbers."""
    # Names and sums of them: what an object keeps is long to find out, and hardly ever an array.
    bounds = [child for child in node.named_children if child.type not in _NUMBERS and b"." not in (child.text or b"")]
    bounds = [bound for bound in bounds if script.is_array(bound)]
    outer = up_to(node, "subscript") if bounds else None
    if outer is not None and script.is_array(field(outer, "value")):
        edits = tuple(replaced(bound, f"{atom(bound)}.item()") for bound in bounds)
        message = (
            "A slice's bounds are Python's numbers; `.item()` gives an array's. "
            "To stay lazy, take `mx.take(x, start + mx.arange(length), axis)`."
        )
        yield Finding(node, message, (Fix("Take .item()", edits, is_safe=False),))


@rule(
    "repeated-index",
    "warning",
    "`x[i] += v` where indices repeat",
    _AT,
    kinds=("augmented_assignment",),
    examples=(
        Example(
            "y = mx.zeros(3)\ny[mx.array([0, 0, 1])] += 1",
            "y = mx.zeros(3)\ny = y.at[mx.array([0, 0, 1])].add(1)",
            "y.tolist() == [2, 1, 0]",
            "wrong",
        ),
    ),
)
def repeated_index(script: Script, node: Node) -> Iterator[Finding]:
    """Finds updates at indices that are seen to repeat: only one update of each place remains."""
    left, operator, right = field(node, "left"), field(node, "operator"), field(node, "right")
    method = {"+=": "add", "-=": "subtract", "*=": "multiply", "/=": "divide"}.get(text_of(operator) if operator else "")
    if left is None or right is None or not method or left.type != "subscript":
        return
    target, keys = field(left, "value"), left.children_by_field_name("subscript")
    if target is None or len(keys) != 1 or not _repeats(script, keys[0]) or not script.is_array(target):
        return
    text = f"{text_of(target)} = {text_of(target)}.at[{text_of(keys[0])}].{method}({text_of(right)})"
    message = "An index that repeats is updated once only; `x.at[indices]` counts every one."
    fixes = (Fix(f"Use at[…].{method}", (replaced(node, text),), is_safe=False),) if target.type == "identifier" else ()
    yield Finding(left, message, fixes)


def _repeats(script: Script, node: Node) -> bool:
    value = script.value_of(node)
    call = call_of(value) if value is not None and value.type == "call" else None
    if call is None or not call.arguments or script.name(call.function) not in ("mlx.core.array", "mlx.core.random.randint"):
        return False
    literal = literal_of(call.arguments[0])
    if call.name == "array":
        numbers = literal if isinstance(literal, list | tuple) and all(type(i) is int for i in literal) else ()
        return len(set(numbers)) < len(numbers)
    return True


@rule(
    "at-discarded",
    "warning",
    "The result of `x.at[…]` thrown away",
    _AT,
    calls=("add", "subtract", "multiply", "divide", "maximum", "minimum"),
    examples=(
        Example("y = mx.zeros(3)\ny.at[0].add(1)", "y = mx.zeros(3)\ny = y.at[0].add(1)", "y[0].item() == 1", "wrong"),
    ),
)
def at_discarded(script: Script, call: Call) -> Iterator[Finding]:
    """Finds updates through ``at`` that stand alone: they return a new array."""
    target = _updated(script, call)
    if target is None or call.node.parent is None or call.node.parent.type != "expression_statement":
        return
    message = f"`at[…].{call.name}` returns a new array and leaves `{text_of(target)}` as it is."
    is_name = target.type in ("identifier", "attribute")
    edit = Edit(call.node.start_byte, call.node.start_byte, f"{text_of(target)} = ")
    yield Finding(call.node, message, (Fix("Assign the result", (edit,)),) if is_name else ())


@rule(
    "at-set",
    "error",
    "JAX's `x.at[…].set(…)` and `.get()`",
    _AT,
    calls=("set", "get"),
    examples=(
        Example("y = mx.zeros(3)\ny = y.at[0].set(5)", "y = mx.zeros(3)\ny[0] = 5", "y[0].item() == 5"),
        Example("y = x.at[0].get()", "y = x[0]", "y.shape == (3,)"),
    ),
)
def at_set(script: Script, call: Call) -> Iterator[Finding]:
    """Finds ``at[…].set`` and ``at[…].get``."""
    target, subscript = _updated(script, call), call.owner
    if target is None or subscript is None:
        return
    keys = ", ".join(map(text_of, subscript.children_by_field_name("subscript")))
    indexed = f"{text_of(target)}[{keys}]"
    outer, fixes = call.node.parent, tuple[Fix, ...]()
    if call.name == "get" and not call.arguments:
        fixes = (Fix(f"Write {indexed}", (replaced(call.node, indexed),)),)
    elif call.name == "set" and len(call.arguments) == 1 and outer is not None and outer.type == "assignment":
        left = field(outer, "left")
        if left is not None and text_of(left) == text_of(target) and field(outer, "type") is None:
            fixes = (Fix("Assign by index", (replaced(outer, f"{indexed} = {text_of(call.arguments[0])}"),)),)
    yield Finding(call.function, f"MLX's `at` has no `{call.name}`: index the array itself, `x[i]` and `x[i] = v`.", fixes)


def _updated(script: Script, call: Call) -> Node | None:
    """Returns ``x`` of ``x.at[…].add``, where it is an array."""
    if call.owner is None or call.owner.type != "subscript":
        return None
    at = field(call.owner, "value")
    target, name = field(at, "object"), field(at, "attribute")
    return target if name is not None and text_of(name) == "at" and script.is_array(target) else None


@rule(
    "index-out-of-bounds",
    "warning",
    "An index beyond the end",
    _INDEXING,
    kinds=("subscript",),
    examples=(
        Example("v = mx.zeros(3)\ny = v[3]", "v = mx.zeros(3)\ny = v[2]", "y.item() == 0", "undefined", is_fixed=False),
    ),
)
def index_out_of_bounds(script: Script, node: Node) -> Iterator[Finding]:
    """Finds literal indices outside an array whose shape is known: MLX reads what lies there."""
    value, keys = field(node, "value"), node.children_by_field_name("subscript")
    if value is None or not keys or keys[0].type not in ("integer", "unary_operator"):
        return
    shape = shape_of(script, value)
    if shape is None or not script.is_array(value):
        return
    for key, size in zip(keys, shape, strict=False):
        index = literal_of(key)
        if type(index) is not int:
            return
        if size is not None and not -size <= index < size:
            yield Finding(key, f"MLX checks no bounds: this axis has {size} elements, and what is read here is undefined.")


@rule(
    "shared-update",
    "warning",
    "`b += 1` after `b = a`",
    _INDEXING,
    kinds=("augmented_assignment",),
    examples=(
        Example(
            "def f(a: mx.array):\n    b = a\n    b += 1\n    return a + b\ny = f(mx.zeros(2))",
            "def f(a: mx.array):\n    b = a\n    b = b + 1\n    return a + b\ny = f(mx.zeros(2))",
            "y.tolist() == [1, 1]",
            "wrong",
        ),
    ),
)
def shared_update(script: Script, node: Node) -> Iterator[Finding]:
    """Finds updates in place of an array that another name still stands for and that is used again."""
    left, right, operator = field(node, "left"), field(node, "right"), field(node, "operator")
    if left is None or right is None or operator is None or left.type != "identifier":
        return
    scope = next(iter(script.buffer.scopes_around(left)))
    other = _sharing(scope, left)
    if not other or not script.is_array(left) or not _is_used_after(scope.node, other, node.end_byte):
        return
    name = text_of(left)
    text = f"{name} = {name} {text_of(operator)[:-1]} {atom(right)}"
    message = f"`{name}` and `{other}` are one array, and `{text_of(operator)}` changes both."
    yield Finding(node, message, (Fix("Make a new array", (replaced(node, text),), is_safe=False),))


def _sharing(scope: Scope, left: Node) -> str:
    """Returns the other name of the array that a name stands for where it is updated; empty where it has none."""
    name = text_of(left)
    update = next((b for b in scope.bindings.get(name, []) if b.position == left.start_byte), None)
    for alias, bindings in scope.bindings.items() if update is not None else ():
        for binding in bindings:
            if binding.value is None or binding.value.type != "identifier" or binding.steps or update is None:
                continue
            pair = {alias, text_of(binding.value)}
            is_before = binding.since <= left.start_byte and binding.loops == update.loops
            if name not in pair or len(pair) == 1 or not is_before or binding.branches:
                continue
            (other,) = pair - {name}
            since = [b for one in pair for b in scope.bindings.get(one, []) if b.since > binding.since]
            if all(b.position == left.start_byte or (b.position > left.start_byte and b.name == name) for b in since):
                return other
    return ""


def _is_used_after(scope: Node, name: str, place: int) -> bool:
    waiting = [scope]
    while waiting:
        node = waiting.pop()
        if node.end_byte <= place:
            continue
        if node.type == "identifier" and node.start_byte >= place and text_of(node) == name:
            return True
        waiting += node.named_children
    return False


RULES = (
    boolean_index, where_condition_only, array_in_slice, repeated_index, at_discarded, at_set, index_out_of_bounds,
    shared_update,
)  # fmt: skip
