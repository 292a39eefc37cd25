"""One array in every place of a list or a dictionary, or in every call of a function, that is changed in place."""

from collections.abc import Iterator

from tenny_lsp.pitfalls.calls import Call, call_of, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.rule import USAGE, Example, Finding, rule
from tenny_lsp.source.syntax import Node, field, text_of

_INDEXING = USAGE + "indexing.html"


@rule(
    "repeated-array",
    "warning",
    "One array in all places of a list, changed in place",
    _INDEXING,
    kinds=("binary_operator",),
    calls=("fromkeys",),
    examples=(
        Example("y = [mx.zeros(2)] * 3\ny[0][1] = 5", "y = [mx.zeros(2) for _ in range(3)]\ny[0][1] = 5",
                "y[1].sum().item() == 0", "wrong"),
        Example("y = [mx.zeros(2)] * len(x)\nfor i in range(2):\n    y[i] += i + 1",
                "y = [mx.zeros(2) for _ in range(len(x))]\nfor i in range(2):\n    y[i] += i + 1",
                "y[0].tolist() == [1, 1]", "wrong"),
        Example("y = dict.fromkeys('ab', mx.zeros(2))\ny['a'] += 1",
                "y = {key: mx.zeros(2) for key in 'ab'}\ny['a'] += 1", "y['b'].sum().item() == 0", "wrong"),
    ),
)  # fmt: skip
def repeated_array(context: RuleContext, found: Node | Call) -> Iterator[Finding]:
    """Find lists that hold one array several times, of which one is changed in place: so are all."""
    node = found.node if isinstance(found, Call) else found
    outer = node.parent
    name = field(outer, "left") if outer is not None and outer.type == "assignment" else None
    if name is None or name.type not in ("identifier", "attribute"):
        return
    new = _of_keys(context, found) if isinstance(found, Call) else _of_product(context, found)
    scope = context.scopes_around(name)[0].node if new else None
    found_all = list(within(scope, "assignment", "augmented_assignment"))
    if any(one.type == "assignment" and _depth(field(one, "left") or one, text_of(name)) == 1 for one in found_all):
        return  # each place may have got an array of its own
    for changed in found_all:
        left = field(changed, "left")
        parts = _depth(left, text_of(name)) if left is not None else 0
        if parts > 1 or (parts == 1 and changed.type == "augmented_assignment"):
            fix = Fix("Make one for each", (replaced(node, new),), is_safe=False)
            yield Finding(
                node, f"This is one array in every place, and `{text_of(left or name)}` changes it in place: all of "
                "them change.", (fix,),
            )  # fmt: skip
            return


def _of_product(context: RuleContext, node: Node) -> str:
    """Return what makes an array for each place of ``[array] * n``; empty where it is something else."""
    left, operator, right = (field(node, part) for part in ("left", "operator", "right"))
    if left is None or right is None or operator is None or operator.type != "*" or left.type != "list":
        return ""
    items = [one for one in left.named_children if one.type != "comment"]
    if len(items) != 1 or items[0].type != "call" or not context.is_array(items[0]):
        return ""
    return f"[{text_of(items[0])} for _ in range({text_of(right)})]"


def _of_keys(context: RuleContext, call: Call) -> str:
    """Return what makes an array for each key of ``dict.fromkeys(keys, array)``; empty where it is something else."""
    if len(call.arguments) != 2 or context.external(call.function) != "dict.fromkeys":
        return ""
    keys, value = call.arguments
    is_made = call_of(value) is not None and context.is_array(value)
    return f"{{key: {text_of(value)} for key in {text_of(keys)}}}" if is_made else ""


def _depth(node: Node, name: str) -> int:
    """Return how many times a name is indexed: 2 of ``y[i][j]``; 0 where it is another."""
    count = 0
    while node.type == "subscript":
        node, count = node.named_children[0], count + 1
    return count if text_of(node) == name else 0


@rule(
    "array-as-default",
    "warning",
    "An array as a parameter's default, changed in place",
    _INDEXING,
    kinds=("function_definition",),
    examples=(
        Example("def f(v, total=mx.zeros(2)):\n    total += v\n    return total\nf(1)\ny = f(1)",
                "def f(v, total=mx.zeros(2)):\n    total = total + v\n    return total\nf(1)\ny = f(1)",
                "y.tolist() == [1, 1]", "wrong", is_fixed=False),
        Example("def f(i, seen=mx.zeros(3)):\n    seen[i] = 1\n    return seen.sum()\nf(0)\ny = f(1)",
                "def f(i, seen=None):\n    seen = mx.zeros(3) if seen is None else seen\n    seen[i] = 1\n"
                "    return seen.sum()\nf(0)\ny = f(1)", "y.item() == 1", "wrong", is_fixed=False),
        Example("def f(i, *, out=mx.zeros((2, 2))):\n    out[i, 0] += 1\n    return out\nf(0)\ny = f(0)",
                "def f(i, *, out=None):\n    out = mx.zeros((2, 2)) if out is None else out\n    out[i, 0] += 1\n"
                "    return out\nf(0)\ny = f(0)", "y[0, 0].item() == 1", "wrong", is_fixed=False),
    ),
)  # fmt: skip
def array_as_default(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find defaults that are arrays and that the function changes: the next call finds them as they are then."""
    listed = field(node, "parameters")
    for one in listed.named_children if listed is not None else ():
        value, name = field(one, "value"), field(one, "name")
        if value is None or name is None or value.type != "call" or not context.is_array(value):
            continue
        bindings = context.bindings_in(node).get(text_of(name), ())
        if any(found.value is not None and found.value.type != "augmented_assignment" for found in bindings):
            continue
        for changed in within(field(node, "body"), "assignment", "augmented_assignment"):
            left = field(changed, "left")
            least = 0 if changed.type == "augmented_assignment" else 1
            if (
                left is not None
                and text_of(left).split("[")[0] == text_of(name)
                and _depth(left, text_of(name)) >= least
            ):
                yield Finding(
                    value, f"This array is made once, and `{text_of(left)}` changes it in place: the next call gets it "
                    "as it is then. Make it in the function.",
                )  # fmt: skip
                break


RULES = (repeated_array, array_as_default)
