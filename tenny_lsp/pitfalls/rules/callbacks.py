"""Functions that MLX calls with other arguments than they take, and what its transforms make of them."""

import re
from collections.abc import Iterator

from tenny_lsp.inference.definitions import decorators
from tenny_lsp.inference.meaning import NUMBERS, LocalFunction
from tenny_lsp.pitfalls.arities import Arity, arity_of
from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, inserted
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.rule import PYTHON, USAGE, Example, Finding, rule
from tenny_lsp.pitfalls.traced import outer_value
from tenny_lsp.pitfalls.values import dtype_of, literal_of
from tenny_lsp.source.syntax import Node, field, text_of

_TRANSFORMS = USAGE + "function_transforms.html"
_NET = "net = nn.Sequential(nn.Linear(64, 64))\n"
_TREE = "from mlx.utils import tree_map, tree_map_with_path\n"
#: Name → of the functions that it is given: name, place, and what they are called with.
_CALLED: dict[str, tuple[tuple[str, int, tuple[str, ...]], ...]] = {
    "mlx.nn.quantize": (("class_predicate", 4, ("path", "module")),),
    "mlx.nn.Module.apply": (("map_fn", 0, ("array",)), ("filter_fn", 1, ("module", "name", "value"))),
    "mlx.nn.Module.filter_and_map": (
        ("filter_fn", 0, ("module", "name", "value")), ("map_fn", 1, ("value",)),
        ("is_leaf_fn", 2, ("module", "name", "value")),
    ),
    "mlx.nn.Module.apply_to_modules": (("apply_fn", 0, ("path", "module")),),
    "mlx.utils.tree_map": (("fn", 0, ("leaf",)), ("is_leaf", 99, ("value",))),
    "mlx.utils.tree_map_with_path": (("fn", 0, ("path", "leaf")), ("is_leaf", 99, ("value",))),
    "mlx.utils.tree_reduce": (("fn", 0, ("so far", "leaf")), ("is_leaf", 3, ("value",))),
    "mlx.utils.tree_flatten": (("is_leaf", 2, ("value",)),),
}  # fmt: skip
_MAPS = ("mlx.utils.tree_map", "mlx.utils.tree_map_with_path")
#: Transform → the place of the function that it transforms.
_MADE = {
    "mlx.core.grad": 0, "mlx.core.value_and_grad": 0, "mlx.nn.value_and_grad": 1, "mlx.core.vmap": 0,
    "mlx.core.compile": 0, "mlx.core.checkpoint": 0,
}  # fmt: skip
#: What makes the derivative of whole numbers a fraction.
_FRACTIONS = re.compile(
    r"(?<!/)/(?!/)|\b\d+\.\d|\.(?:mean|sqrt|rsqrt|exp|log\w*|sin|cos|tan\w*|sigmoid|softmax|norm|var|std|erf)\("
)
_GRADIENTS = ("mlx.core.grad", "mlx.core.value_and_grad")
#: What stands in each file that makes a function of another one.
_TRANSFORMED = (".grad(", "value_and_grad(", "vmap(", ".compile(", ".checkpoint(")


