"""Parts of arrays that are written to as if they were views."""

from collections.abc import Iterator
from functools import partial

from tenny_lsp.inference.meaning import Plain
from tenny_lsp.pitfalls.calls import all_within, is_used_after
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Edit, Fix
from tenny_lsp.pitfalls.rule import USAGE, Example, Finding, Search, rule
from tenny_lsp.source.scope import Binding
from tenny_lsp.source.syntax import Node, field, text_of


@rule(
    "chained-index",
    "warning",
    "An element assigned by two indices, `x[i][j] = …`",
    USAGE + "indexing.html",
    kinds=("assignment", "augmented_assignment"),
    examples=(
        Example("y = mx.zeros((2, 3))\ny[0][1] = 9.0", "y = mx.zeros((2, 3))\ny[0, 1] = 9.0", "y[0, 1] == 9", "wrong"),
        Example(
            "y = mx.zeros((2, 3))\nfor i in range(2):\n    y[i][1:] += 1",
            "y = mx.zeros((2, 3))\nfor i in range(2):\n    y[i, 1:] += 1",
            "y.sum() == 4",
            "wrong",
        ),
        Example(
            "y = mx.zeros((4, 3))\ny[1:3][0] = 9.0",
            "y = mx.zeros((4, 3))\ny[1] = 9.0",
            "y[1, 0] == 9",
            "wrong",
            is_fixed=False,
        ),
    ),
)
def chained_index(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find elements assigned to what an index has returned: that is a copy, and the array stays as it is."""
    left = field(node, "left")
    part = field(left, "value") if left is not None and left.type == "subscript" else None
    whole = field(part, "value") if part is not None and part.type == "subscript" else None
    if left is None or part is None or whole is None or not context.is_array(whole) or not context.is_array(part):
        return
    keys, fixes = part.children_by_field_name("subscript"), tuple[Fix, ...]()
    if len(keys) == 1 and context.meaning(keys[0]) == Plain("int"):
        start = left.children_by_field_name("subscript")[0].start_byte
        fixes = (Fix("Index it once", (Edit(keys[0].end_byte, start, ", "),), is_safe=False),)
    yield Finding(
        left, f"`{text_of(part)}` is a copy, and what is assigned to its elements is lost: `{text_of(whole)}` stays as "
        "it is. Index it once: `x[i, j] = …`.", fixes,
    )  # fmt: skip


@rule(
    "slice-is-a-copy",
    "warning",
    "A slice that is assigned to, and never read",
    USAGE + "indexing.html",
    scope="file",
    kinds=("assignment", "augmented_assignment"),
    examples=(
        Example(
            "def f(a: mx.array):\n    row = a[0]\n    row[:] = 9\n    return a\ny = f(x)",
            "def f(a: mx.array):\n    a[0] = 9\n    return a\ny = f(x)", "y[0, 0].item() == 9", "wrong", is_fixed=False,
        ),
        Example(
            "def f(a: mx.array):\n    part = a[:, 1:]\n    part *= 2\n    return a\ny = f(x)",
            "def f(a: mx.array):\n    a[:, 1:] *= 2\n    return a\ny = f(x)", "y[0, 1].item() == 2", "wrong",
            is_fixed=False,
        ),
        Example(
            "row = x[0]\nrow[0] = 9\nprint(x)\ny = x", "x[0, 0] = 9\nprint(x)\ny = x", "y[0, 0].item() == 9", "wrong",
            is_fixed=False,
        ),
    ),
)  # fmt: skip
def slice_is_a_copy(context: RuleContext, node: Node) -> Search | None:
    """Find assignments through a name for a slice that nothing reads: NumPy's would be a view, MLX's is a copy."""
    left = field(node, "left")
    target = field(left, "value") if left is not None and left.type == "subscript" else None
    binding = context.binding_of(target)
    if node.type == "augmented_assignment" and left is not None and left.type == "identifier":
        target, binding = left, _slice_updated(context, left)
    source = field(binding.value, "value") if binding is not None and not binding.steps else None
    if target is None or binding is None or binding.value is None or binding.value.type != "subscript":
        return None
    if source is None or source.type != "identifier" or not context.is_array(target) or not context.is_array(source):
        return None
    scope = next(iter(context.scopes_around(target))).node
    find = partial(_written_copies, context, node, target, binding)
    if scope.type == "function_definition":
        return lambda _: find(scope)
    # What stands in a class may be read from elsewhere, and so may what stands in a module that is no script.
    return find if scope.type == "module" and context.file.mentions("\nprint(") else None


def _written_copies(context: RuleContext, node: Node, target: Node, binding: Binding, scope: Node) -> Iterator[Finding]:
    """Report what is assigned to a slice that a scope does not read, though it uses the array later."""
    source = field(binding.value, "value") or target
    if _is_read(scope, text_of(target)) or context.file.mentions("locals()"):
        return
    if is_used_after(scope, text_of(source), node.end_byte) and binding.value is not None:
        yield Finding(
            field(node, "left") or node, f"In MLX a slice is a copy: `{text_of(source)}` stays as it is, and nothing "
            f"reads `{text_of(target)}`. Assign to `{text_of(binding.value)}` itself.",
        )  # fmt: skip


def _slice_updated(context: RuleContext, name: Node) -> Binding | None:
    """Return the binding of a name to a slice that is only updated in place afterwards; None where it is another."""
    scope = next(iter(context.scopes_around(name)), None)
    bindings = scope.bindings.get(text_of(name), []) if scope is not None else []
    first = bindings[0].value if bindings else None
    if first is None or first.type != "subscript" or bindings[0].branches or bindings[0].loops:
        return None
    is_slice = any(child.type == "slice" for child in first.children_by_field_name("subscript"))
    others = [one.value.type if one.value is not None else "" for one in bindings[1:]]
    return bindings[0] if is_slice and set(others) == {"augmented_assignment"} else None


def _is_read(scope: Node, name: str) -> bool:
    """Return whether a name is used in a scope other than to be assigned to, as ``b = …`` and ``b[i] = …``."""
    for node in all_within(scope, "identifier"):
        outer = node.parent
        if text_of(node) != name or outer is None:
            continue
        if outer.type == "subscript" and field(outer, "value") == node:
            node, outer = outer, outer.parent or outer
        if outer.type not in ("assignment", "augmented_assignment") or field(outer, "left") != node:
            return True
    return False


RULES = (slice_is_a_copy, chained_index)
