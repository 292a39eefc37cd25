"""Loops over what a module returns of itself: names, pairs and nested dictionaries taken for layers and arrays."""

import re
from collections.abc import Iterator

from tenny_lsp.inference.meaning import Instance
from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.nested_modules import holds_modules
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.source.syntax import Node, field, text_of

_MODULE = "mlx.nn.Module"
_NET = (
    "from mlx.utils import tree_flatten\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.fc = nn.Linear(3, 2)\nnet = Net()\n"
)
#: Method → what a loop over it gives, and what to loop over.
_GIVEN = {
    "children": ("the names of its members", "`children().values()` gives its modules, and lists of them"),
    "leaf_modules": ("the names of its members", "`modules()` gives all modules"),
    "named_modules": ("pairs of a name and a module", "write `for name, module in …`"),
}  # fmt: skip


@rule(
    "names-as-modules",
    "error",
    "A loop over a module's members that takes names for modules",
    PYTHON + "nn/_autosummary/mlx.nn.Module.children.html",
    kinds=("for_statement", "for_in_clause"),
    examples=(
        Example(
            f"{_NET}y = x\nfor layer in net.children():\n    y = layer(y)",
            f"{_NET}y = x\nfor layer in net.children().values():\n    y = layer(y)",
            "y.shape == (2, 2)",
        ),
        Example(
            f"{_NET}y = [m.training for m in net.named_modules()]",
            f"{_NET}y = [m.training for _, m in net.named_modules()]",
            "len(y) == 2",
            is_fixed=False,
        ),
    ),
)
def names_as_modules(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find loops over ``children()`` and ``named_modules()`` whose variable is used as a module."""
    left, call = field(node, "left"), call_of(field(node, "right"))
    if left is None or call is None or call.name not in _GIVEN or call.arguments or left.type != "identifier":
        return
    missing = str if call.name != "named_modules" else tuple
    if not _is_used(node, text_of(left), missing) or not context.is_a(call.owner, _MODULE):
        return
    if context.name(call.function) != f"{_MODULE}.{call.name}":
        return
    given, better = _GIVEN[call.name]
    fixes: tuple[Fix, ...] = ()
    if call.name == "children":
        fixes = (Fix("Write .values()", (replaced(call.node, f"{text_of(call.node)}.values()"),), is_safe=False),)
    yield Finding(call.node, f"`{call.name}()` gives {given}: this raises; {better}.", fixes)


def _is_used(loop: Node, name: str, taken_for: type) -> bool:
    """Return whether a loop's variable is called, or has an attribute that what it is does not have."""
    body = field(loop, "body") if loop.type == "for_statement" else loop.parent
    text = text_of(body) if body is not None else ""
    word = re.escape(name)
    if re.search(rf"\b(?:isinstance|type)\(\s*{word}\b|\b{word} =(?!=)", text):
        return False
    is_called = re.search(rf"(?<![\w.]){word}\(", text) is not None
    return is_called or any(not hasattr(taken_for, one) for one in re.findall(rf"(?<![\w.]){word}\.(\w+)", text))


@rule(
    "nested-parameters",
    "error",
    "Nested dictionaries of parameters taken for arrays",
    PYTHON + "_autosummary/mlx.utils.tree_flatten.html",
    kinds=("for_statement", "for_in_clause"),
    examples=(
        Example(
            f"{_NET}y = sum(p.size for p in net.parameters().values())",
            f"{_NET}y = sum(p.size for _, p in tree_flatten(net.parameters()))",
            "y == 8",
        ),
        Example(
            f"{_NET}y = {{}}\nfor name, p in net.trainable_parameters().items():\n    y[name] = p.shape",
            f"{_NET}y = {{}}\nfor name, p in tree_flatten(net.trainable_parameters()):\n    y[name] = p.shape",
            'y["fc.bias"] == (2,)',
        ),
    ),
)
def nested_parameters(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find loops over the values of a module's parameters, which are dictionaries where it holds other modules."""
    left, call = field(node, "left"), call_of(field(node, "right"))
    if left is None or call is None or call.name not in ("values", "items") or call.owner is None:
        return
    made = call_of(call.owner)
    if made is None or made.name not in ("parameters", "trainable_parameters") or made.owner is None:
        return
    names = left.named_children if left.type in ("pattern_list", "tuple_pattern") else [left]
    if len(names) != (1 if call.name == "values" else 2) or names[-1].type != "identifier":
        return
    module = context.meaning(made.owner)
    if not _is_used(node, text_of(names[-1]), dict) or not isinstance(module, Instance):
        return
    if not context.name(made.function).startswith(_MODULE) or not holds_modules(context, module):
        return
    yield Finding(
        call.node, "The values are dictionaries where a module holds others, and this takes them for arrays: it "
        "raises. `tree_flatten` gives pairs of a name and an array.", _flattened(context, left, call, made),
    )  # fmt: skip


def _flattened(context: RuleContext, left: Node, call: Call, made: Call) -> tuple[Fix, ...]:
    flatten = context.alias("mlx.utils.tree_flatten", call.node)
    if not flatten:
        return ()
    edits = [replaced(call.node, f"{flatten}({text_of(made.node)})")]
    if call.name == "values":
        edits.append(replaced(left, f"_, {text_of(left)}"))
    return (Fix("Loop over tree_flatten(…)", tuple(edits), is_safe=False),)


RULES = (names_as_modules, nested_parameters)
