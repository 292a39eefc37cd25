"""Sums of losses over batches that only the end of the loop evaluates."""

import re
from collections.abc import Iterator

from tenny_lsp.inference.definitions import decorators
from tenny_lsp.pitfalls.calls import call_of, function_around, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, indentation_of, inserted, is_alone
from tenny_lsp.pitfalls.origins import last_value
from tenny_lsp.pitfalls.rule import USAGE, Example, Finding, rule
from tenny_lsp.source.syntax import Node, field, text_of, up_to

_LOOPS = ("for_statement", "while_statement")
#: What evaluates something, or may.
_EVALUATES = re.compile(r"\b(?:eval|async_eval|item|tolist|print|float|int|synchronize|log\w*|save\w*|np|numpy)\b")
_FEW = 32
_BATCHES = "def batches():\n    for i in range(3):\n        yield x + i, mx.zeros((2, 2))\n"
_TEST = (
    "def test():\n    total = 0\n    for a, b in batches():\n        loss = nn.losses.l1_loss(model(a), b)\n"
    "        total += loss * len(a)\n"
)
_SUM = "    y += nn.losses.mse_loss(model(a), b)"


@rule(
    "lazy-total",
    "warning",
    "Losses of all batches summed before any is evaluated",
    USAGE + "lazy_evaluation.html",
    kinds=("augmented_assignment",),
    examples=(
        Example(
            f"{_BATCHES}y = 0\nfor a, b in batches():\n{_SUM}",
            f"{_BATCHES}y = 0\nfor a, b in batches():\n{_SUM}\n    mx.eval(y)",
            "y.size == 1", "slow",
        ),
        Example(
            f"{_BATCHES}{_TEST}    return total / 6\ny = test()",
            f"{_BATCHES}{_TEST}        mx.eval(total)\n    return total / 6\ny = test()",
            "y.size == 1", "slow",
        ),
    ),
)  # fmt: skip
def lazy_total(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find losses of a model that a loop over batches adds up while nothing in it is evaluated."""
    name, added, operator = (field(node, part) for part in ("left", "right", "operator"))
    if name is None or added is None or operator is None or operator.type != "+=" or name.type != "identifier":
        return
    loop = up_to(node, *_LOOPS, "function_definition", "lambda", "class_definition")
    if loop is None or loop.type not in _LOOPS or not context.file.mentions("losses"):
        return
    loss = _loss(context, added)
    if loss is None or not _calls_outer_model(context, loss) or _is_short(loop) or _EVALUATES.search(text_of(loop)):
        return
    if _may_be_traced(context, node) or any(map(context.file.mentions, ("value_and_grad", "mx.grad"))):
        return  # unevaluated-sum and missing-eval speak of training
    mx, statement, fixes = context.alias("mlx.core", node), node.parent, tuple[Fix, ...]()
    if mx and statement is not None and is_alone(statement):
        text = f"\n{indentation_of(statement)}{mx}.eval({text_of(name)})"
        fixes = (Fix("Evaluate it in each turn", (inserted(statement.end_byte, text),), is_safe=False),)
    yield Finding(
        node, f"Nothing in this loop is evaluated, so `{text_of(name)}` keeps every batch and its graph until it is. "
        f"Add `.item()` to the loss, or evaluate `{text_of(name)}` in each turn.", fixes,
    )  # fmt: skip


def _loss(context: RuleContext, node: Node) -> Node | None:
    """Return the call of a loss that is added, itself, by name, or times a number."""
    while node.type in ("binary_operator", "parenthesized_expression"):
        node = node.named_children[0]
    value = last_value(context, node) if node.type == "identifier" and context.is_own(node) else node
    call = call_of(value)
    return call.node if call is not None and context.name(call.function).startswith("mlx.nn.losses.") else None


def _calls_outer_model(context: RuleContext, loss: Node) -> bool:
    """Return whether a loss is of what a module gives that is made outside the function around it."""
    for one in within(loss, "call"):
        function = field(one, "function")
        if function is None or one == loss or not context.is_a(function, "mlx.nn.Module"):
            continue
        around = function_around(loss)
        own = context.bindings_in(around) if around is not None else {}
        loop = up_to(loss, *_LOOPS)
        turn = field(loop, "left") if loop is not None else None
        is_of_turn = turn is not None and text_of(function) in re.findall(r"\w+", text_of(turn))
        if function.type == "identifier" and text_of(function) not in own and not is_of_turn:
            return True
    return False


def _is_short(loop: Node) -> bool:
    """Return whether a loop has a few turns for certain, or is over layers or steps, not batches."""
    over = field(loop, "right")
    if over is None:
        return True
    few = re.fullmatch(r"range\((\d+)\)", text_of(over))
    is_listed = over.type in ("list", "tuple") or text_of(over).startswith("zip(")
    return is_listed or (few is not None and int(few[1]) < _FEW)


def _may_be_traced(context: RuleContext, node: Node) -> bool:
    """Return whether the function around a node is decorated, or may be given to a transform."""
    function = function_around(node)
    name = field(function, "name")
    if function is None:
        return False
    if name is None or decorators(function) or function_around(function) is not None:
        return True
    word = text_of(name)
    forms = (f"({word},", f"({word})", f", {word},", f", {word})", f"={word},", f"={word})", f"= {word}\n")
    return any(map(context.file.mentions, forms))


RULES = (lazy_total,)
