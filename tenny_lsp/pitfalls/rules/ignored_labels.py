"""Labels that other libraries' losses ignore, -100 above all, and MLX's take for a class."""

import re
from collections.abc import Iterator
from functools import partial

from tenny_lsp.inference.names import reaching_bindings
from tenny_lsp.pitfalls.calls import Call, all_within, call_of, function_around
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, Search, rule
from tenny_lsp.pitfalls.values import literal_of
from tenny_lsp.source.syntax import Node, field, text_of

_LOSSES = ("mlx.nn.losses.cross_entropy", "mlx.nn.losses.nll_loss")
#: What leaves the labels as they are.
_KEPT = ("reshape", "flatten", "astype", "squeeze")
#: A text in which somebody looks at what is ignored.
_HANDLED = r"(?:[!=<>]=?\s*\(?(?:{0})(?!\w)|(?:>=|<)\s*0\b|mask|ignore\w*\s*=)"
_LOGITS = "z = mx.zeros((4, 3))\n"
_LABELS = f"{_LOGITS}labels = mx.array([0, 1, 2, 0])\nlabels[2:] = -100\n"
_LOSS = "def loss(logits, t):\n    return nn.losses.cross_entropy(logits, t, reduction='mean')\n"
_MASKED = (
    "def loss(logits, t):\n    keep = t != -100\n"
    "    each = nn.losses.cross_entropy(logits, mx.where(keep, t, 0))\n    return (each * keep).sum() / keep.sum()\n"
)


@rule(
    "ignored-label",
    "warning",
    "Labels of -100 given to a loss of MLX's",
    PYTHON + "nn/_autosummary_functions/mlx.nn.losses.cross_entropy.html",
    scope="file",
    calls=("cross_entropy", "nll_loss"),
    examples=(
        Example(
            "z = mx.zeros((4, 3))\ny = nn.losses.cross_entropy(z, mx.array([0, 1, -100, 2])).sum()",
            "z = mx.zeros((4, 3))\ny = nn.losses.cross_entropy(z[:3], mx.array([0, 1, 2])).sum()",
            "0 < y.item() < 5", "undefined", is_fixed=False,
        ),
        Example(f"{_LABELS}y = nn.losses.cross_entropy(z, labels, reduction='mean')",
                f"{_LABELS}{_MASKED}y = loss(z, labels)", "abs(y.item() - 1.0986) < 1e-3", "undefined", is_fixed=False),
        Example(f"{_LOSS}{_LABELS}y = loss(z, labels)", f"{_MASKED}{_LABELS}y = loss(z, labels)",
                "abs(y.item() - 1.0986) < 1e-3", "undefined", is_fixed=False),
        Example(
            "def pad(rows):\n    targets = np.full((2, 4), -100)\n    for i, row in enumerate(rows):\n"
            "        targets[i, : len(row)] = row\n    return mx.array(targets)\n"
            "def loss(logits, targets):\n    return nn.losses.cross_entropy(logits, targets, reduction='mean')\n"
            "y = loss(mx.zeros((2, 4, 3)), pad([[1], [2, 0]]))",
            "def pad(rows):\n    targets = np.full((2, 4), -100)\n    for i, row in enumerate(rows):\n"
            "        targets[i, : len(row)] = row\n    return mx.array(targets)\n"
            f"{_MASKED}y = loss(mx.zeros((2, 4, 3)), pad([[1], [2, 0]]))",
            "abs(y.item() - 1.0986) < 1e-3", "undefined", is_fixed=False,
        ),
    ),
)  # fmt: skip
def ignored_label(context: RuleContext, call: Call) -> Search | None:
    """Find labels of -100 that nothing replaces before a loss: it takes the logit there, outside of the row."""
    targets = call.value("targets") or (call.arguments[1] if len(call.arguments) > 1 else None)
    if targets is None or "weights" in call.keywords or context.name(call.function) not in _LOSSES:
        return None
    return partial(_of_labels, context, call, targets) if context.file.mentions("-100") else None


