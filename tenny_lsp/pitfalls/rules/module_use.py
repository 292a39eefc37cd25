"""Modules and optimizers used as PyTorch's are: indexed, with attributes that MLX does not read."""

import re
from collections.abc import Iterator

from tenny_lsp.inference.meaning import Api, Instance, LocalClass, Plain
from tenny_lsp.inference.members import names_in
from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, inserted, replaced
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.rule import ISSUES, PYTHON, Example, Finding, rule
from tenny_lsp.source.syntax import Node, field, text_of

_MODULE = "mlx.nn.Module"
_OPTIMIZER = "mlx.optimizers.Optimizer"
_SEQUENTIAL = "net = nn.Sequential(nn.Linear(3, 2), nn.ReLU())\n"
_GRADS = "loss, grads = nn.value_and_grad(model, lambda a: model(a).sum())(x)\nbefore = mx.array(model.weight)\n"


@rule(
    "module-as-list",
    "error",
    "A module used as a list of layers",
    PYTHON + "nn/_autosummary/mlx.nn.Sequential.html",
    kinds=("subscript", "for_statement"),
    calls=("len",),
    examples=(
        Example(f"{_SEQUENTIAL}y = net[0].weight", f"{_SEQUENTIAL}y = net.layers[0].weight", "y.shape == (2, 3)"),
        Example(f"{_SEQUENTIAL}y = net[-2].weight", f"{_SEQUENTIAL}y = net.layers[-2].weight", "y.shape == (2, 3)"),
        Example(f"{_SEQUENTIAL}y = net[:1]", f"{_SEQUENTIAL}y = net.layers[:1]", "len(y) == 1"),
        Example(f"{_SEQUENTIAL}y = len(net)", f"{_SEQUENTIAL}y = len(net.layers)", "y == 2", "wrong"),
        Example(f"{_SEQUENTIAL}y = [x]\nfor layer in net:\n    y.append(layer(y[-1]))",
                f"{_SEQUENTIAL}y = [x]\nfor layer in net.layers:\n    y.append(layer(y[-1]))", "y[-1].shape == (2, 2)"),
        Example("class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
                "        self.layers = [nn.Linear(3, 2)]\nnet = Net()\ny = net[0].weight",
                "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
                "        self.layers = [nn.Linear(3, 2)]\nnet = Net()\ny = net.layers[0].weight", "y.shape == (2, 3)"),
    ),
)  # fmt: skip
def module_as_list(context: RuleContext, found: Node | Call) -> Iterator[Finding]:
    """Find modules that are indexed by numbers, counted or looped over: a module is a dict of its members."""
    if isinstance(found, Call):
        module = found.arguments[0] if len(found.arguments) == 1 and found.owner is None else None
    else:
        module = field(found, "value") if found.type == "subscript" else field(found, "right")
    if module is None or module.type not in ("identifier", "attribute"):
        return
    if not _may_be_module(context, module):
        return
    if not isinstance(found, Call) and not (_is_number(context, found) if found.type == "subscript" else _calls(found)):
        return
    meaning = context.meaning(module)
    if not isinstance(meaning, Instance) or not context.inherits(meaning.of, _MODULE):
        return
    is_sequential = isinstance(meaning.of, Api) and meaning.of.entry.name == "mlx.nn.Sequential"
    if isinstance(found, Call) and not (is_sequential and context.external(found.function) == "len"):
        return
    if _has_own(context, meaning) or _may_be_other(context, module, meaning):
        return
    if is_guarded(context, found.node if isinstance(found, Call) else found, ("KeyError",)):
        return
    has_layers = is_sequential or (isinstance(meaning.of, LocalClass) and "layers" in names_in(meaning.of))
    where = f"they are in `{text_of(module)}.layers`" if has_layers else "its layers are its members"
    happens = "this counts those" if isinstance(found, Call) else "this raises"
    if not isinstance(found, Call) and found.type != "subscript":
        happens = "this gives their names"
    fix = Fix("Write .layers", (inserted(module.end_byte, ".layers"),), is_safe=is_sequential)
    fixes = (fix,) if has_layers else ()
    yield Finding(module, f"A module is a dict of its members, and no list of layers: {happens}; {where}.", fixes)


def _may_be_module(context: RuleContext, node: Node) -> bool:
    """Return whether a name may be a module's, by how it is bound: to evaluate each indexed name takes longer."""
    if node.type == "attribute":
        if text_of(node.named_children[0]) != "self":
            return text_of(node.named_children[-1]) != "shape"
        value = context.value_of_attribute(node)
        return value is not None and _makes_object(value)
    scope = next((one for one in context.scopes_around(node) if text_of(node) in one.bindings), None)
    bindings = scope.bindings[text_of(node)] if scope is not None else []
    return any(one.annotation is not None or (one.value is not None and _makes_object(one.value)) for one in bindings)


