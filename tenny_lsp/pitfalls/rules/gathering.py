"""One value for each row: what gathers it, and what gives another."""

import re
from collections.abc import Iterator

from tenny_lsp.pitfalls.calls import Call, call_of, function_around, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, atom, replaced
from tenny_lsp.pitfalls.rule import ISSUES, PYTHON, Example, Finding, rule
from tenny_lsp.pitfalls.values import literal_of
from tenny_lsp.source.syntax import Node, field, text_of

#: Names of one index for each row, and words before them that say that all rows share them.
_CHOSEN = re.compile(r"(?:.*_)?(?:actions|acts|labels|targets)(?:_batch)?")
_SHARED = re.compile(r"all|valid|legal|allowed|possible|available|candidate|top|unique|class|n|num|best|other")
#: Names of what has a value of each class, or action, in every row.
_SCORES = re.compile(
    r"(?:.*_)?(?:q|qs|q_?values?|q_?vals?|logits|log_?p(?:s|robs?)?|log_?probabilities|probs|probabilities|action_values)"
)
_MODELS = re.compile(r"(?:self\.)?\w*(?:model|net|network|policy|actor|critic|online|target)")
#: Functions that keep a row for each row.
_ROWWISE = {"softmax", "log_softmax", "log", "exp", "stop_gradient", "astype"}
_ROWS = "logits = mx.arange(8.0).reshape(4, 2)\nactions = mx.array([0, 1, 1, 0])\n"
_PICKED = "y.tolist() == [0, 3, 5, 6]"


@rule(
    "take-for-each-row",
    "warning",
    "`mx.take` of one index for each row",
    PYTHON + "_autosummary/mlx.core.take_along_axis.html",
    calls=("take",),
    kinds=("subscript",),
    examples=(
        Example(f"{_ROWS}y = mx.take(logits, actions, axis=1)",
                f"{_ROWS}y = mx.take_along_axis(logits, actions[..., None], axis=-1)[..., 0]", _PICKED, "wrong"),
        Example(f"{_ROWS}y = logits[:, actions]",
                f"{_ROWS}y = mx.take_along_axis(logits, actions[..., None], axis=-1)[..., 0]", _PICKED, "wrong"),
        Example("def nll(model, a, labels):\n    return -mx.take(nn.log_softmax(model(a)), labels, axis=-1)\n"
                "y = nll(model, x, mx.array([0, 1]))",
                "def nll(model, a, labels):\n"
                "    return -mx.take_along_axis(nn.log_softmax(model(a)), labels[..., None], axis=-1)[..., 0]\n"
                "y = nll(model, x, mx.array([0, 1]))", "y.shape == (2,)", "wrong"),
    ),
)  # fmt: skip
def take_for_each_row(context: RuleContext, found: Node | Call) -> Iterator[Finding]:
    """Find indices of which each row has one, given to what takes all of them of every row."""
    if isinstance(found, Call):
        scores, chosen = _taken(context, found)
        node = found.node
    else:
        scores, chosen = _indexed(found)
        node = found
    if scores is None or chosen is None or not _is_chosen(chosen) or not _are_scores(context, scores):
        return
    is_known = isinstance(found, Call) or context.is_array(scores) or scores.type == "call"
    if not is_known or (scores.type == "call" and context.file.mentions("torch")):
        return
    mx = context.alias("mlx.core", node)
    text = f"{mx}.take_along_axis({text_of(scores)}, {atom(chosen)}[..., None], axis=-1)[..., 0]"
    fixes = (Fix("Take one of each row", (replaced(node, text),), is_safe=False),) if mx else ()
    yield Finding(
        node, f"This takes all of `{text_of(chosen)}` from every row: the result has as many columns. One of each row "
        f"gives `{text}`.", fixes,
    )  # fmt: skip


def _taken(context: RuleContext, call: Call) -> tuple[Node | None, Node | None]:
    """Return what ``take`` takes from, along the last of two axes, and the indices."""
    axis = literal_of(call.value("axis") or (call.arguments[2] if len(call.arguments) > 2 else None))
    is_last = call.is_whole and len(call.arguments) >= 2 and axis in (1, -1)
    if not is_last or context.name(call.function) != "mlx.core.take":
        return None, None
    return call.arguments[0], call.arguments[1]


def _indexed(node: Node) -> tuple[Node | None, Node | None]:
    """Return ``q`` and ``actions`` of ``q[:, actions]``, which is read."""
    keys, outer = node.children_by_field_name("subscript"), node.parent
    if len(keys) != 2 or text_of(keys[0]) != ":" or outer is None or field(outer, "left") == node:
        return None, None
    return field(node, "value"), keys[1]


def _is_chosen(node: Node) -> bool:
    name = text_of(node).rpartition(".")[2] if node.type in ("identifier", "attribute") else ""
    words = name.lower().split("_")
    return _CHOSEN.fullmatch(name.lower()) is not None and not any(map(_SHARED.fullmatch, words))


