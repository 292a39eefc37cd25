"""Arrays of several elements where Python asks for one truth value."""

from collections.abc import Iterator

from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, atom, replaced
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.rule import USAGE, Example, Finding, rule
from tenny_lsp.pitfalls.values import shape_of
from tenny_lsp.source.syntax import Node, field, text_of

_COMPARED = {"<", "<=", ">", ">=", "==", "!="}


@rule(
    "array-as-condition",
    "error",
    "An array of several elements as a condition",
    USAGE + "lazy_evaluation.html",
    kinds=(
        "if_statement", "elif_clause", "while_statement", "conditional_expression", "assert_statement", "not_operator",
        "boolean_operator", "comparison_operator",
    ),
    examples=(
        Example("y = 0\nif x > 4:\n    y = 1", "y = 0\nif (x > 4).any():\n    y = 1", "y == 1"),
        Example("assert x >= 0\ny = 1", "assert (x >= 0).all()\ny = 1", "y == 1", is_fixed=False),
        Example("y = not x", "y = not x.any()", "y is False"),
        Example("y = (x > 0) and (x < 2)", "y = (x > 0) & (x < 2)", "y.sum().item() == 1"),
        Example("y = 0 < x < 2", "y = (0 < x) & (x < 2)", "y.sum().item() == 1"),
    ),
)  # fmt: skip
def array_as_condition(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find arrays that are known to have several elements, or none, where one truth value is needed."""
    for finding in _found(context, node):
        if not is_guarded(context, node, ("ValueError",)):
            yield finding


def _found(context: RuleContext, node: Node) -> Iterator[Finding]:
    message = "Only an array of one element is true or false. "
    if node.type == "comparison_operator":
        if node.named_child_count == 3:
            yield from _chained(context, node, message)
        return
    if node.type == "boolean_operator":
        left, right, operator = field(node, "left"), field(node, "right"), field(node, "operator")
        if left is None or right is None or operator is None or not _is_ambiguous(context, left):
            return
        symbol = "&" if operator.type == "and" else "|"
        fix = Fix(f"Write {symbol}", (replaced(node, f"{_masked(left)} {symbol} {_masked(right)}"),), is_safe=False)
        yield Finding(node, f"{message}`{symbol}` combines masks element by element.", (fix,))
        return
    condition = _condition(node)
    if condition is not None and _is_ambiguous(context, condition):
        inner = atom(condition)
        edits = {word: replaced(condition, f"{inner}.{word}()") for word in ("any", "all")}
        fixes = tuple(Fix(f"Ask for {word}", (edit,), is_safe=False) for word, edit in edits.items())
        message += "Ask for `.any()` or `.all()`; `mx.where` chooses element by element."
        yield Finding(condition, message, fixes)


def _condition(node: Node) -> Node | None:
    if node.type == "conditional_expression":
        return node.named_children[1] if len(node.named_children) == 3 else None
    if node.type == "assert_statement":
        return node.named_children[0] if node.named_children else None
    return field(node, "argument" if node.type == "not_operator" else "condition")


def _chained(context: RuleContext, node: Node, message: str) -> Iterator[Finding]:
    """Find ``0 < x < 1``, which Python reads as ``0 < x and x < 1``."""
    operands, operators = node.named_children, [text_of(child) for child in node.children if not child.is_named]
    if len(operators) != 2 or not set(operators) <= _COMPARED:
        return
    if _is_ambiguous(context, operands[1]):
        low, middle, high = map(text_of, operands)
        text = f"({low} {operators[0]} {middle}) & ({middle} {operators[1]} {high})"
        fix = Fix("Compare twice", (replaced(node, text),), is_safe=False)
        yield Finding(node, f"{message}Python reads this as `and`; `&` combines two comparisons.", (fix,))


def _is_ambiguous(context: RuleContext, node: Node) -> bool:
    """Return whether an expression is certain to be an array that has not exactly one element."""
    if node.type == "comparison_operator" and node.children[1].type not in _COMPARED:
        return False
    shape = shape_of(context, node)
    return shape is not None and any(size not in (None, 1) for size in shape) and context.is_array(node)


def _masked(node: Node) -> str:
    return f"({text_of(node)})" if node.type == "comparison_operator" else atom(node)


RULES = (array_as_condition,)
