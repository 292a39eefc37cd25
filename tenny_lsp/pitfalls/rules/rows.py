"""Arrays that are read one element at a time."""

import re
from collections.abc import Iterator

from tenny_lsp.pitfalls.calls import call_of, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, atom, replaced
from tenny_lsp.pitfalls.rule import ISSUES, Example, Finding, rule
from tenny_lsp.source.syntax import Node, field, text_of


@rule(
    "row-by-row",
    "warning",
    "Each row of an array evaluated by itself",
    ISSUES + "680",
    kinds=("list_comprehension",),
    examples=(
        Example("v = x[0]\ny = [one.item() for one in v]", "v = x[0]\ny = v.tolist()", "y == [0, 1, 2]", "slow"),
        Example("y = [mx.sqrt((row * row).sum()).item() for row in x]",
                "y = mx.sqrt((x * x).sum(axis=1)).tolist()", "len(y) == 2", "slow", is_fixed=False),
        Example("v = x[0]\ny = [float(one) for one in v]", "v = x[0]\ny = v.tolist()", "y == [0, 1, 2]", "slow"),
    ),
)  # fmt: skip
def row_by_row(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find lists for which every element or row of an array is computed and evaluated by itself."""
    body = field(node, "body")
    clauses = [one for one in node.named_children if one.type != "comment"][1:]
    if body is None or len(clauses) != 1 or clauses[0].type != "for_in_clause":
        return
    left, right = field(clauses[0], "left"), field(clauses[0], "right")
    if left is None or right is None or left.type != "identifier" or not _is_read(context, body, left):
        return
    if not context.is_array(right):
        return
    word = re.escape(text_of(left))
    is_plain = re.fullmatch(rf"{word}\.item\(\)|(?:float|int)\({word}\)", text_of(body)) is not None
    fixes: tuple[Fix, ...] = ()
    if is_plain:
        text = f"{atom(right)}.tolist()"
        fixes = (Fix(f"Write {text}", (replaced(node, text),), is_safe=False),)
        said = f"`{text}` gives them all at once"
    else:
        said = "compute for the whole array, and take `.tolist()` once"
    yield Finding(node, f"This evaluates each element by itself, which is slow for many: {said}.", fixes)


def _is_read(context: RuleContext, body: Node, left: Node) -> bool:
    """Return whether an expression ends in a value that is read of an array, computed from a loop's variable."""
    call = call_of(body)
    if call is None or not re.search(rf"\b{re.escape(text_of(left))}\b", text_of(body)):
        return False
    if call.name == "item" and call.owner is not None and not call.arguments:
        names = {text_of(one) for one in within(call.owner, "identifier")}
        return text_of(left) in names
    is_number = call.owner is None and context.external(call.function) in ("float", "int")
    return is_number and len(call.arguments) == 1 and text_of(call.arguments[0]) == text_of(left)


RULES = (row_by_row,)