def _are_scores(context: RuleContext, node: Node) -> bool:
    """Return whether an expression is what a model gives for each row, by its name or as the call of the model."""
    if node.type in ("identifier", "attribute"):
        return _SCORES.fullmatch(text_of(node).rpartition(".")[2].lower()) is not None
    call = call_of(node)
    if call is None or not call.arguments:
        return False
    entry = context.entry(call.function)
    if entry is None:
        return (call.function.type == "identifier" and context.is_array(node)) or _is_model(context, call)
    return call.name in _ROWWISE and _are_scores(context, call.arguments[0])


def _is_model(context: RuleContext, call: Call) -> bool:
    """Return whether a module is called, or a parameter that is called as one is."""
    if context.is_a(call.function, "mlx.nn.Module"):
        return True
    return _MODELS.fullmatch(text_of(call.function)) is not None


#: Names of arrays with one value for each row of a batch.
_BATCHES = {
    "rewards", "dones", "terminals", "states", "next_states", "observations", "next_observations", "actions",
    "batch_rewards", "reward_batch", "done_batch", "discounts",
}  # fmt: skip
_INDICES = re.compile(r"(?:.*_)?(?:idx|ind|indices|index|action|actions|preds?|predicted|predictions|argmax|labels)")
_NEXT = (
    "def backup(q, rewards):\n    best = {}\n    return rewards + 0.9 * best\n"
    "y = backup(mx.array([[1.0, 2.0], [5.0, 4.0]]), mx.zeros(2))"
)


@rule(
    "maximum-of-first-row",
    "warning",
    "`x.max(axis=1)[0]` for the values",
    ISSUES + "586",
    calls=("max", "min"),
    examples=(
        Example(_NEXT.format("mx.max(q, axis=1)[0]"), _NEXT.format("mx.max(q, axis=1)"),
                "abs(y[1].item() - 4.5) < 1e-5", "wrong"),
        Example("def backup(q: mx.array, rewards):\n    return rewards + 0.9 * q.max(-1)[0]\n"
                "y = backup(mx.array([[1.0, 2.0], [5.0, 4.0]]), mx.zeros(2))",
                "def backup(q: mx.array, rewards):\n    return rewards + 0.9 * q.max(-1)\n"
                "y = backup(mx.array([[1.0, 2.0], [5.0, 4.0]]), mx.zeros(2))", "abs(y[1].item() - 4.5) < 1e-5",
                "wrong"),
        Example("pred = x.max(axis=1)[1]\ny = pred", "pred = x.argmax(axis=1)\ny = pred", "y.tolist() == [2, 2]",
                "wrong"),
    ),
)  # fmt: skip
def maximum_of_first_row(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find the first or second row's maximum where PyTorch gives all values, or all indices."""
    outer = call.node.parent
    keys = outer.children_by_field_name("subscript") if outer is not None and outer.type == "subscript" else []
    which = literal_of(keys[0]) if len(keys) == 1 else None
    if outer is None or which not in (0, 1) or field(outer, "value") != call.node or not call.is_whole:
        return
    name = context.name(call.function)
    is_method = name == f"mlx.core.array.{call.name}"
    axis = call.value("axis") or next(iter(call.arguments[0 if is_method else 1 :]), None)
    if literal_of(axis) not in (1, -1) or not (is_method or name == f"mlx.core.{call.name}"):
        return
    if re.search(r"\[None|expand_dims|keepdims", text_of(outer)):
        return  # a batch of one
    if not (_is_for_batch(context, outer) if which == 0 else _is_for_indices(outer)):
        return
    other, mx = f"arg{call.name}", context.alias("mlx.core", call.node)
    text = text_of(call.node)
    if which == 1:
        text = f"{text_of(call.function)[: -len(call.name)]}{other}{text_of(call.listed)}"
    what = "`mx.max` returns the values alone" if call.name == "max" else "`mx.min` returns the values alone"
    row = "first" if which == 0 else "second"
    fixes = (Fix(f"Write {text}", (replaced(outer, text),), is_safe=False),) if mx else ()
    yield Finding(outer, f"{what}: this is the value of the {row} row, for all rows. Write `{text}`.", fixes)


def _is_for_batch(context: RuleContext, node: Node) -> bool:
    """Return whether a value is computed with in a function that is given a batch, by the names in it."""
    function = function_around(node)
    if function is None or not context.bindings_in(function).keys() & _BATCHES:
        return False
    outer = node.parent
    if outer is not None and outer.type == "binary_operator":
        return True
    left = field(outer, "left") if outer is not None and outer.type == "assignment" else None
    uses = within(field(function, "body"), "identifier") if left is not None else ()
    parts = (one.parent for one in uses if left is not None and text_of(one) == text_of(left))
    return any(part is not None and part.type == "binary_operator" for part in parts)


def _is_for_indices(node: Node) -> bool:
    """Return whether a value is assigned a name of indices."""
    left = field(node.parent, "left") if node.parent is not None and node.parent.type == "assignment" else None
    return left is not None and _INDICES.fullmatch(text_of(left)) is not None


RULES = (take_for_each_row, maximum_of_first_row)
