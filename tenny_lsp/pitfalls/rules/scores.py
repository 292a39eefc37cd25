"""Scores of attention that are scaled or masked so that the softmax of them is another."""

import re
from collections.abc import Iterator
from functools import partial

from tenny_lsp.inference.names import reaching_bindings
from tenny_lsp.pitfalls.calls import Call, call_of, function_around
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.number_masks import ones_and_zeros
from tenny_lsp.pitfalls.origins import origin
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, Search, rule
from tenny_lsp.pitfalls.values import is_mask, literal_of
from tenny_lsp.source.syntax import Node, field, text_of, without_parentheses

_ATTENTION = "mlx.core.fast.scaled_dot_product_attention"
_SOFTMAX = ("mlx.core.softmax", "mlx.nn.softmax")
#: What masks are called; what is ``masked`` are scores.
_MASK = re.compile(r"(?i)(?:\w+_)?masks?(?:\[[^\]]*\])?")
_ROOTS = ("math.sqrt", "numpy.sqrt", "mlx.core.sqrt")
_BY_PRODUCT, _BY_SUM = "Multiplied by its mask a score becomes 0", "A mask of ones and zeros is added here"
_WRITE = "Where nothing may be seen the score has to be `-inf`: `mx.where(mask, scores, -mx.inf)`."
_S = "s = mx.zeros((2, 2))\n"
_L = "m = mx.tril(mx.ones((2, 2)))\n"
_Q = "q = mx.array([[[[0.0, 4.0], [4.0, 0.0]]]])\ny = mx.fast.scaled_dot_product_attention(q, q, q, scale={})"
_SOFT = "y[0, 0, 0, 0].item() > 1e-6"


@rule(
    "attention-scale",
    "warning",
    "Scores of attention multiplied by the root of the size",
    PYTHON + "_autosummary/mlx.core.fast.scaled_dot_product_attention.html",
    scope="file",
    calls=("scaled_dot_product_attention",),
    examples=(
        Example("import math\n" + _Q.format("math.sqrt(q.shape[-1])"),
                "import math\n" + _Q.format("1 / math.sqrt(q.shape[-1])"), _SOFT, "wrong"),
        Example(_Q.format("2 ** 0.5"), _Q.format("2 ** -0.5"), _SOFT, "wrong"),
        Example("size = 2\nscale = size**0.5\n" + _Q.format("scale"),
                "size = 2\nscale = size**-0.5\n" + _Q.format("scale"), _SOFT, "wrong"),
    ),
)  # fmt: skip
def attention_scale(context: RuleContext, call: Call) -> Search | None:
    """Find attention whose scores are multiplied by the root of the size of the heads, instead of divided."""
    scale = call.value("scale")
    if scale is None or context.name(call.function) != _ATTENTION:
        return None
    made = origin(context, scale)
    if made is None or re.search(r"sqrt|\.5|/ *2", text_of(made)) is None:
        return None
    return partial(_multiplied, context, scale, made)


def _multiplied(context: RuleContext, scale: Node, made: Node, _: Node) -> Iterator[Finding]:
    left, operator, power = (field(made, part) for part in ("left", "operator", "right"))
    call = call_of(made)
    name = (context.external(call.function) or context.name(call.function)) if call is not None else ""
    if (
        operator is not None
        and operator.type == "**"
        and power is not None
        and literal_of(power) == 0.5
        and _is_size(left)
    ):
        edit, text = replaced(power, f"-{text_of(power)}"), f"{text_of(field(made, 'left') or made)} ** -0.5"
    elif call is not None and name in _ROOTS and len(call.arguments) == 1 and _is_size(call.arguments[0]):
        text = f"1 / {text_of(made)}"
        edit = replaced(made, text)
    else:
        return
    yield Finding(
        scale, "Attention multiplies its scores by `scale`: by the root of the size they become too great, and it "
        f"looks at one place alone. Write `{text}`.", (Fix(f"Write {text}", (edit,), is_safe=False),),
    )  # fmt: skip


def _is_size(node: Node | None) -> bool:
    """Return whether a number may be the size of a head, and is no quotient as ``1 / size``: what stands for itself."""
    node = without_parentheses(node) if node is not None else None
    operator = field(node, "operator")
    is_whole = operator is not None and operator.type == "//"
    return is_whole or (node is not None and node.type in ("identifier", "attribute", "subscript", "integer"))


