"""Gradients that are lost on the way: estimators that cancel, logarithms of what has become 0, Python's numbers."""

from collections.abc import Iterator
from functools import partial

from tenny_lsp.pitfalls.calls import Call, call_of, function_around, stands_in_statement_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.differentiated import depends, followed, is_cut, result_of, sources_of
from tenny_lsp.pitfalls.edits import Fix, atom, replaced
from tenny_lsp.pitfalls.origins import last_value
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, Search, rule
from tenny_lsp.source.syntax import Node, field, text_of, up_to, without_parentheses

_STOP = "mlx.core.stop_gradient"
_ROUND = "def f(z):\n    q = mx.round(z)\n    return {}.sum()\ny = mx.grad(f)(x)"


@rule(
    "straight-through",
    "warning",
    "A straight-through estimator that cancels itself",
    PYTHON + "_autosummary/mlx.core.stop_gradient.html",
    kinds=("binary_operator",),
    words=("stop_gradient", "value_and_grad", ".grad("),
    examples=(
        Example(_ROUND.format("(z + (q - z))"), _ROUND.format("(z + mx.stop_gradient(q - z))"), "y.sum().item() == 6",
                "wrong"),
        Example(_ROUND.format("(z - (z - q))"), _ROUND.format("(z + mx.stop_gradient(q - z))"), "y.sum().item() == 6",
                "wrong"),
        Example(_ROUND.format("(z + mx.stop_gradient(q) - z)"), _ROUND.format("(z + mx.stop_gradient(q - z))"),
                "y.sum().item() == 6", "wrong"),
        Example("def quantize(z):\n    return z + (mx.round(z) - z)\n"
                "y = mx.grad(lambda z: quantize(z * 2).sum())(x)",
                "def quantize(z):\n    return z + mx.stop_gradient(mx.round(z) - z)\n"
                "y = mx.grad(lambda z: quantize(z * 2).sum())(x)", "y.sum().item() == 12", "wrong"),
    ),
)  # fmt: skip
def straight_through(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find ``z + (q - z)``: what is added is taken away again, so that its gradient is 0."""
    if _sign(node) is None or _is_part(node):
        return
    terms = list(_terms(node, is_positive=True))
    if len(terms) != 3:
        return
    added = {text_of(term) for term, is_positive in terms if is_positive}
    cancelled = next((term for term, is_positive in terms if not is_positive and text_of(term) in added), None)
    other = [term for term, is_positive in terms if is_positive and text_of(term) != text_of(cancelled or node)]
    if cancelled is None or cancelled.type not in ("identifier", "attribute", "subscript") or len(other) != 1:
        return
    if not context.is_array(cancelled) and not context.is_array(other[0]):
        return
    name, mx = text_of(cancelled), context.alias("mlx.core", node)
    stopped = call_of(other[0])
    is_stopped = stopped is not None and context.name(stopped.function) == _STOP and len(stopped.arguments) == 1
    value = stopped.arguments[0] if stopped is not None and is_stopped else other[0]
    text = f"{name} + {mx}.stop_gradient({text_of(value)} - {name})"
    fixes = (Fix(f"Write {text}", (replaced(node, text),), is_safe=False),) if mx else ()
    yield Finding(
        node, f"`{name}` is added and taken away again, its gradient too, so that no gradient reaches it here. A "
        f"straight-through estimator is `{text}`.", fixes,
    )  # fmt: skip


def _sign(node: Node) -> str | None:
    """Return the operator of a sum or a difference; None of anything else, but for parentheses around one."""
    node = without_parentheses(node)
    operator = field(node, "operator") if node.type == "binary_operator" else None
    return text_of(operator) if operator is not None and operator.type in ("+", "-") else None


def _is_part(node: Node) -> bool:
    """Return whether a sum is itself a term of one."""
    outer = node.parent
    while outer is not None and outer.type == "parenthesized_expression":
        outer = outer.parent
    return outer is not None and _sign(outer) is not None


def _terms(node: Node, *, is_positive: bool) -> Iterator[tuple[Node, bool]]:
    """Yield the terms of a sum, each with whether it is added."""
    node = without_parentheses(node)
    left, right, sign = field(node, "left"), field(node, "right"), _sign(node)
    if sign is None or left is None or right is None:
        yield node, is_positive
        return
    yield from _terms(left, is_positive=is_positive)
    yield from _terms(right, is_positive=is_positive == (sign == "+"))


#: What makes Python's numbers of arrays.
_READS = (".item()", ".tolist()", "float(")
#: What is 0 for great negative numbers → nn's function for its logarithm.
_LOGARITHMS = {"softmax": "log_softmax", "sigmoid": "log_sigmoid"}
#: What chooses among probabilities by their logarithms.
_CHOICES = ("categorical", "argmax", "argsort", "argpartition", "topk")
#: Losses for which the fix of another rule writes the logarithm.
_LOSSES = ("nll_loss", "kl_div_loss")
_FAR = "logits = mx.array([0.0, 200.0])\nstep = mx.value_and_grad(lambda w: (w * logits).sum())\n"


@rule(
    "log-of-softmax",
    "warning",
    "The logarithm of a softmax",
    PYTHON + "nn/_autosummary_functions/mlx.nn.log_softmax.html",
    calls=("log",),
    examples=(
        Example(f"{_FAR}y = mx.log(mx.softmax(logits, axis=-1))", f"{_FAR}y = nn.log_softmax(logits, axis=-1)",
                "mx.isfinite(y).all().item()", "wrong"),
        Example(f"{_FAR}y = mx.softmax(logits, axis=-1).log()", f"{_FAR}y = nn.log_softmax(logits, axis=-1)",
                "mx.isfinite(y).all().item()", "wrong"),
        Example(f"{_FAR}def f(a):\n    p = nn.softmax(a, axis=-1)\n    return mx.log(p)\ny = f(logits)",
                f"{_FAR}def f(a):\n    return a - mx.logsumexp(a, axis=-1, keepdims=True)\ny = f(logits)",
                "mx.isfinite(y).all().item()", "wrong", is_fixed=False),
        Example("y = mx.grad(lambda a: mx.log(mx.sigmoid(a)))(mx.array(-200.0))",
                "y = mx.grad(lambda a: nn.log_sigmoid(a))(mx.array(-200.0))", "y.item() == 1", "wrong"),
    ),
)  # fmt: skip
def log_of_softmax(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find logarithms of softmax and of sigmoid, which are -inf where these have become 0, in files that train."""
    name = context.name(call.function) if any(map(context.file.mentions, ("value_and_grad(", ".grad("))) else ""
    if name not in ("mlx.core.log", "mlx.core.array.log"):
        return
    given = call.owner if name == "mlx.core.array.log" else next(iter(call.arguments), None)
    value = last_value(context, given) if given is not None and given.type == "identifier" else given
    made = call_of(value)
    if given is None or made is None or made.name not in _LOGARITHMS or _is_drawn_from(call.node):
        return
    if context.name(made.function) not in (f"mlx.core.{made.name}", f"mlx.nn.{made.name}"):
        return
    nn, other = context.alias("mlx.nn", call.node), _LOGARITHMS[made.name]
    extra = set(made.keywords) - {"axis"} or len(made.arguments) != (2 - len(made.keywords))
    is_plain = made.name == "sigmoid" or not extra
    fixes: tuple[Fix, ...] = ()
    if nn and given == made.node and made.is_whole and is_plain:
        text = f"{nn}.{other}{text_of(made.listed)}"
        fixes = (Fix(f"Write {text}", (replaced(call.node, text),)),)
    first = atom(made.arguments[0]) if made.arguments else "x"
    better = f"`{first} - mx.logsumexp({first}, …)`" if made.name == "softmax" else "`-mx.logaddexp(0, -x)`"
    yield Finding(
        call.node, f"Where the {made.name} has become 0 this is -inf, and its gradient is not a number. Write "
        f"`nn.{other}`, or {better}.", fixes,
    )  # fmt: skip


def _is_drawn_from(node: Node) -> bool:
    """Return whether a logarithm is that of probabilities to choose from, where -inf is right, or another rule's."""
    outer: Node | None = node
    while outer is not None and "statement" not in outer.type and outer.type != "assignment":
        call = call_of(outer)
        if call is not None and call.name in (*_CHOICES, *_LOSSES):
            return True
        outer = outer.parent
    name = field(outer, "left") if outer is not None and field(outer, "right") == node else None
    scope = function_around(node) or up_to(node, "module")
    text = text_of(scope) if scope is not None and name is not None else ""
    return name is not None and any(f"{choice}({text_of(name)}" in text for choice in _CHOICES)


_RATIO = "def loss(model, a, w):\n    ratio = mx.exp(model(a))\n{}    return (ratio * w).mean()\n"
_TAKEN = "_, y = nn.value_and_grad(model, loss)(model, x, mx.ones(2))"


@rule(
    "numbers-in-gradient",
    "warning",
    "Python's numbers in a function whose gradient is taken",
    PYTHON + "_autosummary/mlx.core.value_and_grad.html",
    scope="file",
    kinds=("return_statement",),
    words=_READS,
    examples=(
        Example(_RATIO.format("    ratio = mx.array(ratio.tolist())\n") + _TAKEN, _RATIO.format("") + _TAKEN,
                "mx.abs(y['weight']).sum().item() > 0", "wrong", is_fixed=False),
        Example("def loss(model, a):\n    out = model(a)\n    return mx.array(out.sum().item()) ** 2\n"
                "_, y = nn.value_and_grad(model, loss)(model, x)",
                "def loss(model, a):\n    out = model(a)\n    return out.sum() ** 2\n"
                "_, y = nn.value_and_grad(model, loss)(model, x)", "mx.abs(y['bias']).sum().item() > 0", "wrong",
                is_fixed=False),
        Example("def loss(w):\n    scale = float(mx.abs(w).max())\n    return mx.array([scale, 1.0]).sum()\n"
                "y = mx.grad(loss)(x)",
                "def loss(w):\n    scale = mx.abs(w).max()\n    return scale + 1.0\ny = mx.grad(loss)(x)",
                "mx.abs(y).sum().item() > 0", "wrong", is_fixed=False),
    ),
)  # fmt: skip
def numbers_in_gradient(context: RuleContext, node: Node) -> Iterator[Finding] | Search | None:
    """Find losses that are computed from what ``.item()`` and ``.tolist()`` read: to MLX they are constants."""
    function = function_around(node)
    transform = context.file.gradients.get(function.id) if function is not None else None
    if function is None or transform is None:
        return None
    search = partial(_constant_loss, context, function, transform)
    return search(node) if stands_in_statement_of(transform.node, node) else search


def _constant_loss(context: RuleContext, function: Node, transform: Call, _: Node) -> Iterator[Finding]:
    """Report what is read of the arrays that a gradient is taken of, if the loss hangs on nothing else of these."""
    sources, result = sources_of(context, function, transform), result_of(context, function)
    if sources is None or result is None or any(map(text_of(function).count, ("np.", "numpy."))):
        return
    if result.type in ("tuple", "expression_list"):
        result = result.named_children[0]
    behind = followed(context, result, lambda part: is_cut(context, part))
    read = [part for part in behind.parts if is_cut(context, part)]
    words = {text_of(part).partition(".")[0] for part in behind.parts if part.type == "identifier"}
    roots = {name.partition(".")[0] for name in (*sources.arrays, *sources.modules)}
    if not behind.is_whole or words & (roots | {"self"}) or result in read:
        return
    for part in read:
        call = call_of(part)
        inner = call.owner if call is not None and call.owner is not None else None
        inner = inner or (call.arguments[0] if call is not None and call.arguments else None)
        if inner is not None and text_of(part) != text_of(inner) and depends(context, inner, sources):
            yield Finding(
                part, "What is read as Python's numbers is a constant to MLX: no gradient flows through it, and the "
                "parameters get zero. Compute with the array itself.",
            )  # fmt: skip
            return


RULES = (straight_through, log_of_softmax, numbers_in_gradient)
