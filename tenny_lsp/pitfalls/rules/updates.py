"""Updates of arrays: lost, applied once where an index repeats, or shared by two names."""

from collections.abc import Iterator

from tenny_lsp.pitfalls.calls import Call, call_of, is_used_after
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Edit, Fix, atom, replaced
from tenny_lsp.pitfalls.rule import PYTHON, USAGE, Example, Finding, rule
from tenny_lsp.pitfalls.values import literal_of
from tenny_lsp.source.scope import Scope
from tenny_lsp.source.syntax import Node, field, text_of

_INDEXING = USAGE + "indexing.html"
#: JAX's name for an update → MLX's.
_RENAMED = {"mul": "multiply", "div": "divide", "sub": "subtract", "max": "maximum", "min": "minimum"}
_AT = PYTHON + "_autosummary/mlx.core.array.at.html"


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
def repeated_index(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find updates at indices that repeat in the text: only one update of each place remains."""
    left, operator, right = field(node, "left"), field(node, "operator"), field(node, "right")
    method = {"+=": "add", "-=": "subtract", "*=": "multiply", "/=": "divide"}.get(
        text_of(operator) if operator else ""
    )
    if left is None or right is None or not method or left.type != "subscript":
        return
    target, keys = field(left, "value"), left.children_by_field_name("subscript")
    if target is None or len(keys) != 1 or not _repeats(context, keys[0]) or not context.is_array(target):
        return
    text = f"{text_of(target)} = {text_of(target)}.at[{text_of(keys[0])}].{method}({text_of(right)})"
    message = "An index that repeats is updated once only; `x.at[indices]` counts every one."
    fixes = (Fix(f"Use at[…].{method}", (replaced(node, text),), is_safe=False),) if target.type == "identifier" else ()
    yield Finding(left, message, fixes)


def _repeats(context: RuleContext, node: Node) -> bool:
    value = context.value_of(node)
    call = call_of(value)
    if (
        call is None
        or not call.arguments
        or context.name(call.function) not in ("mlx.core.array", "mlx.core.random.randint")
    ):
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
def at_discarded(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find updates through ``at`` that stand alone: they return a new array."""
    target = _updated(context, call)
    if target is None or call.node.parent is None or call.node.parent.type != "expression_statement":
        return
    if len(call.node.parent.named_children) > 1:
        return
    message = f"`at[…].{call.name}` returns a new array and leaves `{text_of(target)}` as it is."
    is_name = target.type == "attribute" or context.is_own(target)  # another scope's would become local
    edit = Edit(call.node.start_byte, call.node.start_byte, f"{text_of(target)} = ")
    yield Finding(call.node, message, (Fix("Assign the result", (edit,)),) if is_name else ())


@rule(
    "at-set",
    "error",
    "JAX's names for updates through `x.at[…]`",
    _AT,
    calls=("set", "get", *_RENAMED),
    examples=(
        Example("y = mx.zeros(3)\ny = y.at[0].set(5)", "y = mx.zeros(3)\ny[0] = 5", "y[0].item() == 5"),
        Example("y = x.at[0].get()", "y = x[0]", "y.shape == (3,)"),
        Example("y = x.at[0].mul(2)", "y = x.at[0].multiply(2)", "y[0, 2].item() == 4"),
        Example(
            "i = mx.array([0, 0])\ny = x[0].at[i].max(7)",
            "i = mx.array([0, 0])\ny = x[0].at[i].maximum(7)",
            "y[0].item() == 7",
        ),
    ),
)
def at_set(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find ``at[…].set``, ``at[…].get``, and JAX's names for what MLX calls otherwise."""
    target, subscript = _updated(context, call), call.owner
    if target is None or subscript is None:
        return
    name = field(call.function, "attribute")
    if call.name in _RENAMED and name is not None:
        own = _RENAMED[call.name]
        yield Finding(name, f"MLX's `at` calls this `{own}`.", (Fix(f"Write {own}", (replaced(name, own),)),))
        return
    keys = ", ".join(map(text_of, subscript.children_by_field_name("subscript")))
    indexed = f"{text_of(target)}[{keys}]"
    outer, fixes = call.node.parent, tuple[Fix, ...]()
    if call.name == "get" and not call.arguments:
        fixes = (Fix(f"Write {indexed}", (replaced(call.node, indexed),)),)
    elif call.name == "set" and len(call.arguments) == 1 and outer is not None and outer.type == "assignment":
        left = field(outer, "left")
        if left is not None and text_of(left) == text_of(target) and field(outer, "type") is None:
            text = f"{indexed} = {text_of(call.arguments[0])}"
            # Whoever else has the array sees it change, as JAX's never do.
            fixes = (Fix("Assign by index", (replaced(outer, text),), is_safe=False),)
    yield Finding(
        call.function, f"MLX's `at` has no `{call.name}`: index the array itself, `x[i]` and `x[i] = v`.", fixes
    )


def _updated(context: RuleContext, call: Call) -> Node | None:
    """Return ``x`` of ``x.at[…].add``, where it is an array."""
    if call.owner is None or call.owner.type != "subscript":
        return None
    at = field(call.owner, "value")
    target, name = field(at, "object"), field(at, "attribute")
    return target if name is not None and text_of(name) == "at" and context.is_array(target) else None


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
def shared_update(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find updates in place of an array that has another name, which is used afterwards."""
    left, right, operator = field(node, "left"), field(node, "right"), field(node, "operator")
    if left is None or right is None or operator is None or left.type != "identifier":
        return
    scope = next(iter(context.scopes_around(left)))
    other = _sharing(scope, left)
    if not other or not context.is_array(left) or not is_used_after(scope.node, other, node.end_byte):
        return
    name = text_of(left)
    text = f"{name} = {name} {text_of(operator)[:-1]} {atom(right)}"
    message = f"`{name}` and `{other}` are one array, and `{text_of(operator)}` changes both."
    yield Finding(node, message, (Fix("Make a new array", (replaced(node, text),), is_safe=False),))


def _sharing(scope: Scope, left: Node) -> str:
    """Return the other name of an array where it is updated; empty where it has none."""
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


RULES = (repeated_index, at_discarded, at_set, shared_update)
