"""Modules that are defined, or iterated over, as PyTorch's are."""

import re
from collections.abc import Iterator
from functools import partial

from tenny_lsp.inference.definitions import class_of
from tenny_lsp.inference.meaning import Api, Group, Instance, LocalClass, Meaning
from tenny_lsp.inference.members import names_in
from tenny_lsp.pitfalls.calls import Call, all_within, call_of, function_around, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Edit, Fix, inserted, replaced
from tenny_lsp.pitfalls.rule import ISSUES, PYTHON, Example, Finding, Search, rule
from tenny_lsp.pitfalls.values import dtype_of
from tenny_lsp.source.syntax import Node, field, text_of, up_to

_MODULE = "mlx.nn.Module"
_NET = "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.layers = "
_TRAINED = (
    "net = Net()\nloss, grads = nn.value_and_grad(net, lambda x: net(x).sum())(x)\n"
    "optimizer.update(net, grads)\ny = net.parameters()"
)
#: What makes masks, and what makes constants where its dtype is an integer.
_MASKS = ("create_additive_causal_mask", "tril", "triu")
_INTEGERS = ("arange", "array")
#: Where one of these stands, somebody has thought of what is trained.
_UNTRAINED = ("freeze", "_no_grad", "stop_gradient", "def trainable_parameters")


@rule(
    "forward-method",
    "error",
    "`def forward` instead of `def __call__`",
    PYTHON + "nn/module.html",
    scope="file",
    kinds=("class_definition",),
    examples=(
        Example(
            "class Net(nn.Module):\n    def forward(self, x):\n        return x + 1\ny = Net()(x)",
            "class Net(nn.Module):\n    def __call__(self, x):\n        return x + 1\ny = Net()(x)",
            "y[0, 0].item() == 1",
        ),
    ),
)
def forward_method(context: RuleContext, node: Node) -> Search | None:
    """Find modules that define ``forward`` alone, and whose instances are called."""
    methods = context.bindings_in(node).get("forward", [])
    if len(methods) != 1 or methods[0].definition is None or context.file.mentions(".forward"):
        return None
    cls = LocalClass(context.evaluator, node)
    name = field(methods[0].definition, "name")
    if name is None or not context.inherits(cls, _MODULE) or _is_callable(context, cls):
        return None
    return partial(_called_instances, context, cls, name)


def _called_instances(context: RuleContext, cls: LocalClass, name: Node, whole: Node) -> Iterator[Finding]:
    """Report a module if the file calls an instance: other files may call its ``forward`` by name."""
    calls = (field(call, "function") for call in all_within(whole, "call"))
    if any(isinstance(value := context.meaning(called), Instance) and value.of == cls for called in calls):
        message = "MLX calls a module's `__call__`; a module with `forward` alone cannot be called."
        yield Finding(name, message, (Fix("Name it __call__", (replaced(name, "__call__"),)),))


def _is_callable(context: RuleContext, cls: LocalClass) -> bool:
    """Return whether instances of a class may be callable: not those of ``nn.Module`` itself."""
    return any(
        "__call__" in names_in(one)
        if isinstance(one, LocalClass)
        else not (isinstance(one, Api) and one.entry.name == _MODULE)
        for one in context.lineage(cls)
    )


