"""Trees of arrays, as parameters and gradients are, where an array is wanted."""

from collections.abc import Iterator
from functools import partial
from itertools import islice

from tenny_lsp.inference.meaning import NUMBERS, Table
from tenny_lsp.inference.parameters import calls_of
from tenny_lsp.pitfalls.calls import call_of, function_around
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, Search, rule
from tenny_lsp.source.syntax import Node, field, text_of

#: Up to how many calls of a function are looked at.
_MOST_CALLS = 8
_TREE = "from mlx.utils import tree_map, tree_flatten\n"
_GRADS = f"{_TREE}loss, grads = nn.value_and_grad(model, lambda a: model(a).sum())(x)\n"
_NAMED = ("identifier", "call", "attribute")
_ARITHMETIC = {"+", "-", "*", "/", "//", "%", "**", "@"}
#: What annotations of MLX call an array, or a number in its place.
_ARRAYS = {"array", "mx.array", "scalar", "int", "float", "bool", "complex"}


@rule(
    "tree-as-array",
    "error",
    "A tree of arrays where an array is wanted",
    PYTHON + "tree_utils.html",
    scope="file",
    kinds=("call", "binary_operator"),
    words=("parameters()", "grad("),
    examples=(
        Example(
            f"{_GRADS}def average(tree):\n    return mx.distributed.all_sum(tree)\ny = average(grads)",
            f"{_GRADS}def average(tree):\n    return tree_map(mx.distributed.all_sum, tree)\ny = average(grads)",
            'y["bias"].shape == (2,)',
            is_fixed=False,
        ),
        Example(
            f"{_GRADS}y = mx.distributed.all_sum(grads)",
            f"{_GRADS}y = tree_map(mx.distributed.all_sum, grads)",
            'y["bias"].shape == (2,)',
            is_fixed=False,
        ),
        Example(
            f"{_GRADS}y = grads / 4", f"{_GRADS}y = tree_map(lambda g: g / 4, grads)",
            'y["bias"].tolist() == [0.5, 0.5]', is_fixed=False,
        ),
        Example(
            f"{_TREE}y = mx.sum(model.parameters())",
            f"{_TREE}y = sum(p.sum() for _, p in tree_flatten(model.parameters()))",
            "y.size == 1",
            is_fixed=False,
        ),
    ),
)  # fmt: skip
def tree_as_array(context: RuleContext, node: Node) -> Search | None:
    """Find dictionaries given to operations and operators, which take arrays alone."""
    tree = _given(context, node)
    if tree is None or is_guarded(context, node, ("TypeError", "ValueError")):
        return None
    return partial(_found, context, tree)


def _found(context: RuleContext, tree: Node, _: Node) -> Iterator[Finding]:
    """Report a tree: a dictionary, or a parameter that each call in the file gives one."""
    if isinstance(context.meaning(tree), Table) or _is_given_trees(context, tree):
        yield Finding(
            tree, f"`{text_of(tree)}` is a tree, a dictionary of arrays, and not an array: this raises. "
            "`tree_map(function, tree)` applies a function to each array.",
        )  # fmt: skip


def _is_given_trees(context: RuleContext, name: Node) -> bool:
    """Return whether a parameter gets a dictionary in each call of its function in the file."""
    function = function_around(name)
    listed = field(function, "parameters")
    names = [text_of(one) for one in listed.named_children] if listed is not None else []
    if function is None or function.type != "function_definition" or text_of(name) not in names:
        return False
    place, calls = names.index(text_of(name)), list(islice(calls_of(context.evaluator, function), _MOST_CALLS))
    made = [call_of(call) for call in calls]
    given = [
        call.value(names[place]) or (call.arguments[place] if len(call.arguments) > place else None)
        if call is not None and call.is_whole
        else None
        for call in made
    ]
    return bool(given) and all(isinstance(context.meaning(one), Table) for one in given)


def _may_be_tree(context: RuleContext, node: Node) -> bool:
    """Return whether an expression is a dictionary, or may be one as a parameter of which nothing is known."""
    meaning = context.meaning(node)
    if isinstance(meaning, Table):
        return True
    function = function_around(node) if node.type == "identifier" and meaning is None else None
    bindings = context.bindings_in(function).get(text_of(node), ()) if function is not None else ()
    parameters = [one for one in bindings if one.definition is not None and one.definition.type == "identifier"]
    return len(bindings) == len(parameters) == 1 and parameters[0].annotation is None


def _given(context: RuleContext, node: Node) -> Node | None:
    """Return the dictionary that an operation takes for an array; None where there is none."""
    call = call_of(node)
    if call is not None:
        first = call.arguments[0] if call.arguments else None
        if (
            first is None
            or first.type not in ("identifier", "call", "attribute")
            or not context.is_of_module(call.function)
        ):
            return None
        entry = context.entry(call.function)
        if entry is None or entry.kind != "function" or not entry.name.startswith(("mlx.core.", "mlx.nn.losses.")):
            return None
        firsts = [signature.parameters[0].annotation for signature in entry.signatures if signature.parameters]
        wanted = {part.strip() for one in firsts for part in one.split("|")}
        is_array = len(firsts) == len(entry.signatures) > 0 and wanted <= _ARRAYS and "array" in str(wanted)
        return first if is_array and _may_be_tree(context, first) else None
    operator = field(node, "operator")
    if operator is None or text_of(operator) not in _ARITHMETIC or len(node.named_children) != 2:
        return None
    for one, other in (node.named_children, reversed(node.named_children)):
        if one.type in _NAMED and isinstance(context.meaning(one), Table):
            is_plain = context.meaning(other) in NUMBERS or isinstance(context.meaning(other), Table)
            return one if is_plain or context.is_array(other) else None
    return None


RULES = (tree_as_array,)
