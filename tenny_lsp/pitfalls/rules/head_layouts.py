"""Queries and keys whose heads stand where attention and rotary layers take the positions."""

import re
from collections.abc import Iterator

from tenny_lsp.pitfalls.calls import Call, call_of, function_around
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Edit, Fix, inserted
from tenny_lsp.pitfalls.origins import last_value
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.source.syntax import Node, field, text_of, up_to

_ATTENTION = "mlx.core.fast.scaled_dot_product_attention"
_DEEPEST = 6
_X = "x = mx.arange(60.0).reshape(1, 5, 12) / 60\n"
_ROPE = f"{_X}rope = nn.RoPE(4)\n"
_CALL = "\ny = turned(x)"
_TURNED = "mx.allclose(y, rope(x.reshape(1, 5, 3, 4).transpose(0, 2, 1, 3))).item()"
_SPLIT = "def turned(x):\n    B, L, D = x.shape\n    q = x.reshape(B, L, 3, -1)"
_DIRECT = "def turned(x):\n    B, L, D = x.shape\n    return {}" + _CALL
_ATTEND = "mx.fast.scaled_dot_product_attention(q, q, q, scale=1.0)"
_Z = "x.reshape(1, 5, 3, 4).transpose(0, 2, 1, 3)"
_RIGHT = f"mx.fast.scaled_dot_product_attention({_Z}, {_Z}, {_Z}, scale=1.0).transpose(0, 2, 1, 3)"
_ATTENDED = f"mx.allclose(y, {_RIGHT}).item()"