def _makes_object(value: Node) -> bool:
    """Return whether an expression is called as a class is: by a name with a capital."""
    function = field(value, "function") if value.type == "call" else None
    return function is not None and text_of(function).rpartition(".")[2][:1].isupper()


def _is_number(context: RuleContext, node: Node) -> bool:
    """Return whether a subscript's only key is a number or a slice."""
    keys = node.children_by_field_name("subscript")
    if len(keys) != 1:
        return False
    return keys[0].type in ("integer", "slice", "unary_operator") or (
        keys[0].type == "identifier" and context.meaning(keys[0]) == Plain("int")
    )


def _calls(loop: Node) -> bool:
    """Return whether a loop's variable is called in its body, as a layer is and no name."""
    left, body = field(loop, "left"), field(loop, "body")
    if left is None or body is None or left.type != "identifier":
        return False
    return re.search(rf"(?<![\w.]){re.escape(text_of(left))}\(", text_of(body)) is not None


def _has_own(context: RuleContext, meaning: Instance) -> bool:
    """Return whether a class of the file that a module is of may say itself what an index is."""
    own = {"__getitem__", "__iter__", "__len__", "__getattr__"}
    lineage = [one for one in context.lineage(meaning.of) if isinstance(one, LocalClass)]
    return any(own & set(names_in(one)) for one in lineage)


def _may_be_other(context: RuleContext, node: Node, meaning: Instance) -> bool:
    """Return whether a value may be of a subclass of the class that it is known by."""
    if isinstance(meaning.of, Api):
        return not meaning.is_exact or (meaning.of.entry.name == _MODULE)
    return context.may_be_subclass(node, "__getitem__")


#: Attribute → what there is in MLX instead; of modules, optimizers and arrays.
_OF_MODULES = {
    "requires_grad": "`freeze()` and `unfreeze()` say what is trained",
    "training": "`train()` and `eval()` set it",
}
_OF_OPTIMIZERS = {
    "lr": "the learning rate is `learning_rate`", "param_groups": "the learning rate is `learning_rate`",
    "step": "`optimizer.state[\"step\"]` holds it",
}  # fmt: skip
_OF_ARRAYS = {
    "requires_grad": "`mx.grad` of a function takes its gradient",
    "grad": "gradients are what `mx.grad` returns",
    "data": "assign a new array",
    "dtype": "`x.astype(…)` returns another array",
    "shape": "`x.reshape(…)` returns another array",
}
_DROPOUTS = ("mlx.nn.Dropout", "mlx.nn.Dropout2d", "mlx.nn.Dropout3d")
_ATTRIBUTES = {*_OF_MODULES, *_OF_OPTIMIZERS, *_OF_ARRAYS, "p"}


