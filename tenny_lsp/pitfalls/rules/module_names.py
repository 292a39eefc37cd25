"""Paths of modules and parameters taken for names, and functions applied to what they are not given."""

import re
from collections.abc import Iterator
from functools import partial

from tenny_lsp.inference.definitions import decorators
from tenny_lsp.inference.meaning import Api, Group, Instance, LocalClass, LocalFunction
from tenny_lsp.inference.members import names_in
from tenny_lsp.pitfalls.arities import arity_of
from tenny_lsp.pitfalls.calls import Call, call_of, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.nested_modules import holds_modules
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, Search, rule
from tenny_lsp.source.scope import Binding
from tenny_lsp.source.syntax import Node, field, text_of, up_to

_MODULE = "mlx.nn.Module"
_PAGE = PYTHON + "nn/module.html"
_NET = (
    "from mlx.utils import tree_unflatten\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.layers = [nn.Linear(3, 3)]\n        self.head = nn.Linear(3, 2)\nnet = Net()\n"
)
_NONE_LEFT = "y = net.trainable_parameters()['head']"
_INIT = "def init(module):\n    if isinstance(module, nn.Linear):\n        module.bias = mx.ones_like(module.bias)\n"
#: A part of a path that is a name, or a place in a list.
_PART = re.compile(r"[A-Za-z_]\w*|\d+")
#: Text of an f-string outside of its braces.
_LITERAL_PART = re.compile(r"\{[^{}]*\}")