@rule(
    "masked-scores",
    "warning",
    "Scores that are masked by 0 or 1",
    PYTHON + "_autosummary/mlx.core.where.html",
    scope="file",
    calls=("softmax",),
    examples=(
        Example(f"{_S}{_L}y = mx.softmax(s * m, axis=-1)", f"{_S}{_L}y = mx.softmax(mx.where(m, s, -mx.inf), axis=-1)",
                "y[0, 1].item() == 0", "wrong"),
        Example(f"{_S}{_L}y = mx.softmax(s + m, axis=-1)", f"{_S}{_L}y = mx.softmax(mx.where(m, s, -mx.inf), axis=-1)",
                "y[0, 1].item() == 0", "wrong"),
        Example(f"{_S}{_L}s = mx.where(m == 0, 0.0, s)\ny = mx.softmax(s, axis=-1)",
                f"{_S}{_L}s = mx.where(m == 0, -mx.inf, s)\ny = mx.softmax(s, axis=-1)",
                "y[0, 1].item() == 0", "wrong"),
        Example("def attend(s, mask=None):\n    if mask is not None:\n        s = s * mask\n"
                f"    return mx.softmax(s, axis=-1)\n\n{_S}{_L}y = attend(s, m)",
                "def attend(s, mask=None):\n    if mask is not None:\n        s = mx.where(mask, s, -mx.inf)\n"
                f"    return mx.softmax(s, axis=-1)\n\n{_S}{_L}y = attend(s, m)", "y[0, 1].item() == 0", "wrong",
                is_fixed=False),
        Example("def attend(s, mask):\n    s *= mask\n    return mx.softmax(s, axis=-1)\n\n"
                f"{_S}{_L}y = attend(s, m)",
                "def attend(s, mask):\n    s = mx.where(mask, s, -mx.inf)\n    return mx.softmax(s, axis=-1)\n\n"
                f"{_S}{_L}y = attend(s, m)", "y[0, 1].item() == 0", "wrong", is_fixed=False),
    ),
)  # fmt: skip
def masked_scores(context: RuleContext, call: Call) -> Search | None:
    """Find scores that are multiplied by a mask, or become 0 by it, before their softmax: the exponential of 0 is 1."""
    if not call.arguments or not any(map(context.file.mentions, ("mask", "tril", "triu", "where", "=="))):
        return None
    if context.name(call.function) not in _SOFTMAX:
        return None
    is_zeroed = any(_zeroed(context, given) is not None for given in _assigned(context, call.arguments[0]))
    return partial(_masked, context, call) if is_zeroed else None


def _masked(context: RuleContext, call: Call, _: Node) -> Iterator[Finding]:
    for given in _assigned(context, call.arguments[0]):
        found = _zeroed(context, given)
        if found is None or _is_masked_again(call, found[0]):
            continue
        yield Finding(given, f"{found[1]}: the exponential of 0 is 1, so that nothing is masked. {_WRITE}", found[2])
        return


def _is_masked_again(call: Call, mask: Node) -> bool:
    """Return whether a mask stands behind the softmax once more: the weights may be masked by it."""
    function = function_around(call.node)
    names = set(re.findall(r"\w+", text_of(mask))) - {"mx", "np", "None"}
    rest = (function.text or b"")[call.node.end_byte - function.start_byte :] if function is not None else b""
    return any(re.search(rf"\b{name}\b", rest.decode("utf-8", "replace")) for name in names)


def _zeroed(context: RuleContext, node: Node) -> tuple[Node, str, tuple[Fix, ...]] | None:
    """Return the mask that makes scores 0 or adds 1 to them, what it does, and the fix; None where none does."""
    operator, left, right = (field(node, part) for part in ("operator", "left", "right"))
    kind = operator.type.removesuffix("=") if operator is not None else ""
    mx = context.alias("mlx.core", node)
    if kind in ("*", "+") and left is not None and right is not None:
        for scores, mask in ((left, right), (right, left)):
            is_named = kind == "*" and _MASK.fullmatch(text_of(mask)) is not None
            if not _is_binary(context, mask) and not (is_named and literal_of(scores) is None):
                continue
            text, fixes = f"{mx}.where({text_of(mask)}, {text_of(scores)}, -{mx}.inf)", tuple[Fix, ...]()
            is_kept = not is_named and ones_and_zeros(context, mask) in ("lower", "")
            if mx and is_kept and node.type == "binary_operator":
                fixes = (Fix(f"Write {text}", (replaced(node, text),), is_safe=False),)
            return mask, _BY_PRODUCT if kind == "*" else _BY_SUM, fixes
    call = call_of(node)
    return _filled(context, call) if call is not None and call.name == "where" and len(call.arguments) == 3 else None


def _filled(context: RuleContext, call: Call) -> tuple[Node, str, tuple[Fix, ...]] | None:
    """Return what ``_zeroed`` does, for ``mx.where(mask, scores, 0)``."""
    mx = context.alias("mlx.core", call.node)
    condition, *chosen = call.arguments
    zero = next((one for one in chosen if literal_of(one) in (0, 0.0) and text_of(one) != "False"), None)
    other = next((one for one in chosen if one != zero), None)
    is_number = other is None or other.type == "unary_operator" or literal_of(other) is not None
    if other is None or re.search(rf"\b{re.escape(text_of(other))}\b|\bis(?:nan|inf|finite)\b", text_of(condition)):
        return None  # not a mask, but what the scores are themselves
    if zero is None or is_number or context.name(call.function) != "mlx.core.where":
        return None
    fixes = (Fix(f"Write -{mx}.inf", (replaced(zero, f"-{mx}.inf"),), is_safe=False),) if mx else ()
    return condition, "The scores are masked by 0 here", fixes


def _is_binary(context: RuleContext, node: Node) -> bool:
    """Return whether an array is certain to hold ones and zeros, or booleans, alone."""
    found = origin(context, node)
    return found is not None and (is_mask(context, found) or bool(ones_and_zeros(context, node)))


def _assigned(context: RuleContext, node: Node) -> list[Node]:
    """Return the operations whose result an expression may be: of a name, those that have been assigned to it."""
    if node.type != "identifier":
        return [node]
    found = reaching_bindings(context.evaluator, text_of(node), node) or []
    return [one.value for one in found if one.value is not None and not one.steps and one.definition is None]


RULES = (attention_scale, masked_scores)