@rule(
    "foreign-attribute",
    "error",
    "An attribute that is set, and that MLX does not read",
    ISSUES + "605",
    kinds=("assignment",),
    examples=(
        Example("model.requires_grad = False\ny = model.trainable_parameters()",
                "model.freeze()\ny = model.trainable_parameters()", "y == {}", "wrong"),
        Example("optimizer.lr = 0.01\ny = optimizer.learning_rate", "optimizer.learning_rate = 0.01\n"
                "y = optimizer.learning_rate", "abs(y.item() - 0.01) < 1e-6", "wrong"),
        Example("model.training = False\ny = 1", "model.eval()\ny = 1"),
        Example("x.requires_grad = True\ny = mx.sum(x)", "y = mx.sum(x)", "y.item() == 15", is_fixed=False),
        Example("h = x + 1\nh.dtype = mx.float16\ny = h", "h = x + 1\nh = h.astype(mx.float16)\ny = h",
                "y.dtype == mx.float16", is_fixed=False),
        Example("drop = nn.Dropout(0.5)\ndrop.p = 0.0\ny = drop(mx.ones(999)).min()",
                "drop = nn.Dropout(0.0)\ny = drop(mx.ones(999)).min()", "y.item() == 1", "wrong", is_fixed=False),
    ),
)  # fmt: skip
def foreign_attribute(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find attributes of PyTorch's that are set on modules, optimizers and arrays, where nothing reads them."""
    left = field(node, "left")
    owner, name = field(left, "object"), field(left, "attribute")
    if owner is None or name is None or text_of(name) not in _ATTRIBUTES or text_of(owner) == "self":
        return
    said, fixes = _said(context, node, owner, text_of(name))
    if said and not is_guarded(context, node):
        yield Finding(left or node, f"MLX reads no `{text_of(name)}` that is set here: {said}.", fixes)


def _said(context: RuleContext, node: Node, owner: Node, name: str) -> tuple[str, tuple[Fix, ...]]:
    """Return what there is instead of an attribute, and the fix; an empty text where it may be somebody's own."""
    if context.is_array(owner):
        return _OF_ARRAYS.get(name, ""), ()
    meaning = context.meaning(owner)
    if not isinstance(meaning, Instance) or _defines(context, meaning, name):
        return "", ()
    left = field(node, "left")
    value = text_of(field(node, "right") or node)
    if context.inherits(meaning.of, _MODULE):
        if name == "p":
            is_dropout = isinstance(meaning.of, Api) and meaning.of.entry.name in _DROPOUTS and meaning.is_exact
            return ("a layer keeps the rate that it was made with; make another" if is_dropout else ""), ()
        method = {"requires_grad": ("unfreeze", "freeze"), "training": ("train", "eval")}.get(name)
        if method is None:
            return _OF_MODULES.get(name, ""), ()
        call = f"{text_of(owner)}.{method[value == 'False']}()"
        is_plain = value in ("True", "False")
        return _OF_MODULES[name], (Fix(f"Write {call}", (replaced(node, call),), is_safe=False),) if is_plain else ()
    if context.inherits(meaning.of, _OPTIMIZER):
        member = field(left, "attribute")
        is_rate = name == "lr" and member is not None
        fix = (Fix("Write learning_rate", (replaced(member, "learning_rate"),)),) if is_rate and member else ()
        return _OF_OPTIMIZERS.get(name, ""), fix
    return "", ()


def _defines(context: RuleContext, meaning: Instance, name: str) -> bool:
    """Return whether a class of the file that a value is of has an attribute of its own of that name."""
    lineage = context.lineage(meaning.of)
    return any(isinstance(one, LocalClass) and name in names_in(one) for one in lineage)


@rule(
    "optimizer-update",
    "warning",
    "An optimizer's update that does not reach the model",
    PYTHON + "optimizers.html",
    calls=("update",),
    examples=(
        Example(f"{_GRADS}optimizer.update(model.parameters(), grads)\ny = (before == model.weight).all()",
                f"{_GRADS}optimizer.update(model, grads)\ny = (before == model.weight).all()", "not y.item()", "wrong"),
        Example(f"{_GRADS}optimizer.update(model.trainable_parameters(), grads)\ny = (before == model.weight).all()",
                f"{_GRADS}optimizer.update(model, grads)\ny = (before == model.weight).all()", "not y.item()", "wrong"),
        Example(f"{_GRADS}params = model.parameters()\noptimizer.update(params, grads)\n"
                "y = (before == model.weight).all()",
                f"{_GRADS}params = model.parameters()\noptimizer.update(model, grads)\n"
                "y = (before == model.weight).all()", "not y.item()", "wrong"),
        Example(f"{_GRADS}optimizer.update(grads, model)\ny = (before == model.weight).all()",
                f"{_GRADS}optimizer.update(model, grads)\ny = (before == model.weight).all()", "not y.item()", "wrong"),
    ),
)  # fmt: skip
def optimizer_update(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find updates that are given the parameters in place of the model, or the gradients first."""
    if len(call.arguments) != 2 or not call.is_whole or not context.is_a(call.owner, _OPTIMIZER):
        return
    first, second = call.arguments
    made = call_of(context.value_of(first))
    if made is not None and made.name in ("parameters", "trainable_parameters") and _is_module(context, made.owner):
        is_put_back = first.type == "identifier" and _is_put_back(context, first)
        if made.owner is not None and not is_put_back:
            fix = Fix("Give the model", (replaced(first, text_of(made.owner)),), is_safe=False)
            yield Finding(
                first, "This updates a dict of the parameters, and the model keeps what it has. Give the model itself: "
                f"`{text_of(call.owner or call.node)}.update({text_of(made.owner)}, {text_of(second)})`.", (fix,),
            )  # fmt: skip
    elif _is_module(context, second) and not _is_module(context, first) and _is_gradient(first):
        swap = replaced(first, text_of(second)), replaced(second, text_of(first))
        fix = Fix("Give the model first", swap, is_safe=False)
        yield Finding(call.listed, "The model comes first, then its gradients; so it learns nothing.", (fix,))


def _is_module(context: RuleContext, node: Node | None) -> bool:
    return context.is_a(node, _MODULE)


def _is_gradient(node: Node) -> bool:
    return node.type == "identifier" and re.search(r"grad", text_of(node)) is not None


def _is_put_back(context: RuleContext, name: Node) -> bool:
    """Return whether parameters with a name are given back to a model somewhere in the file."""
    word = text_of(name)
    return any(map(context.file.mentions, (f"update({word})", f"load_weights({word}", f"*{word}")))


RULES = (module_as_list, foreign_attribute, optimizer_update)