@rule(
    "callback-arguments",
    "error",
    "A function that MLX calls with other arguments",
    PYTHON + "nn/module.html",
    calls=tuple(sorted({name.rpartition(".")[2] for name in _CALLED})),
    examples=(
        Example(f"{_NET}nn.quantize(net, class_predicate=lambda m: isinstance(m, nn.Linear))\ny = 1",
                f"{_NET}nn.quantize(net, class_predicate=lambda _, m: isinstance(m, nn.Linear))\ny = 1"),
        Example(f"{_TREE}y = tree_map_with_path(lambda a: a * 2, {{'w': x}})['w']",
                f"{_TREE}y = tree_map(lambda a: a * 2, {{'w': x}})['w']", "y.shape == (2, 3)", is_fixed=False),
        Example("def show(module):\n    print(module)\nmodel.apply_to_modules(show)\ny = 1",
                "def show(path, module):\n    print(module)\nmodel.apply_to_modules(show)\ny = 1", is_fixed=False),
        Example(f"{_TREE}y = tree_map(lambda a, b: a + b, {{'w': x}})",
                f"{_TREE}y = tree_map(lambda a, b: a + b, {{'w': x}}, {{'w': x}})", "y['w'].size == 6", is_fixed=False),
        Example("model.apply(lambda name, a: a * 2)\ny = 1", "model.apply(lambda a: a * 2)\ny = 1", is_fixed=False),
    ),
)  # fmt: skip
def callback_arguments(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find functions and lambdas given to MLX that do not take what MLX calls them with."""
    entry = context.entry(call.function)
    if entry is None or entry.name not in _CALLED or not call.is_whole:
        return
    for name, place, given in _CALLED[entry.name]:
        function = call.value(name) or (call.arguments[place] if len(call.arguments) > place else None)
        arity = _arity(context, function)
        if entry.name in _MAPS and name == "fn":
            rest = tuple(f"leaf {n + 2}" for n in range(len(call.arguments) - 2))
            given = (*given, *rest) if "fn" not in call.keywords else given
        if function is None or arity is None or arity.takes(len(given)):
            continue
        said = " and ".join(f"the {one}" for one in given)
        fixes: tuple[Fix, ...] = ()
        listed = field(function, "parameters")
        if entry.name == "mlx.nn.quantize" and function.type == "lambda" and listed is not None:
            fixes = (Fix("Take the path too", (inserted(listed.start_byte, "_, "),)),) if arity.takes(1) else ()
        short = entry.name.rpartition(".")[2]
        yield Finding(function, f"`{short}` calls this with {said}, which it does not take: this raises.", fixes)


def _arity(context: RuleContext, function: Node | None) -> Arity | None:
    """Return what a lambda or function of the file takes, without ``self``; None where it is something else."""
    if function is None:
        return None
    meaning = context.evaluator.meaning(function)
    if not isinstance(meaning, LocalFunction):
        return None
    arity, names = arity_of(meaning.node), set(map(text_of, decorators(meaning.node)))
    if arity is None or names - {"staticmethod", "classmethod"}:  # others may call it as they like
        return None
    is_bound = "classmethod" in names or (meaning.receiver is not None and "staticmethod" not in names)
    return arity.without_first() if is_bound else arity


@rule(
    "transformed-arguments",
    "error",
    "What a transform made, called with other arguments than the function takes",
    _TRANSFORMS,
    calls=("*",),
    is_general=True,
    words=_TRANSFORMED,
    examples=(
        Example("def loss(model, a):\n    return model(a).sum()\nstep = nn.value_and_grad(model, loss)\n"
                "y = step(x)[0]",
                "def loss(model, a):\n    return model(a).sum()\nstep = nn.value_and_grad(model, loss)\n"
                "y = step(model, x)[0]", "y.shape == ()"),
        Example("def loss(w, a):\n    return (w * a).sum()\ny = mx.grad(loss)(x)",
                "def loss(w, a):\n    return (w * a).sum()\ny = mx.grad(loss)(x, x)", "y.shape == (2, 3)",
                is_fixed=False),
        Example("f = mx.vmap(lambda a, n: a * n)\ny = f(x, 2.0)",
                "f = mx.vmap(lambda a, n: a * n, in_axes=(0, None))\ny = f(x, mx.array(2.0))", "y.shape == (2, 3)",
                is_fixed=False),
        Example("f = mx.compile(lambda a, b: a + b)\ny = f(x)", "f = mx.compile(lambda a, b: a + b)\ny = f(x, x)",
                "y.shape == (2, 3)", is_fixed=False),
    ),
)  # fmt: skip
def transformed_arguments(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find calls of gradients, of mapped and compiled functions, that the function itself would not take."""
    found = _transformed(context, call)
    if found is None or is_guarded(context, call.node, ("TypeError", "ValueError")):
        return
    name, made = found
    place = _MADE[name]
    function = made.arguments[place]
    short = f"{'nn' if name.startswith('mlx.nn') else 'mx'}.{name.rpartition('.')[2]}"
    arity = _arity(context, function)
    if arity is not None and not arity.takes(len(call.arguments), call.keywords):
        fixes: tuple[Fix, ...] = ()
        is_model = name == "mlx.nn.value_and_grad" and arity.takes(len(call.arguments) + 1, call.keywords)
        if is_model and call.arguments:
            model = text_of(made.arguments[0])
            fixes = (Fix(f"Give {model} too", (inserted(call.arguments[0].start_byte, f"{model}, "),), is_safe=False),)
        listed = ", ".join(f"`{one}`" for one in arity.placed) or "nothing"
        yield Finding(
            call.listed, f"`{short}` calls the function with these arguments as they are, and it takes {listed}: this "
            "raises.", fixes,
        )  # fmt: skip
        return
    given = call.arguments if name == "mlx.core.vmap" else ()
    wrong = next((one for one in given if _is_number(context, one)), None)
    if wrong is not None:
        yield Finding(
            wrong, "`mx.vmap` takes arrays alone: this number raises. Write an array, and None for it in `in_axes`, "
            "or let the function read it from outside.",
        )  # fmt: skip


def _transformed(context: RuleContext, call: Call) -> tuple[str, Call] | None:
    """Return the transform, and its call, that made what is called; None where that is not certain."""
    if call.function.type not in ("identifier", "call") or not call.is_whole:
        return None
    made = call_of(call.function) or call_of(outer_value(context, call.function))
    name = context.name(made.function) if made is not None else ""
    if made is None or name not in _MADE or not made.is_whole or len(made.arguments) <= _MADE[name]:
        return None
    return name, made


def _traced(name: str, made: Call, call: Call) -> list[Node]:
    """Return the arguments of a call that are differentiated."""
    if name not in _GRADIENTS or made.keywords.keys() - {"argnums"} or len(made.arguments) > 2:
        return []
    argnums = made.value("argnums") or (made.arguments[1] if len(made.arguments) > 1 else None)
    places = literal_of(argnums) if argnums is not None else 0
    listed = places if isinstance(places, list | tuple) else [places]
    return [call.arguments[one] for one in listed if type(one) is int and 0 <= one < len(call.arguments)]


def _is_number(context: RuleContext, node: Node) -> bool:
    if node.type in ("integer", "float", "none"):
        return True
    meaning = context.meaning(node) if node.type in ("identifier", "unary_operator", "call") else None
    return meaning in NUMBERS


@rule(
    "integer-gradient",
    "warning",
    "The gradient with respect to integers",
    _TRANSFORMS,
    calls=("*",),
    words=_TRANSFORMED,
    examples=(
        Example("c = mx.array([2, 3, 7])\ny = mx.grad(lambda a: (a * 0.5).sum())(c)",
                "c = mx.array([2, 3, 7]).astype(mx.float32)\ny = mx.grad(lambda a: (a * 0.5).sum())(c)",
                "y.tolist() == [0.5] * 3", "wrong", is_fixed=False),
        Example("f = mx.value_and_grad(lambda a: mx.sqrt(a).sum())\ny = f(mx.arange(1, 4))[1]",
                "f = mx.value_and_grad(lambda a: mx.sqrt(a).sum())\ny = f(mx.arange(1, 4).astype(mx.float32))[1]",
                "y[0].item() == 0.5", "wrong"),
        Example("y = mx.grad(lambda a: a / 3)(mx.array(1))", "y = mx.grad(lambda a: a / 3)(mx.array(1).astype("
                "mx.float32))", "y.item() > 0", "wrong"),
    ),
)  # fmt: skip
def integer_gradient(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find arrays of integers that a gradient is taken with respect to: it is cut to whole numbers."""
    found = _transformed(context, call)
    if found is None or found[0] not in _GRADIENTS:
        return
    function = context.evaluator.meaning(found[1].arguments[0])
    if not isinstance(function, LocalFunction) or not _FRACTIONS.search(text_of(function.node)):
        return
    for one in _traced(*found, call):
        dtype = dtype_of(context, one)
        if dtype.startswith(("int", "uint")) and not is_guarded(context, call.node, ("ValueError",)):
            mx = context.alias("mlx.core", call.node)
            text = f".astype({mx}.float32)"
            fixes = (Fix("Make it float32", (inserted(one.end_byte, text),), is_safe=False),) if mx else ()
            yield Finding(
                one, f"This is {dtype}, and so is its gradient, cut to whole numbers. Make it float32 first.",
                fixes if one.type in ("identifier", "call") else (),
            )  # fmt: skip


RULES = (callback_arguments, transformed_arguments, integer_gradient)