@rule(
    "rope-over-heads",
    "warning",
    "Rotary positions of heads",
    PYTHON + "nn/_autosummary/mlx.nn.RoPE.html",
    calls=("*",),
    words=("RoPE", "fast.rope"),
    examples=(
        Example(_ROPE + _DIRECT.format("rope(x.reshape(B, L, 3, -1)).transpose(0, 2, 1, 3)"),
                _ROPE + _DIRECT.format("rope(x.reshape(B, L, 3, -1).transpose(0, 2, 1, 3))"), _TURNED, "wrong"),
        Example(f"{_ROPE}{_SPLIT}\n    q = rope(q)\n    return q.transpose(0, 2, 1, 3){_CALL}",
                f"{_ROPE}{_SPLIT}\n    q = q.transpose(0, 2, 1, 3)\n    return rope(q){_CALL}", _TURNED, "wrong",
                is_fixed=False),
        Example(f"{_ROPE}n, size = x.shape[:2]\nq = rope(x.reshape(n, size, 3, 4))\ny = q.swapaxes(1, 2)",
                f"{_ROPE}n, size = x.shape[:2]\nq = rope(x.reshape(n, size, 3, 4).swapaxes(1, 2))\ny = q", _TURNED,
                "wrong", is_fixed=False),
    ),
)  # fmt: skip
def rope_over_heads(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find rotary layers that get (batch, positions, heads, size): they take the axis before the last for positions."""
    if not call.arguments or call.name not in {"rope", *context.file.rotary_layers}:
        return
    is_function = call.name == "rope" and context.name(call.function) == "mlx.core.fast.rope"
    if call.arguments[0].type not in ("identifier", "call") or (call.name[:1].isupper() and not is_function):
        return
    split = _split(context, call.arguments[0])
    if split is None or not (_is_exchanged(call) or _has_positions_second(context, split)):
        return
    if is_function or context.is_one_of(call.function, ("mlx.nn.RoPE",)):
        yield Finding(
            call.node, "Rotary positions are counted along the axis before the last, and here these are the heads: "
            "exchange both first, `.transpose(0, 2, 1, 3)`.", _fix(call),
        )  # fmt: skip


def _fix(call: Call) -> tuple[Fix, ...]:
    """Return the fix of ``rope(x.reshape(…)).transpose(…)``: the other way round."""
    outer = _next_call(call.node)
    if outer is None or call.arguments[0].type != "call":
        return ()
    text = (outer.text or b"")[call.node.end_byte - outer.start_byte :].decode("utf-8", "replace")
    edits = (inserted(call.arguments[0].end_byte, text), Edit(call.node.end_byte, outer.end_byte, ""))
    return (Fix("Exchange the axes first", edits, is_safe=False),)


def _next_call(node: Node) -> Node | None:
    """Return the call of the transposing method that follows an expression: ``….transpose(0, 2, 1, 3)``."""
    outer = node.parent.parent if node.parent is not None and node.parent.type == "attribute" else None
    call = call_of(outer)
    return outer if call is not None and call.owner == node and _exchanges(call) else None


def _exchanges(call: Call) -> bool:
    given = [text_of(one) for one in call.arguments]
    if call.name == "swapaxes":
        return given in (["1", "2"], ["2", "1"], ["-2", "-3"], ["-3", "-2"])
    return call.name == "transpose" and re.findall(r"\d", "".join(given)) == ["0", "2", "1", "3"]


def _is_exchanged(call: Call) -> bool:
    """Return whether heads and positions are exchanged only after the call, itself or by the name that it is given."""
    statement = call.node.parent
    if _next_call(call.node) is not None:
        return True
    if statement is None or statement.type != "assignment" or field(statement, "right") != call.node:
        return False
    name, line = re.escape(text_of(field(statement, "left") or statement)), statement.parent
    following = line.next_named_sibling if line is not None else None
    while following is not None and following.type in ("expression_statement", "return_statement"):
        inner = following.named_children[0] if following.named_children else following
        text = text_of(field(inner, "right") or inner)
        if re.search(rf"\b{name}\b", text):
            found = re.search(rf"\b{name}\.(?:transpose|swapaxes)\(([^()]*)\)", text)
            return found is not None and re.sub(r"\D", "", found[1]) in ("0213", "12", "21")
        following = following.next_named_sibling
    return False


def _split(context: RuleContext, node: Node | None, depth: int = 0) -> Call | None:
    """Return the call that makes (…, heads, size) of an array, ``x.reshape(B, L, heads, -1)``, if nothing moves them.

    What a norm, a rotary layer or a conversion makes of it is the same.
    """
    if node is None or depth > _DEEPEST:
        return None
    if node.type == "identifier":
        return _split(context, last_value(context, node), depth + 1) if context.is_own(node) else None
    call = call_of(node)
    if call is None or not call.is_whole:
        return None
    if call.name == "reshape":
        return call if len(_sizes(call)) == 4 and "transpose" not in text_of(call.owner or call.node) else None
    if call.name == "astype":
        return _split(context, call.owner, depth + 1)
    is_layer = re.search(r"norm|rope|rotary", call.name.lower()) is not None
    return _split(context, call.arguments[0], depth + 1) if is_layer and call.arguments else None


def _sizes(call: Call) -> list[Node]:
    """Return the sizes that a call of ``reshape`` gives: ``x.reshape(B, L, H, D)``, ``mx.reshape(x, (B, L, H, D))``."""
    given = list(call.arguments)
    if given and given[-1].type in ("tuple", "list"):
        return [one for one in given[-1].named_children if one.type != "comment"]
    return given


def _has_positions_second(context: RuleContext, call: Call) -> bool:
    """Return whether the second size is that of the second axis of what had three: ``B, L, D = x.shape``."""
    (_, second, heads, size), function = _sizes(call), function_around(call.node)
    text = text_of(function) if function is not None else ""
    if second.type == "subscript":
        return re.fullmatch(r"\w+\.shape\[1\]", text_of(second)) is not None and _sizes(call)[0].type == "subscript"
    if second.type != "identifier" or text_of(heads) == "1" or context.file.mentions(".transpose(1, 0, 2)"):
        return False
    unpacked = rf"^ *\w+, *{text_of(second)}(?:, *(\w+) *= *\w+\.shape| *= *\w+\.shape\[:2\])$"
    found = re.search(unpacked, text, re.MULTILINE)
    return found is not None and found[1] != text_of(size)  # else the last axis is not cut into heads


@rule(
    "attention-over-heads",
    "warning",
    "Attention whose heads and positions are exchanged",
    PYTHON + "_autosummary/mlx.core.fast.scaled_dot_product_attention.html",
    calls=("scaled_dot_product_attention",),
    examples=(
        Example(
            f"{_X}{_SPLIT}\n    return {_ATTEND}{_CALL}",
            f"{_X}{_SPLIT}.transpose(0, 2, 1, 3)\n    return {_ATTEND}.transpose(0, 2, 1, 3){_CALL}",
            _ATTENDED, "wrong", is_fixed=False,
        ),
    ),
)  # fmt: skip
def attention_over_heads(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find attention that gets (batch, positions, heads, size): it takes the heads before the positions."""
    if len(call.arguments) < 2 or context.name(call.function) != _ATTENTION or up_to(call.node, "lambda") is not None:
        return
    found = [_split(context, one) for one in call.arguments[:2]]
    if all(one is not None and _has_positions_second(context, one) for one in found):
        yield Finding(
            call.arguments[0], "Attention takes (batch, heads, positions, size), and here the positions stand before "
            "the heads: each position attends to its own heads alone. Exchange them, `.transpose(0, 2, 1, 3)`, and "
            "back after.",
        )  # fmt: skip


RULES = (rope_over_heads, attention_over_heads)