def _of_labels(context: RuleContext, call: Call, targets: Node, root: Node) -> Iterator[Finding]:
    name = _plain(targets)
    value = context.value_of(name)
    made = call_of(value)
    numbers = literal_of(made.arguments[0]) if made is not None and made.name == "array" and made.arguments else None
    is_written = isinstance(numbers, list) and -100 in numbers
    if is_written or (name.type == "identifier" and _is_reduced(call) and _is_ignored(context, name, root)):
        yield Finding(
            targets, f"`{call.name}` knows no label to ignore: at -100 it takes a logit from outside of the row. Give "
            "0 there, `mx.where(keep, labels, 0)`, and multiply each loss by `keep` before the mean.",
        )  # fmt: skip


def _plain(node: Node) -> Node:
    """Return the labels of which an expression takes a part, or which it reshapes."""
    while True:
        call = call_of(node)
        if node.type == "subscript":
            node = node.named_children[0]
        elif call is not None and call.name in _KEPT and call.owner is not None:
            node = call.owner
        else:
            return node


def _is_reduced(call: Call) -> bool:
    """Return whether the losses are one number, so that nobody can leave some of them out."""
    outer = call.node.parent
    method = text_of(field(outer, "attribute") or call.node) if outer is not None and outer.type == "attribute" else ""
    return literal_of(call.value("reduction")) in ("mean", "sum") or method in ("mean", "sum")


def _is_ignored(context: RuleContext, name: Node, root: Node) -> bool:
    """Return whether a name holds labels that the text sets to -100, itself or as the parameter of a function."""
    text = (root.text or b"").decode("utf-8", "replace")
    ignored = "|".join(["-100", *re.findall(r"^(\w+)(?:: \w+)? = -100$", text, re.MULTILINE)])
    found = reaching_bindings(context.evaluator, text_of(name), name) or []
    names = _filled(text, ignored)
    if len(found) != 1:
        return False
    if found[0].value is not None:
        return text_of(name) in names and not re.search(rf"\b{text_of(name)}\s*{_HANDLED.format(ignored)}", text)
    function = function_around(name)
    if function is None or found[0].definition is None or found[0].definition.parent != field(function, "parameters"):
        return False
    if re.search(_HANDLED.format(ignored), text_of(function)):
        return False
    given = [one for one in _given(context, function, found[0].definition, root) if one.type == "identifier"]
    is_given = any(text_of(one) in names and _is_set(context, one, ignored) for one in given)
    return is_given or (text_of(name) in names and not re.search(_HANDLED.format(ignored), text))


def _filled(text: str, ignored: str) -> set[str]:
    """Return the names that a text fills with what is ignored, wholly or in part."""
    filled = re.findall(rf"\b(\w+)\[[^\n=]*\]\s*=\s*(?:{ignored})\s*(?:#|$)", text, re.MULTILINE)
    made = re.findall(rf"\b(\w+)\s*=\s*[^\n]*\b(?:full|full_like|where|pad)\([^\n]*(?:{ignored})(?!\w)", text)
    return {*filled, *made, *re.findall(rf"\b(\w+)\s*\+?=[^\n]*\[\s*(?:{ignored})\s*\]\s*\*", text)}


def _is_set(context: RuleContext, name: Node, ignored: str) -> bool:
    """Return whether what is ignored is set in the very scope in which a name is given on."""
    scope = next(one for one in context.scopes_around(name) if text_of(name) in one.bindings or one.node.parent is None)
    return text_of(name) in _filled(text_of(scope.node), ignored)


def _given(context: RuleContext, function: Node, parameter: Node, root: Node) -> Iterator[Node]:
    """Yield what the calls of a function in the file, or of what takes its gradient, give for a parameter."""
    listed, named = field(function, "parameters"), field(function, "name")
    if listed is None or named is None or function.parent != root:
        return
    place = [one for one in listed.named_children if one.type != "comment"].index(parameter)
    names, transform = {text_of(named)}, context.file.gradients.get(function.id)
    outer = transform.node.parent if transform is not None else None
    left = field(outer, "left") if outer is not None and outer.type == "assignment" else None
    if left is not None and left.type == "identifier":
        names.add(text_of(left))
    for node in all_within(root, "call"):
        call = call_of(node)
        if call is not None and text_of(call.function) in names and place < len(call.arguments):
            yield call.arguments[place]


RULES = (ignored_label,)
