"""Modules that are not set up as MLX needs it: without ``super().__init__()``, or with layers where it finds none."""

import re
from collections.abc import Iterator

from tenny_lsp.inference.meaning import Api, Group, Instance, LocalClass, Meaning
from tenny_lsp.inference.members import bases, names_in
from tenny_lsp.pitfalls.calls import Call, all_within, call_of, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, indentation_of, inserted, is_alone, replaced
from tenny_lsp.pitfalls.rule import ISSUES, PYTHON, Example, Finding, rule
from tenny_lsp.source.syntax import Node, field, text_of, up_to

_MODULE = "mlx.nn.Module"
_INIT = "class Net(nn.Module):\n    def __init__(self):\n"
_CALL = "    def __call__(self, x):\n        return self.fc(x)\n"
_TRAINED = "net = Net()\nloss, y = nn.value_and_grad(net, lambda x: net(x).sum())(x)\noptimizer.update(net, y)"
#: How the names of the layers begin that have parameters.
_TRAINABLE = (
    "Linear", "Bilinear", "Conv", "Embedding", "LayerNorm", "RMSNorm", "BatchNorm", "LSTM", "GRU", "RNN",
    "MultiHeadAttention", "Transformer", "Quantized", "PReLU",
)  # fmt: skip
_SUPER = "        super().__init__()\n"
_FC = "        self.fc = nn.Linear(3, 2)\n"
_LAYERS = _INIT + _SUPER + "        self.layers = "
_HOLDERS = {
    "tuple", "list", "dictionary", "list_comprehension", "dictionary_comprehension", "generator_expression",
}  # fmt: skip
#: What gives its items once, or holds them where MLX does not look.
_HIDDEN = {
    **dict.fromkeys(["map", "zip", "iter", "reversed", "filter", "itertools.chain"], "an iterator"),
    "collections.deque": "a deque",
    "types.SimpleNamespace": "a `SimpleNamespace`",
}