@rule(
    "layers-in-tuple",
    "warning",
    "Layers in a tuple are not trained",
    ISSUES + "655",
    kinds=("assignment",),
    examples=(
        Example(
            _NET + "(nn.Linear(2, 2), nn.Linear(2, 2))\ny = Net().parameters()",
            _NET + "[nn.Linear(2, 2), nn.Linear(2, 2)]\ny = Net().parameters()",
            "len(y) == 1",
            "wrong",
        ),
        Example(
            _NET + "tuple(nn.Linear(2, 2) for _ in range(3))\ny = Net().parameters()",
            _NET + "list(nn.Linear(2, 2) for _ in range(3))\ny = Net().parameters()",
            "len(y) == 1",
            "wrong",
        ),
    ),
)
def layers_in_tuple(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find tuples of modules set on a module: MLX looks for parameters in lists and dicts only."""
    left, right = field(node, "left"), field(node, "right")
    if left is None or right is None or left.type != "attribute":
        return
    is_call = right.type == "call" and text_of(field(right, "function") or right) == "tuple"
    name = field(left, "attribute")
    if name is None or text_of(name).startswith("_") or not (right.type == "tuple" or is_call):
        return
    if "(" not in text_of(right)[1:] or _is_read_again(node, left):
        return
    group = context.meaning(right)
    is_modules = (
        isinstance(group, Group) and isinstance(group.each, Instance) and context.inherits(group.each.of, _MODULE)
    )
    if isinstance(group, Group) and group.items and not is_modules:
        is_modules = all(isinstance(i, Instance) and context.inherits(i.of, _MODULE) for i in group.items)
        is_modules = is_modules and not all(_has_no_parameters(item) for item in group.items)
    if is_modules and context.is_a(field(left, "object"), _MODULE):
        if is_call:
            edits: tuple[Edit, ...] = (replaced(right.named_children[0], "list"),)
        else:
            edits = replaced(right.children[0], "["), replaced(right.children[-1], "]")
        message = "MLX finds parameters in lists and dicts, not in tuples: these layers are neither trained nor saved."
        yield Finding(right, message, (Fix("Use a list", edits, is_safe=False),))


#: Layers without parameters: there is nothing in them to train, or to save.
_WITHOUT_PARAMETERS = {
    "ALiBi", "AvgPool1d", "AvgPool2d", "AvgPool3d", "CELU", "Dropout", "Dropout2d", "Dropout3d", "ELU", "GELU", "GLU",
    "HardShrink", "HardTanh", "Hardswish", "Identity", "LeakyReLU", "LogSigmoid", "LogSoftmax", "MaxPool1d",
    "MaxPool2d", "MaxPool3d", "Mish", "ReLU", "ReLU2", "ReLU6", "RoPE", "SELU", "SiLU", "Sigmoid",
    "SinusoidalPositionalEncoding",
    "Softmax", "Softmin", "Softplus", "Softshrink", "Softsign", "Step", "Tanh", "Upsample",
}  # fmt: skip


def _has_no_parameters(value: Meaning | None) -> bool:
    of = value.of if isinstance(value, Instance) else None
    return isinstance(of, Api) and of.entry.short_name in _WITHOUT_PARAMETERS


def _is_read_again(node: Node, attribute: Node) -> bool:
    """Return whether the class assigns the attribute again, or what is in it to names of its own."""
    cls, name = up_to(node, "class_definition"), re.escape(text_of(attribute))
    text = text_of(cls) if cls is not None else ""
    return (
        len(re.findall(rf"\b{name}\s*=(?!=)", text)) > 1
        or re.search(rf"=\s*(?:list\({name}\)|{name}(?:\[|[ \t]*(?:#|$)))", text, re.MULTILINE) is not None
    )


@rule(
    "parameters-loop",
    "error",
    "A loop over `model.parameters()`",
    PYTHON + "_autosummary/mlx.utils.tree_flatten.html",
    scope="file",
    kinds=("for_statement", "for_in_clause"),
    examples=(
        Example("y = sum(p.size for p in model.parameters())", "", "y == 8"),
        Example(
            "net = eval('model')\nstep = nn.value_and_grad(net, lambda a: net(a).sum())\n"
            "y = sum(p.size for p in net.parameters())",
            "",
            "y == 8",
        ),
        Example("y = []\nfor p in model.parameters():\n    y.append(p.shape)", "", "y[0] == (2, 3)"),
    ),
)
def parameters_loop(context: RuleContext, node: Node) -> Search | None:
    """Find loops over a module's parameters: they are a dict of dicts, so the loop gives names."""
    left, right = field(node, "left"), field(node, "right")
    call = call_of(right)
    if left is None or call is None or left.type != "identifier":
        return None
    if call.name not in ("parameters", "trainable_parameters") or not _is_used_as_array(node, text_of(left)):
        return None
    if context.is_a(call.owner, _MODULE):
        is_modules = context.name(call.function).startswith(_MODULE)
        return partial(_flattened, context, left, call, is_safe=True) if is_modules else None
    is_unknown = call.owner is not None and call.owner.type == "identifier" and context.meaning(call.owner) is None
    is_trained = is_unknown and context.file.mentions(f"value_and_grad({text_of(call.owner or node)},")
    return partial(_trained_loop, context, left, call) if is_trained else None


def _trained_loop(context: RuleContext, left: Node, call: Call, whole: Node) -> Iterator[Finding]:
    """Report the loop if the file gives what it loops over to ``nn.value_and_grad``, which takes modules alone."""
    owner = call.owner or call.node
    scopes = context.scopes_around(owner)
    scope = next((one for one in scopes if text_of(owner) in one.bindings), None)
    if scope is None or len(scope.bindings[text_of(owner)]) != 1:
        return
    for found in within(scope.node, "call"):
        made = call_of(found)
        if made is None or made.name != "value_and_grad" or len(made.arguments) != 2:
            continue
        if text_of(made.arguments[0]) == text_of(owner) and context.name(made.function) == "mlx.nn.value_and_grad":
            yield from _flattened(context, left, call, whole, is_safe=False)
            return


def _flattened(context: RuleContext, left: Node, call: Call, whole: Node, *, is_safe: bool) -> Iterator[Finding]:
    """Report the loop; the file tells where the fix can import ``tree_flatten``."""
    flatten = context.alias("mlx.utils.tree_flatten", call.node)
    unused = "_" if not context.is_bound("_", call.node) else "_name"
    edits = [inserted(left.start_byte, f"{unused}, "), inserted(call.node.start_byte, f"{flatten or 'tree_flatten'}(")]
    edits.append(inserted(call.node.end_byte, ")"))
    is_possible = True
    if not flatten:
        place = _import_place(whole)
        is_possible = place is not None and not context.is_bound("tree_flatten", call.node)
        edits.append(inserted(place or 0, "from mlx.utils import tree_flatten\n"))
    message = (
        f"`{call.name}()` is a dict of dicts, so this loop gives names, not arrays; "
        "`tree_flatten` gives pairs of name and array."
    )
    fix = Fix("Loop over tree_flatten(…)", tuple(edits), is_safe=is_safe)
    yield Finding(call.node, message, (fix,) if is_possible else ())


def _is_used_as_array(loop: Node, name: str) -> bool:
    """Return whether a loop's variable is used with an attribute that strings lack."""
    body = field(loop, "body") if loop.type == "for_statement" else loop.parent
    waiting = [body] if body is not None else []
    while waiting:
        node = waiting.pop()
        owner, member = field(node, "object"), field(node, "attribute")
        if owner is not None and member is not None and text_of(owner) == name and not hasattr(str, text_of(member)):
            return True
        waiting += node.named_children
    return False


@rule(
    "trained-constant",
    "warning",
    "A mask or a range of integers that is trained",
    PYTHON + "nn/module.html",
    scope="file",
    kinds=("assignment",),
    words=(".update(",),
    examples=(
        Example(
            _NET.replace("layers", "fc") + "nn.Linear(3, 3)\n        self.places = mx.arange(3)\n"
            "    def __call__(self, x):\n        return self.fc(x + self.places)\n" + _TRAINED,
            _NET.replace("layers", "fc") + "nn.Linear(3, 3)\n        self._places = mx.arange(3)\n"
            "    def __call__(self, x):\n        return self.fc(x + self._places)\n" + _TRAINED,
            'list(y) == ["fc"]',
            "wrong",
        ),
    ),
)
def trained_constant(context: RuleContext, node: Node) -> Search | None:
    """Find masks and integers that are public members of a module whose gradients are taken: they are parameters."""
    if not context.file.gradients or any(map(context.file.mentions, _UNTRAINED)):
        return None
    left, right = field(node, "left"), field(node, "right")
    call = call_of(right)
    owner, member = field(left, "object"), field(left, "attribute")
    if call is None or call.name not in _MASKS + _INTEGERS or owner is None or member is None:
        return None
    name, cls = text_of(member), up_to(node, "class_definition")
    method = function_around(node)
    if cls is None or method is None or class_of(method) != cls or not _is_self(method, owner) or name.startswith("_"):
        return None
    if not _is_constant(context, call) or not context.name(call.function).startswith("mlx."):
        return None
    return partial(_trained, context, cls, owner, member)


def _trained(context: RuleContext, cls: Node, owner: Node, member: Node, whole: Node) -> Iterator[Finding]:
    """Report a member if the file takes gradients of its class and assigns the member nowhere else."""
    name = text_of(member)
    models = [context.meaning(one.arguments[0]) for one in context.file.gradients.values() if len(one.arguments) == 2]
    if not any(isinstance(model, Instance) and model.of == LocalClass(context.evaluator, cls) for model in models):
        return
    uses = [one for one in all_within(whole, "attribute") if text_of(one.named_children[-1]) == name]
    if sum(one.parent is not None and field(one.parent, "left") == one for one in uses) > 1:
        return
    fixes: tuple[Fix, ...] = ()
    if all(text_of(one.named_children[0]) == text_of(owner) and up_to(one, "class_definition") == cls for one in uses):
        edits = tuple(replaced(one.named_children[-1], f"_{name}") for one in sorted(uses, key=lambda n: n.start_byte))
        fixes = (Fix(f"Name it _{name}", edits, is_safe=False),)
    yield Finding(
        member.parent or member,
        f"A module's public arrays are its parameters: the optimizer changes `{name}`, and it is saved "
        f"with the weights. Names that start with `_` are left alone; so is what `freeze(keys=[\"{name}\"])` names.",
        fixes,
    )  # fmt: skip


def _is_self(method: Node, owner: Node) -> bool:
    """Return whether an expression is the first parameter of a method."""
    parameters = field(method, "parameters")
    first = parameters.named_children[:1] if parameters is not None else []
    return owner.type == "identifier" and [text_of(one) for one in first] == [text_of(owner)]


def _is_constant(context: RuleContext, call: Call) -> bool:
    """Return whether a call is certain to make a mask or integers; a triangle of anything else may be trained."""
    if call.name not in ("tril", "triu"):
        return call.name in _MASKS or "int" in dtype_of(context, call.node)
    inner = call_of(call.arguments[0]) if call.arguments else None
    return inner is not None and inner.name in ("ones", "zeros", "full")


def _import_place(whole: Node) -> int | None:
    """Return where an import can be added: after the last import of MLX at the top; None where there is none."""
    place = None
    text = whole.text or b""
    for node in whole.named_children:
        if node.type in ("import_statement", "import_from_statement"):
            end = text.find(b"\n", node.end_byte)
            place = end + 1 if b"mlx" in (node.text or b"") and end >= 0 else place
        elif place is not None and node.type != "comment":
            break
    return place


RULES = (forward_method, layers_in_tuple, parameters_loop, trained_constant)
