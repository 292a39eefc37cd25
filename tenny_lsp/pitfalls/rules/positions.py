"""Rotary positions: with an offset for one of two arrays, and without for the other."""

from collections.abc import Iterator

from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, appended
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.source.syntax import Node, field, text_of

_ROPE = "rope = nn.RoPE(4)\nq = k = mx.ones((1, 1, 2, 4))\noffset = 3\n"


@rule(
    "rope-offset",
    "warning",
    "Positions with an offset for keys alone",
    PYTHON + "nn/_autosummary/mlx.nn.RoPE.html",
    kinds=("assignment",),
    words=("offset",),
    examples=(
        Example(f"{_ROPE}q = rope(q)\nk = rope(k, offset=offset)\ny = q - k",
                f"{_ROPE}q = rope(q, offset=offset)\nk = rope(k, offset=offset)\ny = q - k", "not y.any()", "wrong"),
        Example(f"{_ROPE}q = rope(q, offset=offset)\nk = rope(k)\ny = q - k",
                f"{_ROPE}q = rope(q, offset=offset)\nk = rope(k, offset=offset)\ny = q - k", "not y.any()", "wrong"),
    ),
)  # fmt: skip
def rope_offset(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find two calls of the same rotary layer side by side, of which only one is told the offset."""
    call = _turned(node)
    statement = node.parent
    if call is None or statement is None:
        return
    if len(call.arguments) != 1 or call.keywords or not call.is_whole:
        return
    for sibling in (statement.prev_named_sibling, statement.next_named_sibling):
        other = _turned(sibling.named_children[0]) if sibling is not None and sibling.named_children else None
        if other is None or text_of(other.function) != text_of(call.function) or "offset" not in other.keywords:
            continue
        if text_of(other.arguments[0]) == text_of(call.arguments[0]) or not context.is_a(call.function, "mlx.nn.RoPE"):
            continue
        offset = text_of(other.keywords["offset"])
        fix = Fix(f"Give {offset} too", (appended(call, offset),), is_safe=False)
        yield Finding(
            call.node, f"`{text_of(other.node)}` counts positions from its offset, and this from 0: with a cache each "
            "new token is taken for the first.", (fix,),
        )  # fmt: skip
        return


def _turned(node: Node) -> Call | None:
    """Return the call that an assignment assigns; None where it is something else."""
    call = call_of(field(node, "right")) if node.type == "assignment" else None
    return call if call is not None and call.arguments else None


RULES = (rope_offset,)
