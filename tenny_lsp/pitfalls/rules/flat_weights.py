"""Flat dictionaries of weights and states where MLX takes them nested, as ``Module.update`` does."""

import re
from collections.abc import Iterator

from tenny_lsp.inference.meaning import Api, Instance, LocalClass
from tenny_lsp.inference.members import names_in
from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.nested_modules import holds_modules
from tenny_lsp.pitfalls.origins import last_value
from tenny_lsp.pitfalls.rule import USAGE, Example, Finding, rule
from tenny_lsp.source.syntax import COMPREHENSIONS, Node, field, text_of

_NET = "from mlx.utils import tree_flatten, tree_unflatten\nnet = nn.Sequential(nn.Linear(3, 2))\n"
_FILE = "import tempfile, os\npath = os.path.join(tempfile.mkdtemp(), 'a.npz')\nnet.save_weights(path)\n"
_STATE = (
    "import tempfile, os\npath = os.path.join(tempfile.mkdtemp(), 'a.npz')\nfirst = optim.Adam(0.1)\n"
    "first.init(net.trainable_parameters())\nmx.savez(path, **dict(tree_flatten(first.state)))\n"
)
#: The optimizers that keep arrays for each parameter whatever they are given; ``SGD`` does with momentum.
_KEEPS_MOMENTS = {
    f"mlx.optimizers.{name}"
    for name in ("Adam", "AdamW", "Adamax", "AdaDelta", "Adagrad", "Adafactor", "Lion", "Muon", "RMSprop")
}
_DEEPEST = 4