@rule(
    "missing-super-init",
    "warning",
    "A module without `super().__init__()`",
    PYTHON + "nn/module.html",
    kinds=("class_definition",),
    examples=(
        Example(_INIT + _FC + _CALL + _TRAINED, _INIT + _SUPER + _FC + _CALL + _TRAINED, 'list(y) == ["fc"]'),
        Example(
            _INIT + '        """One layer."""\n' + _FC + _CALL + "y = Net().freeze()",
            _INIT + '        """One layer."""\n' + _SUPER + _FC + _CALL + "y = Net().freeze()",
            "y.trainable_parameters() == {'fc': {}}",
        ),
    ),
)  # fmt: skip
def missing_super_init(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find modules whose ``__init__`` does not call that of ``nn.Module``, which prepares freezing and training."""
    methods = context.bindings_in(node).get("__init__", [])
    method = methods[0].definition if len(methods) == 1 else None
    body, name = field(method, "body"), field(method, "name")
    if body is None or name is None or method is None or method.type != "function_definition":
        return
    if re.search(r"\bsuper\b|\.__init__\b|\bmetaclass\b|__new__|_no_grad\b", text_of(node)):
        return
    found = list(bases(LocalClass(context.evaluator, node)))
    is_module = len(found) == 1 and context.inherits(found[0], _MODULE) and None not in context.lineage(found[0])
    if not is_module or not _sets_layers(context, body):
        return
    fixes: tuple[Fix, ...] = ()
    statements = [child for child in body.named_children if child.type != "comment"]
    first = statements[1 if _is_docstring(statements[0]) else 0]
    if isinstance(found[0], Api) and found[0].entry.name == _MODULE and is_alone(first):
        text = f"super().__init__()\n{indentation_of(first)}"
        fixes = (Fix("Call super().__init__()", (inserted(first.start_byte, text),)),)
    yield Finding(
        name, "Without `super().__init__()` a module cannot be trained or frozen: it has no `_no_grad`, and "
        "`trainable_parameters` raises.", fixes,
    )  # fmt: skip


def _is_docstring(statement: Node) -> bool:
    return statement.type == "expression_statement" and statement.named_children[0].type == "string"


def _sets_layers(context: RuleContext, body: Node) -> bool:
    """Return whether a body assigns a module or an array, or several of them, to an attribute of ``self``."""
    for found in within(body, "assignment"):
        left = field(found, "left")
        if left is not None and left.type == "attribute" and text_of(left.named_children[0]) == "self":
            value = context.meaning(field(found, "right"))
            if context.evaluator.is_array(value) or _is_module(context, value):
                return True
    return False


def _is_module(context: RuleContext, meaning: Meaning | None) -> bool:
    """Return whether a value is a module, or a list of modules."""
    each = meaning.each if isinstance(meaning, Group) else meaning
    return isinstance(each, Instance) and context.inherits(each.of, _MODULE)


@rule(
    "hidden-layers",
    "warning",
    "Layers where MLX does not look for them",
    ISSUES + "655",
    kinds=("assignment",),
    calls=("append",),
    examples=(
        Example(
            _LAYERS + "[(nn.Linear(2, 2), nn.LayerNorm(2)) for _ in range(3)]\ny = Net().parameters()",
            _LAYERS + "[[nn.Linear(2, 2), nn.LayerNorm(2)] for _ in range(3)]\ny = Net().parameters()",
            "len(y['layers'][0]) == 2", "wrong",
        ),
        Example(
            _LAYERS + "[]\n        self.layers.append((nn.Linear(2, 2), nn.LayerNorm(2)))\ny = Net().parameters()",
            _LAYERS + "[]\n        self.layers.append([nn.Linear(2, 2), nn.LayerNorm(2)])\ny = Net().parameters()",
            "len(y['layers'][0]) == 2", "wrong",
        ),
        Example(
            _LAYERS + "(nn.Linear(2, 2) for _ in range(3))\ny = Net().parameters()",
            _LAYERS + "[nn.Linear(2, 2) for _ in range(3)]\ny = Net().parameters()",
            "len(y) == 1", "wrong",
        ),
        Example(
            "class A:\n    def __init__(self):\n" + _FC + _LAYERS + "A()\ny = Net().parameters()",
            _INIT.replace("Net", "A") + _SUPER + _FC + _LAYERS + "A()\ny = Net().parameters()",
            "len(y) == 1", "wrong", is_fixed=False,
        ),
        Example(
            "class A:\n    def __init__(self, layers):\n        self.layers = layers\n"
            + _LAYERS + "A([nn.Linear(3, 3) for _ in range(2)])\ny = Net().parameters()",
            _LAYERS + "[nn.Linear(3, 3) for _ in range(2)]\ny = Net().parameters()",
            "len(y) == 1", "wrong", is_fixed=False,
        ),
        Example(
            "from dataclasses import dataclass\n@dataclass\nclass A:\n    up: nn.Linear\n"
            + _LAYERS + "A(up=nn.Linear(3, 3))\ny = Net().parameters()",
            _LAYERS + '{"up": nn.Linear(3, 3)}\ny = Net().parameters()',
            "len(y) == 1", "wrong", is_fixed=False,
        ),
        Example(
            "from types import SimpleNamespace\n" + _LAYERS
            + "SimpleNamespace(up=nn.Linear(3, 3))\ny = Net().parameters()",
            _LAYERS + '{"up": nn.Linear(3, 3)}\ny = Net().parameters()',
            "len(y) == 1", "wrong", is_fixed=False,
        ),
    ),
)  # fmt: skip
def hidden_layers(context: RuleContext, found: Node | Call) -> Iterator[Finding]:
    """Find layers in tuples within lists, in iterators and in objects of other classes, set on a module."""
    place, value = _placed(found)
    owner, name = field(place, "object"), field(place, "attribute")
    if owner is None or name is None or value is None or text_of(name).startswith("_"):
        return
    is_possible = value.type in _HOLDERS or (value.type == "call" and value.named_children[0].type == "identifier")
    if not is_possible or b"(" not in (value.text or b"")[1:] or not context.is_a(owner, _MODULE):
        return
    how, fixes = _hidden(context, value, is_added=isinstance(found, Call))
    if how:
        yield Finding(
            value, f"MLX finds parameters in modules, lists and dicts, not in {how}: these layers are neither trained "
            "nor saved.", fixes,
        )  # fmt: skip


def _placed(found: Node | Call) -> tuple[Node | None, Node | None]:
    """Return the attribute that is set, or appended to, and its value or what is added."""
    if isinstance(found, Call):
        is_one = len(found.arguments) == 1 and found.is_whole
        return (found.owner, found.arguments[0]) if is_one else (None, None)
    left = field(found, "left")
    return (left, field(found, "right")) if left is not None and left.type == "attribute" else (None, None)


def _hidden(context: RuleContext, value: Node, *, is_added: bool) -> tuple[str, tuple[Fix, ...]]:
    """Return what hides layers in a value, with the fix; an empty string where nothing does."""
    if is_added:
        return ("tuples", _as_lists([value])) if value.type == "tuple" and _has_layers(context, value) else ("", ())
    if value.type == "generator_expression":
        fix = Fix("Use a list", (replaced(value.children[0], "["), replaced(value.children[-1], "]")), is_safe=False)
        return ("an iterator", (fix,)) if _has_layers(context, value) else ("", ())
    if value.type in ("list", "list_comprehension", "dictionary", "dictionary_comprehension"):
        tuples = [one for one in _items(value) if one.type == "tuple"]
        return ("tuples", _as_lists(tuples)) if any(_has_layers(context, one) for one in tuples) else ("", ())
    call = call_of(value)
    if call is None:
        return "", ()
    made = context.meaning(call.function)
    if isinstance(made, LocalClass):
        name = field(made.node, "name")
        is_given = any(_are_made_here(context, one) for one in _values(call))
        is_holder = _is_plain(context, made) and (is_given or _makes_layers(context, made))
        return (f"a `{text_of(name)}`" if is_holder and name is not None else "", ())
    how = _HIDDEN.get(context.external(call.function), "")
    given = any(_has_layers(context, one) or _are_made_here(context, one) for one in _values(call)) if how else False
    return (how if given else "", ())


def _values(call: Call) -> list[Node]:
    return [*call.arguments, *(value for name in call.keywords if (value := call.value(name)) is not None)]


def _are_made_here(context: RuleContext, value: Node) -> bool:
    """Return whether an argument makes layers where it stands: a layer, or a list of them."""
    kinds = ("list", "tuple", "dictionary", "list_comprehension", "dictionary_comprehension")
    made = list(_items(value)) if value.type in kinds else [value]
    return any(one.type == "call" and _has_parameters(context, context.meaning(one)) for one in made)


def _items(value: Node) -> Iterator[Node]:
    """Yield the items of a list or the values of a dict, or what a comprehension makes of each."""
    body = field(value, "body")
    for item in [body] if body is not None else value.named_children:
        found = field(item, "value") if item.type == "pair" else item
        if found is not None:
            yield found


def _as_lists(tuples: list[Node]) -> tuple[Fix, ...]:
    edits = [edit for one in tuples for edit in (replaced(one.children[0], "["), replaced(one.children[-1], "]"))]
    return (Fix("Use lists", tuple(edits), is_safe=False),)


def _has_layers(context: RuleContext, value: Node) -> bool:
    """Return whether a value holds layers that have parameters; of a tuple, layers that are made where it stands.

    Layers made elsewhere may have been given their weights, and be hidden on purpose.
    """
    if value.type == "tuple":
        return any(
            one.type == "call" and _has_parameters(context, context.meaning(one)) for one in value.named_children
        )
    meaning = context.meaning(value)
    items = (meaning.items or (meaning.each,)) if isinstance(meaning, Group) else ()
    return any(_has_parameters(context, item) for item in items)


def _has_parameters(context: RuleContext, meaning: Meaning | None) -> bool:
    if not isinstance(meaning, Instance) or not context.inherits(meaning.of, _MODULE):
        return False
    return isinstance(meaning.of, LocalClass) or meaning.of.entry.short_name.startswith(_TRAINABLE)


def _is_plain(context: RuleContext, cls: LocalClass) -> bool:
    """Return whether a class is known to be neither a module nor a collection: it inherits from nothing else."""
    return all(isinstance(one, LocalClass) for one in context.lineage(cls))


def _makes_layers(context: RuleContext, cls: LocalClass) -> bool:
    """Return whether a class of this file has attributes that are layers of MLX's.

    An object of another file, or around a whole model, may be a tool that is not to be trained.
    """
    members = (context.evaluator.member(Instance(cls), name) for name in names_in(cls))
    return cls.home is context.evaluator and any(
        isinstance(one, Instance) and one.is_exact and isinstance(one.of, Api) and _has_parameters(context, one)
        for one in members
    )


@rule(
    "private-layer",
    "warning",
    "A layer under a name that begins with `_`",
    PYTHON + "nn/module.html",
    kinds=("assignment",),
    examples=(
        Example(
            _INIT + _SUPER + _FC.replace("fc", "_fc") + _CALL.replace("fc", "_fc") + "y = Net().parameters()",
            _INIT + _SUPER + _FC + _CALL + "y = Net().parameters()",
            'list(y) == ["fc"]',
            "wrong",
        ),
    ),
)
def private_layer(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find layers with weights that a module makes and calls under a private name, where MLX does not look."""
    left = field(node, "left")
    owner, name = field(left, "object"), field(left, "attribute")
    if owner is None or name is None or not text_of(left or node).startswith("self._"):
        return
    call = call_of(field(node, "right"))
    if call is None or not call.name.startswith(_TRAINABLE):
        return
    word, cls = text_of(name), up_to(node, "class_definition")
    if cls is None or not context.is_a(owner, _MODULE):
        return
    made = context.name(call.function)
    uses = re.findall(rf"\bself\.{word}\b(.?)", text_of(cls))
    # Reached in another way, it may be meant to be hidden.
    if not made.startswith("mlx.nn.") or uses.count("(") != len(uses) - 1 or "(" not in uses:
        return
    if re.search(r"\b(?:parameters|children|filter_and_map|freeze|stop_gradient|__getattr__)\b", text_of(cls)):
        return
    fixes, others = tuple[Fix, ...](), context.bindings_in(cls)
    public = word.lstrip("_")
    if public and public not in others and f"self.{public}" not in text_of(cls):
        places = [one for one in all_within(cls, "attribute") if text_of(one) == f"self.{word}"]
        edits = tuple(replaced(field(one, "attribute") or one, public) for one in places)
        fixes = (Fix(f"Call it {public}", edits, is_safe=False),)
    yield Finding(
        name, f"MLX takes what begins with `_` for no parameter: `self.{word}` is neither trained nor saved.", fixes,
    )  # fmt: skip


RULES = (missing_super_init, hidden_layers, private_layer)
