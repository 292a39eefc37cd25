"""What becomes of losses and gradients: sums over a loop's turns that nothing evaluates, gradients that nobody uses."""

import re
from collections.abc import Iterator
from functools import partial

from tenny_lsp.inference.meaning import LocalFunction
from tenny_lsp.pitfalls.calls import Call, all_within, call_of, function_around, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, appended, indentation_of, inserted, is_alone
from tenny_lsp.pitfalls.rule import ISSUES, USAGE, Example, Finding, Search, rule
from tenny_lsp.pitfalls.traced import takes_gradients
from tenny_lsp.source.syntax import Node, field, text_of, up_to

_EVALUATIONS = {"mlx.core.eval", "mlx.core.async_eval"}
#: What may use a name without naming it where it is used.
_INDIRECT = re.compile(r"\b(?:locals|nonlocal|global|exec)\b")
_LOOPS = ("for_statement", "while_statement")
_STEP = "step = nn.value_and_grad(model, lambda x: model(x).sum())\n"
_LOOP = "for _ in range(3):\n    loss, grads = step(x)\n    optimizer.update(model, grads)\n    y += loss\n"
_ADDED = "y = model.parameters()\nfor _ in range(3):\n    loss, grads = step(x)\n    y = tree_map(mx.add, y, grads)\n"
_UNUSED = "def train():\n    loss, grads = step(x)\n    return loss\n"
_TRAINED = "y = mx.array(model.weight)\nmx.eval(train())\ny = (y == model.weight).all()"
_TREES = f"from mlx.utils import tree_map\n{_STEP}{_ADDED}"


