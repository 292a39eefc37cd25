"""Rotary positions that are counted from 0 where they go on."""

import re
from collections.abc import Iterator

from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, appended
from tenny_lsp.pitfalls.origins import last_value
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.pitfalls.values import literal_of
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


_LAYER = (
    "rope = nn.RoPE(4)\ndef attend(k, cache=None):\n    k = rope(k{})\n    if cache is not None:\n"
    "        k = mx.concatenate([cache{}, k], axis=2)\n    return k\n"
    "k = mx.ones((1, 1, 2, 4))\ny = attend(k, {})\n"
)
_ROPES = ("mlx.nn.RoPE",)
_PAIR = (
    "rope = nn.RoPE(4)\ndef attend(k, past):\n    q, k = {}, {}\n"
    "    return mx.concatenate([past, k], axis=2)\nk = mx.ones((1, 1, 2, 4))\ny = attend(k, rope(k))\n"
)
_CACHED = "mx.allclose(y, rope(mx.ones((1, 1, 4, 4)))).item()"


@rule(
    "rope-with-cache",
    "warning",
    "Cached keys whose positions begin at 0 again",
    PYTHON + "nn/_autosummary/mlx.nn.RoPE.html",
    calls=("concatenate", "update_and_fetch"),
    examples=(
        Example(
            _LAYER.format("", "", "attend(k)"),
            _LAYER.format(", offset=0 if cache is None else cache.shape[2]", "", "attend(k)"),
            _CACHED, "wrong", is_fixed=False,
        ),
        Example(
            _LAYER.format("", "[0]", "[attend(k)]"),
            _LAYER.format(", offset=cache[0].shape[2] if cache else 0", "[0]", "[attend(k)]"),
            _CACHED, "wrong", is_fixed=False,
        ),
        Example(
            _PAIR.format("rope(k)", "rope(k)"), _PAIR.format("rope(k, past.shape[2])", "rope(k, past.shape[2])"),
            _CACHED, "wrong", is_fixed=False,
        ),
    ),
)  # fmt: skip
def rope_with_cache(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find keys that are turned without an offset and then put behind those of a cache."""
    if not any(map(context.file.mentions, ("RoPE(", "fast.rope("))) or not call.arguments:
        return
    new = call.arguments[0] if call.name == "update_and_fetch" else _appended(context, call)
    made = last_value(context, new) if new is not None and context.is_own(new) else new
    turned = call_of(made)
    while turned is not None and turned.name == "astype" and turned.owner is not None:
        turned = call_of(turned.owner)
    if turned is None or not turned.is_whole or not turned.arguments:
        return
    offset = turned.value("offset") or next(iter(turned.arguments[1:2]), None)
    if context.name(turned.function) == "mlx.core.fast.rope":
        is_from_zero = literal_of(turned.value("offset")) == 0
    else:
        is_from_zero = (offset is None or literal_of(offset) == 0) and context.is_one_of(turned.function, _ROPES)
    if is_from_zero:
        yield Finding(
            turned.node, "The keys of the cache stand before these, whose positions begin at 0 again here: each new "
            "token is taken for the first. Give the length of the cache as `offset`, to the queries too.",
        )  # fmt: skip


def _appended(context: RuleContext, call: Call) -> Node | None:
    """Return what is put behind a cache: ``k`` in ``mx.concatenate([cache[0], k], axis=2)``."""
    parts = [one for one in call.arguments[0].named_children if one.type != "comment"]
    axis = call.value("axis") or next(iter(call.arguments[1:2]), None)
    is_pair = call.arguments[0].type in ("list", "tuple") and len(parts) == 2
    if not is_pair or literal_of(axis) not in (2, -2) or context.name(call.function) != "mlx.core.concatenate":
        return None
    return parts[1] if _is_cache(context, parts[0]) else None


def _is_cache(context: RuleContext, node: Node) -> bool:
    """Return whether an expression is a part of a cache: it is named so, or of a parameter that may be None."""
    root = node
    while root.type in ("subscript", "attribute"):
        root = root.named_children[0]
    if re.search(r"cache|past|prev|memory|history", text_of(node).lower()):
        return True
    scope = next(iter(context.scopes_around(node)), None)
    found = scope.bindings.get(text_of(root), []) if scope is not None else []
    if len(found) != 1:
        return False
    if found[0].definition is None and found[0].value is not None and found[0].steps:  # ``past, _ = cache``
        return found[0].value.type == "identifier" and _is_cache(context, found[0].value)
    default = field(found[0].definition, "value")
    return default is not None and default.type == "none"


RULES = (rope_offset, rope_with_cache)