@rule(
    "flat-update",
    "error",
    "Flat names given to `Module.update`",
    USAGE + "saving_and_loading.html",
    calls=("update", "update_modules"),
    examples=(
        Example(
            f"{_NET}{_FILE}weights = mx.load(path)\nnet.update(weights)\ny = 1",
            f"{_NET}{_FILE}weights = mx.load(path)\nnet.update(tree_unflatten(list(weights.items())))\ny = 1",
        ),
        Example(
            f"{_NET}net.update(dict(tree_flatten(net.parameters())))\ny = 1",
            f"{_NET}net.update(tree_unflatten(list(dict(tree_flatten(net.parameters())).items())))\ny = 1",
        ),
        Example(
            f'{_NET}net.update({{"layers.0.bias": mx.zeros(2)}})\ny = net.layers[0].bias',
            f'{_NET}net.update(tree_unflatten(list({{"layers.0.bias": mx.zeros(2)}}.items())))\ny = net.layers[0].bias',
            "y.tolist() == [0, 0]",
        ),
        Example(
            f"{_NET}{_FILE}weights = {{k: v.astype(mx.float16) for k, v in mx.load(path).items()}}\n"
            "net.update(weights)\ny = net.layers[0].bias",
            f"{_NET}{_FILE}weights = {{k: v.astype(mx.float16) for k, v in mx.load(path).items()}}\n"
            "net.update(tree_unflatten(list(weights.items())))\ny = net.layers[0].bias",
            "y.dtype == mx.float16",
        ),
        Example(
            f"{_NET}net.update(tree_flatten(net.parameters()))\ny = 1",
            f"{_NET}net.update(tree_unflatten(tree_flatten(net.parameters())))\ny = 1",
        ),
        Example(
            f'{_NET}net.update_modules({{"layers.0": nn.Linear(3, 4)}})\ny = net(x)',
            f'{_NET}net.update_modules(tree_unflatten(list({{"layers.0": nn.Linear(3, 4)}}.items())))\ny = net(x)',
            "y.shape == (2, 4)",
        ),
    ),
)
def flat_update(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find flat dictionaries, and lists of names and arrays, given to the ``update`` of a module that holds modules."""
    if call.owner is None or len(call.arguments) != 1 or not context.name(call.function).startswith("mlx.nn.Module"):
        return
    owner = context.meaning(call.owner)
    if not isinstance(owner, Instance) or not holds_modules(context, owner) or is_guarded(context, call.node):
        return
    given = call.arguments[0]
    kind = _flat(context, given)
    if given.type != "dictionary" and (_has_arrays(context, owner) or call.name == "update_modules"):
        return  # a file may hold them alone
    if not kind or "strict" in call.keywords:
        return
    unflatten, fixes = context.alias("mlx.utils.tree_unflatten", call.node), tuple[Fix, ...]()
    if unflatten:
        listed = text_of(given) if kind == "list" else f"list({text_of(given)}.items())"
        text = f"{unflatten}({listed})"
        fixes = (Fix(f"Write {text}", (replaced(given, text),), is_safe=False),)
    loads = "; `model.load_weights(list(weights.items()))` takes them" if call.name == "update" else ""
    yield Finding(
        given, f"`{call.name}` takes a nested dictionary, and these names are flat: it raises. "
        f"`tree_unflatten(list(weights.items()))` nests them{loads}.", fixes,
    )  # fmt: skip


def _has_arrays(context: RuleContext, owner: Instance) -> bool:
    """Return whether a module may have arrays of its own, under names without dots, beside its modules."""
    if not isinstance(owner.of, LocalClass):
        return False
    members = [context.evaluator.member(owner, name) for name in names_in(owner.of) if not name.startswith("_")]
    return any(member is None or context.evaluator.is_array(member) for member in members)


def _flat(context: RuleContext, node: Node | None, depth: int = 0) -> str:
    """Return ``dict`` or ``list`` for a dictionary of flat names, or a list of names and arrays; else nothing."""
    if node is None or depth > _DEEPEST:
        return ""
    if node.type == "identifier":
        scope = next((one for one in context.scopes_around(node) if one.kind not in COMPREHENSIONS), None)
        is_own = scope is not None and text_of(node) in scope.bindings
        return _flat(context, last_value(context, node), depth + 1) if is_own else ""
    if node.type == "dictionary":
        keys = [text_of(field(pair, "key") or pair) for pair in node.named_children if pair.type == "pair"]
        return "dict" if any(re.fullmatch(r"[\"'][\w.]+\.\w+[\"']", key) for key in keys) else ""
    if node.type == "dictionary_comprehension":
        return "dict" if _is_renamed(context, node, depth) else ""
    call = call_of(node)
    if call is None or not call.is_whole:
        return ""
    name = context.name(call.function)
    if name == "mlx.core.load":
        return "dict" if len(call.arguments) == 1 and not call.keywords else ""
    if name == "mlx.utils.tree_flatten":
        destination = call.keywords.keys() & {"destination"}
        return "list" if len(call.arguments) == 1 and not destination else ""
    if context.external(call.function) in ("dict", "list") and len(call.arguments) == 1:
        inner = _flat(context, _without_items(call.arguments[0]), depth + 1)
        return text_of(call.function) if inner else ""
    return ""


def _is_renamed(context: RuleContext, node: Node, depth: int) -> bool:
    """Return whether a comprehension has the keys of a flat dictionary: ``{k: f(v) for k, v in weights.items()}``."""
    body = field(node, "body")
    clauses = [child for child in node.named_children if child.type == "for_in_clause"]
    if body is None or len(clauses) != 1:
        return False
    key, left, right = field(body, "key"), field(clauses[0], "left"), field(clauses[0], "right")
    first = left.named_children[0] if left is not None and left.named_children else None
    while key is not None and key.type in ("call", "attribute", "subscript"):  # ``k.replace("model.", "")``
        key = key.named_children[0]
    is_same = key is not None and first is not None and text_of(key) == text_of(first)
    return is_same and right is not None and bool(_flat(context, _without_items(right), depth + 1))


def _without_items(node: Node) -> Node:
    """Return what stands before ``.items()``, or the node itself."""
    call = call_of(node)
    return call.owner if call is not None and call.name == "items" and call.owner is not None else node


@rule(
    "flat-state",
    "warning",
    "Flat names for an optimizer's state",
    USAGE + "saving_and_loading.html",
    kinds=("assignment",),
    words=(".state",),
    examples=(
        Example(
            f"{_NET}{_STATE}optimizer = optim.Adam(0.1)\noptimizer.state = mx.load(path)\ny = optimizer.state",
            f"{_NET}{_STATE}optimizer = optim.Adam(0.1)\n"
            "optimizer.state = tree_unflatten(list(mx.load(path).items()))\ny = optimizer.state",
            '"layers" in y',
            "wrong",
        ),
        Example(
            f"{_NET}{_STATE}def resume(optimizer: optim.Adam):\n    state = mx.load(path)\n"
            "    optimizer.state = state\n    return optimizer.state\ny = resume(optim.Adam(0.1))",
            f"{_NET}{_STATE}def resume(optimizer: optim.Adam):\n    state = mx.load(path)\n"
            "    optimizer.state = tree_unflatten(list(state.items()))\n    return optimizer.state\n"
            "y = resume(optim.Adam(0.1))",
            '"layers" in y',
            "wrong",
        ),
    ),
)
def flat_state(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find a file, or other flat names, assigned as the state of an optimizer that keeps moments."""
    left, value = field(node, "left"), field(node, "right")
    owner, name = field(left, "object"), field(left, "attribute")
    if owner is None or name is None or value is None or text_of(name) != "state":
        return
    kind = _flat(context, value)
    optimizer = context.meaning(owner) if kind else None
    if not isinstance(optimizer, Instance) or not isinstance(optimizer.of, Api):
        return
    if optimizer.of.entry.name not in _KEEPS_MOMENTS or is_guarded(context, node):
        return
    unflatten, fixes = context.alias("mlx.utils.tree_unflatten", node), tuple[Fix, ...]()
    if unflatten:
        listed = text_of(value) if kind == "list" else f"list({text_of(value)}.items())"
        text = f"{unflatten}({listed})"
        fixes = (Fix(f"Write {text}", (replaced(value, text),), is_safe=False),)
    yield Finding(
        value, "An optimizer's state is nested as the parameters are, and these names are flat: it finds none of its "
        "moments, and begins anew. `tree_unflatten(list(state.items()))` nests them.", fixes,
    )  # fmt: skip


RULES = (flat_update, flat_state)