@rule(
    "unevaluated-sum",
    "warning",
    "A sum over a loop's turns that nothing in the loop evaluates",
    USAGE + "lazy_evaluation.html",
    kinds=("augmented_assignment", "assignment"),
    words=("value_and_grad",),
    examples=(
        Example(
            f"{_STEP}y = 0\n{_LOOP}    mx.eval(model.parameters(), optimizer.state)",
            f"{_STEP}y = 0\n{_LOOP}    mx.eval(model.parameters(), optimizer.state, y)",
            "optimizer.step.item() == 3", "slow",
        ),
        Example(
            f"{_TREES}optimizer.update(model, y)", f"{_TREES}    mx.eval(y)\noptimizer.update(model, y)",
            'y["weight"].shape == (2, 3)', "slow",
        ),
    ),
)  # fmt: skip
def unevaluated_sum(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find sums of losses, and of gradients, over a loop's turns: each turn adds its graph to those before."""
    name, added = _summed(context, node)
    loop = up_to(node, *_LOOPS, "function_definition", "lambda")
    if name is None or added is None or loop is None or loop.type not in _LOOPS:
        return
    source = _gradients_in(context, loop, text_of(added)) if _is_bound_before(context, name, loop) else None
    if source is None or _is_used_elsewhere(context, loop, {text_of(name), text_of(added)}, (node, source)):
        return
    evaluations = list(_evaluations(context, loop))
    is_tree = node.type == "assignment"
    if not is_tree and not evaluations:
        return  # missing-eval says so
    yield Finding(
        node, f"Nothing in this loop evaluates `{text_of(name)}`, so it holds the graph of every turn, and its memory. "
        "Name it in `mx.eval` in each turn.", _fixes(context, node, text_of(name), evaluations),
    )  # fmt: skip


def _is_bound_before(context: RuleContext, name: Node, loop: Node) -> bool:
    scope = next(iter(context.scopes_around(name)))
    return any(binding.since <= loop.start_byte for binding in scope.bindings.get(text_of(name), ()))


def _fixes(context: RuleContext, node: Node, name: str, evaluations: list[Call]) -> tuple[Fix, ...]:
    """Return the fix that evaluates a sum: with what is evaluated after it in the same block, else by itself."""
    for call in evaluations:
        is_after = call.node.start_byte > node.end_byte and _block_of(call.node) == _block_of(node)
        if is_after and call.is_whole and call.arguments:
            return (Fix("Evaluate it with the rest", (appended(call, name),)),)
    mx, statement = context.alias("mlx.core", node), node.parent
    if not mx or statement is None or not is_alone(statement):
        return ()
    text = f"\n{indentation_of(statement)}{mx}.eval({name})"
    return (Fix("Evaluate it in each turn", (inserted(statement.end_byte, text),)),)


def _block_of(node: Node) -> Node | None:
    """Return the block of the statement that an expression is."""
    return node.parent.parent if node.parent is not None else None


def _summed(context: RuleContext, node: Node) -> tuple[Node | None, Node | None]:
    """Return the name that a statement adds to, and the name that it adds: ``y += loss``."""
    name, right = field(node, "left"), field(node, "right")
    none = None, None
    if name is None or right is None or name.type != "identifier" or node.parent is None:
        return none
    if node.type == "augmented_assignment":
        operator = field(node, "operator")
        while right.type == "binary_operator" and right.named_children[1].type in ("integer", "float", "identifier"):
            right = right.named_children[0]
        return (name, right) if operator is not None and text_of(operator) == "+=" else none
    call = call_of(right)
    if (
        call is None
        or call.name != "tree_map"
        or len(call.arguments) != 3
        or context.name(call.function) != "mlx.utils.tree_map"
    ):
        return none
    given = [one for one in call.arguments[1:] if text_of(one) != text_of(name)]
    return (name, given[0]) if len(given) == 1 else none


def _gradients_in(context: RuleContext, scope: Node, name: str) -> Node | None:
    """Return the assignment in a loop that unpacks a loss, or gradients, of this name."""
    for found in within(scope, "assignment"):
        left, call = field(found, "left"), call_of(field(found, "right"))
        if left is None or call is None or left.type not in ("pattern_list", "tuple_pattern"):
            continue
        if name in map(text_of, left.named_children) and takes_gradients(context, call):
            return found
    return None


def _is_used_elsewhere(context: RuleContext, loop: Node, words: set[str], own: tuple[Node, Node]) -> bool:
    """Return whether one of some names occurs in a loop outside of two statements, or in a function called there."""
    for found in all_within(loop, "identifier"):
        if text_of(found) in words and not any(one.start_byte <= found.start_byte < one.end_byte for one in own):
            return True
    function = function_around(loop)
    for found in within(loop, "call"):
        called = context.evaluator.meaning(field(found, "function") or found)
        is_near = isinstance(called, LocalFunction) and function in (None, function_around(called.node))
        if isinstance(called, LocalFunction) and is_near and words & set(re.findall(r"\w+", text_of(called.node))):
            return True
    return False


def _evaluations(context: RuleContext, loop: Node) -> Iterator[Call]:
    for found in within(loop, "call"):
        call = call_of(found)
        if call is not None and context.name(call.function) in _EVALUATIONS:
            yield call


@rule(
    "unused-gradients",
    "warning",
    "Gradients that are never used",
    ISSUES + "605",
    scope="file",
    kinds=("assignment",),
    words=("value_and_grad",),
    examples=(
        Example(
            f"{_STEP}{_UNUSED}{_TRAINED}",
            f"{_STEP}{_UNUSED}{_TRAINED}".replace("    return", "    optimizer.update(model, grads)\n    return"),
            "not y.item()", "wrong", is_fixed=False,
        ),
        Example(
            f"{_STEP}y = mx.array(model.weight)\nfor _ in range(3):\n    loss, grads = step(x)\n    mx.eval(loss)\n"
            "y = (y == model.weight).all()",
            f"{_STEP}y = mx.array(model.weight)\nfor _ in range(3):\n    loss, grads = step(x)\n"
            "    optimizer.update(model, grads)\n    mx.eval(loss)\ny = (y == model.weight).all()",
            "not y.item()", "wrong", is_fixed=False,
        ),
    ),
)  # fmt: skip
def unused_gradients(context: RuleContext, node: Node) -> Search | None:
    """Find gradients that a function, or a loop at the top of the file, takes and that nothing reads."""
    left = field(node, "left")
    if left is None or left.type != "pattern_list":
        return None
    call, name = call_of(field(node, "right")), left.named_children[-1]
    if call is None or len(left.named_children) != 2 or name.type != "identifier" or text_of(name).startswith("_"):
        return None
    function, loop = function_around(node), _outermost_loop(node)
    if (function is None and (loop is None or up_to(node, "class_definition"))) or not takes_gradients(context, call):
        return None
    return partial(_unused, name, function, loop)


def _unused(name: Node, function: Node | None, loop: Node | None, whole: Node) -> Iterator[Finding]:
    """Report gradients that nothing reads: in the function around them, or until they are assigned anew."""
    uses = [one for one in all_within(function or whole, "identifier") if text_of(one) == text_of(name)]
    reads = [one for one in uses if one.parent is None or one.parent.type != "pattern_list"]
    if function is None and loop is not None:
        later = [one for one in reads if one.start_byte > loop.start_byte or function_around(one) is not None]
        reads = [one for one in later if not _is_of_another(one, loop, uses)]
    is_test = function is not None and text_of(field(function, "name") or function).startswith("test")
    if not reads and not is_test and not _INDIRECT.search(text_of(function or whole)):
        update = f"`optimizer.update(model, {text_of(name)})`"
        yield Finding(
            name, f"Nothing uses `{text_of(name)}`: without {update} the model learns nothing. For the loss alone, "
            "call the loss function itself.",
        )  # fmt: skip


def _outermost_loop(node: Node) -> Node | None:
    """Return the loop at the top of the file that a node stands in; None where what stands there is no loop."""
    while node.parent is not None and node.parent.type != "module":
        node = node.parent
    return node if node.type in _LOOPS else None


def _is_of_another(read: Node, loop: Node, uses: list[Node]) -> bool:
    """Return whether a read follows, in another loop at the top of the file, on an assignment there."""
    other = _outermost_loop(read)
    if other is None or other == loop:
        return False
    first = min((one for one in uses if one.start_byte >= other.start_byte), key=lambda one: one.start_byte)
    return first.parent is not None and first.parent.type == "pattern_list"


RULES = (unevaluated_sum, unused_gradients)