@rule(
    "path-as-attribute",
    "warning",
    "A path with dots given to `setattr` or `getattr`",
    _PAGE,
    calls=("setattr", "getattr"),
    examples=(
        Example(
            f"{_NET}for name, module in net.named_modules():\n    if name.startswith('layers.'):\n"
            "        setattr(net, name, nn.Identity())\ny = net.layers[0]",
            f"{_NET}for name, module in net.named_modules():\n    if name.startswith('layers.'):\n"
            "        net.update_modules(tree_unflatten([(name, nn.Identity())]))\ny = net.layers[0]",
            "isinstance(y, nn.Identity)",
            "wrong",
        ),
        Example(
            f"{_NET}setattr(net, 'layers.0', nn.Identity())\ny = net.layers[0]",
            f"{_NET}net.update_modules(tree_unflatten([('layers.0', nn.Identity())]))\ny = net.layers[0]",
            "isinstance(y, nn.Identity)",
            "wrong",
        ),
        Example(
            f"{_NET}y = [getattr(net, name) for name, _ in net.named_modules() if name]",
            f"{_NET}y = [module for name, module in net.named_modules() if name]",
            "len(y) == 2",
            is_fixed=False,
        ),
    ),
)
def path_as_attribute(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find names of nested modules, which have dots, given to ``setattr`` and ``getattr`` of the module around them."""
    count = 3 if call.name == "setattr" else 2
    if call.owner is not None or len(call.arguments) != count or not call.is_whole or call.keywords:
        return
    owner, name = call.arguments[:2]
    is_path = _has_dot(name) and (context.is_a(owner, _MODULE) or _is_called_model(context, owner))
    if not is_path and not (name.type == "identifier" and _is_path_of(context, owner, name)):
        return
    if context.external(call.function) != call.name or is_guarded(context, call.node):
        return
    if call.name == "getattr":
        yield Finding(
            name, "The name of a nested module has dots, and no attribute has: this raises AttributeError. "
            "`named_modules` gives the module too.",
        )  # fmt: skip
        return
    unflatten, fixes = context.alias("mlx.utils.tree_unflatten", call.node), tuple[Fix, ...]()
    if unflatten:
        pair = f"{text_of(name)}, {text_of(call.arguments[2])}"
        text = f"{text_of(owner)}.update_modules({unflatten}([({pair})]))"
        fixes = (Fix("Write update_modules", (replaced(call.node, text),), is_safe=False),)
    yield Finding(
        name, "The name of a nested module has dots, and `setattr` takes it for one attribute: the module inside stays "
        "what it was. `update_modules(tree_unflatten([(name, module)]))` replaces it.", fixes,
    )  # fmt: skip


def _is_called_model(context: RuleContext, node: Node) -> bool:
    """Return whether a parameter of which nothing is known is called a model."""
    is_named = text_of(node) in ("model", "net", "network", "module")
    return is_named and context.meaning(node) is None and context.alias("mlx.nn", node) != ""


def _has_dot(node: Node) -> bool:
    """Return whether a string's own text, outside of an f-string's braces, has a dot between names."""
    if node.type != "string":
        return False
    text = _LITERAL_PART.sub("0", text_of(node).lstrip("fFrR").strip("\"'"))
    return re.fullmatch(r"\w+(?:\.\w+)+", text) is not None


def _is_path_of(context: RuleContext, owner: Node, name: Node) -> bool:
    """Return whether a name is that of a loop over ``owner.named_modules()``, where some names have dots.

    They have where the module holds others within others; a parameter of which nothing is known counts as such.
    """
    binding = _only_binding(context, name)
    if binding is None or binding.steps != ("each", 0):
        return False
    made = call_of(binding.value)
    if made is None or made.name != "named_modules" or made.owner is None or text_of(made.owner) != text_of(owner):
        return False
    loop = up_to(name, "for_statement", "list_comprehension", "function_definition", "module")
    around = text_of(loop) if loop is not None else ""
    word = re.escape(text_of(name))
    if re.search(
        rf"[\"']\.[\"'] (?:not )?in {word}\b|\b{word}\.(?:count|find|split|isidentifier)\(|\b{word} (?:==|in\b)", around
    ):
        return False
    if re.search(rf"\b{word}\.startswith\([\"']\w+\.", around):
        return True
    meaning = context.meaning(owner)
    is_any = isinstance(meaning, Instance) and isinstance(meaning.of, Api) and meaning.of.entry.name == _MODULE
    if meaning is None or is_any:
        return _is_parameter(context, owner) or text_of(owner).startswith("self.")
    return isinstance(meaning, Instance) and context.inherits(meaning.of, _MODULE) and _is_deep(context, meaning)


def _only_binding(context: RuleContext, name: Node) -> Binding | None:
    scope = next((one for one in context.scopes_around(name) if text_of(name) in one.bindings), None)
    bindings = scope.bindings[text_of(name)] if scope is not None else []
    return bindings[0] if len(bindings) == 1 else None


def _is_parameter(context: RuleContext, node: Node) -> bool:
    binding = _only_binding(context, node) if node.type == "identifier" else None
    kind = binding.definition.type if binding is not None and binding.definition is not None else ""
    return kind in ("identifier", "typed_parameter", "typed_default_parameter")


def _is_deep(context: RuleContext, module: Instance) -> bool:
    """Return whether a module is certain to hold a list of modules, or a module that holds others."""
    if not isinstance(module.of, LocalClass):
        return holds_modules(context, module)
    members = [context.evaluator.member(module, name) for name in names_in(module.of) if not name.startswith("_")]
    return any(_holds(context, one) for one in members)


def _holds(context: RuleContext, member: object) -> bool:
    if isinstance(member, Group):
        return isinstance(member.each, Instance) and context.inherits(member.each.of, _MODULE)
    return isinstance(member, Instance) and context.inherits(member.of, _MODULE) and holds_modules(context, member)


@rule(
    "path-as-key",
    "warning",
    "A path with dots among the `keys` of `freeze` or `unfreeze`",
    PYTHON + "nn/_autosummary/mlx.nn.Module.freeze.html",
    calls=("freeze", "unfreeze"),
    examples=(
        Example(
            f'{_NET}net.freeze()\nnet.unfreeze(keys=["head.bias"])\n{_NONE_LEFT}',
            f'{_NET}net.freeze()\nnet.head.unfreeze(keys=["bias"])\n{_NONE_LEFT}',
            'list(y) == ["bias"]',
            "wrong",
        ),
        Example(
            f'{_NET}net.freeze(keys="layers.0.weight")\ny = net.trainable_parameters()["layers"][0]',
            f'{_NET}net.layers[0].freeze(keys="weight")\ny = net.trainable_parameters()["layers"][0]',
            'list(y) == ["bias"]',
            "wrong",
        ),
        Example(
            f'{_NET}net.freeze(keys=("bias",))\n{_NONE_LEFT}', f'{_NET}net.freeze(keys=["bias"])\n{_NONE_LEFT}',
            'list(y) == ["weight"]', "wrong",
        ),
    ),
)  # fmt: skip
def path_as_key(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find keys of ``freeze`` that are paths: they are names inside of each module."""
    given = call.value("keys")
    value = context.value_of(given)
    if given is None or value is None or call.owner is None or is_guarded(context, call.node, ("KeyError",)):
        return
    meaning = context.meaning(call.owner)
    if meaning is not None and not (isinstance(meaning, Instance) and context.inherits(meaning.of, _MODULE)):
        return
    if isinstance(meaning, Instance) and isinstance(meaning.of, LocalClass) and call.name in names_in(meaning.of):
        return
    if value.type == "tuple":
        text = f"[{text_of(value)[1:-1].rstrip().rstrip(',')}]"
        yield Finding(
            given, f"`{call.name}` takes a text or a list: a tuple is taken for one key, which no module has.",
            (Fix("Write a list", (replaced(value, text),), is_safe=False),) if value == given else (),
        )  # fmt: skip
        return
    keys = value.named_children if value.type == "list" else [value]
    keys = [field(value, "body") or value] if value.type == "list_comprehension" else keys
    wrong = next((one for one in keys if _has_dot(one)), None)
    if wrong is not None:
        only = wrong if value == given and len(keys) == 1 else None
        yield Finding(
            wrong, f"`keys` are the names that parameters have inside of their modules, `bias`, and no paths: none is "
            f"like this, and `{call.name}` passes over it. Call `{call.name}` of the module inside.",
            _of_inner(call, only),
        )  # fmt: skip


def _of_inner(call: Call, key: Node | None) -> tuple[Fix, ...]:
    """Return the fix that calls the method of the module that a path leads to."""
    parts = text_of(key).strip("\"'").split(".") if key is not None else []
    if key is None or call.owner is None or not all(_PART.fullmatch(one) for one in parts):
        return ()
    path = "".join(f"[{one}]" if one.isdigit() else f".{one}" for one in parts[:-1])
    quote = text_of(key)[-1]
    owner = text_of(call.owner)
    edits = (replaced(call.owner, owner + path), replaced(key, quote + parts[-1] + quote))
    return (Fix(f"Write {owner}{path}.{call.name}", edits, is_safe=False),)


@rule(
    "applied-to-arrays",
    "error",
    "A function without a result given to `Module.apply`",
    PYTHON + "nn/_autosummary/mlx.nn.Module.apply.html",
    scope="file",
    calls=("apply",),
    examples=(
        Example(
            f"{_INIT}model.apply(init)\ny = model.bias",
            f"{_INIT}model.apply_to_modules(lambda _, module: init(module))\ny = model.bias",
            "y.tolist() == [1, 1]",
        ),
        Example(
            "model.apply(lambda m: m.freeze() if isinstance(m, nn.Linear) else None)\ny = model.trainable_parameters()",
            "model.apply_to_modules(lambda _, m: m.freeze() if isinstance(m, nn.Linear) else None)\n"
            "y = model.trainable_parameters()",
            "y == {}",
            is_fixed=False,
        ),
    ),
)
def applied_to_arrays(context: RuleContext, call: Call) -> Search | None:
    """Find functions that return nothing, as PyTorch's ``apply`` takes, where MLX maps arrays to arrays."""
    given = call.arguments[0] if call.arguments else call.value("map_fn")
    if given is None or given.type not in ("identifier", "attribute", "lambda") or call.owner is None:
        return None
    function = context.evaluator.meaning(given)
    is_module = context.name(call.function) == f"{_MODULE}.apply"
    is_unknown = context.meaning(call.owner) is None and context.alias("mlx.nn", call.node) == "nn"
    if not isinstance(function, LocalFunction) or not (is_module or is_unknown):
        return None
    if is_guarded(context, call.node, ("ValueError",)):
        return None
    return partial(_applied, call, given, function.node, is_module)


def _applied(call: Call, given: Node, function: Node, is_module: bool, _: Node) -> Iterator[Finding]:
    """Report a function that returns nothing, of what is not known to be a module if it asks for modules."""
    asks_for_modules = re.search(r"isinstance\(\s*\w+\s*,\s*\(?\s*nn\.[A-Z]", text_of(function)) is not None
    if not _returns_nothing(function) or not (is_module or asks_for_modules):
        return
    arity = arity_of(function)
    fixes: tuple[Fix, ...] = ()
    name = field(call.function, "attribute")
    if given.type == "identifier" and arity is not None and arity.takes(1) and name is not None and call.is_whole:
        edits = (replaced(name, "apply_to_modules"), replaced(given, f"lambda _, module: {text_of(given)}(module)"))
        fixes = (Fix("Write apply_to_modules", edits, is_safe=False),) if asks_for_modules else ()
    yield Finding(
        given, "`apply` calls this with each array and takes what it returns for the new one, and it returns nothing: "
        "this raises. `apply_to_modules(lambda path, module: …)` goes through the modules.", fixes,
    )  # fmt: skip


def _returns_nothing(function: Node) -> bool:
    """Return whether a function returns None whatever it is given, or where what it is given is no module."""
    body = field(function, "body")
    if function.type == "lambda":
        parts = body.named_children if body is not None and body.type == "conditional_expression" else []
        return len(parts) == 3 and parts[2].type == "none" and "isinstance(" in text_of(parts[1])
    if decorators(function) or body is None or any(within(body, "yield")):
        return False
    is_left_open = any(one.type in ("pass_statement", "raise_statement") for one in body.named_children)
    return not is_left_open and not any(one.named_children for one in within(body, "return_statement"))


RULES = (path_as_attribute, path_as_key, applied_to_arrays)
