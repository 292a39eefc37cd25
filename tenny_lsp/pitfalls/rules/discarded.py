"""Results that are thrown away: MLX's functions return new arrays and change nothing in place."""

from collections.abc import Iterator
from functools import lru_cache

from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.pitfalls.calls import Call, call_of, function_around, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, inserted
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.source.syntax import Node, field, text_of, up_to

_ARRAY = "mlx.core.array"
_INITIALISERS = "mlx.nn.init."
#: What returns an array and does more: draws a random number, sends to other processes, belongs to another rule.
_IMPURE = ("mlx.core.random.", "mlx.core.distributed.", "mlx.core.ArrayAt.")

#: What returns new trees, functions or lists of arrays, and changes nothing either.
_PURE = {
    "mlx.core.compile", "mlx.core.vmap", "mlx.core.grad", "mlx.core.value_and_grad", "mlx.core.checkpoint",
    "mlx.nn.value_and_grad", "mlx.core.split", "mlx.core.array.split", "mlx.core.quantize", "mlx.nn.average_gradients",
    "mlx.optimizers.clip_grad_norm", "mlx.optimizers.Optimizer.apply_gradients", "mlx.utils.tree_unflatten",
    "mlx.utils.tree_flatten", "mlx.utils.tree_map",
}  # fmt: skip
#: Of those, function → the argument that its result stands for, and how it is assigned.
_TARGETS = {
    "mlx.optimizers.clip_grad_norm": (0, "{}, _"), "mlx.nn.average_gradients": (0, "{}"),
    "mlx.optimizers.Optimizer.apply_gradients": (1, "{}"), "mlx.core.compile": (0, "{}"),
}  # fmt: skip


@rule(
    "unused-result",
    "warning",
    "The result of a pure function thrown away",
    PYTHON + "nn/init.html",
    kinds=("expression_statement",),
    examples=(
        Example(
            "for layer in [model]:\n    nn.init.constant(7.0)(layer.bias)\ny = model.bias",
            "for layer in [model]:\n    layer.bias = nn.init.constant(7.0)(layer.bias)\ny = model.bias",
            "y.tolist() == [7, 7]",
            "wrong",
        ),
        Example(
            "def f(a: mx.array):\n    a.reshape(3, 2)\n    return a\ny = f(x)",
            "def f(a: mx.array):\n    a = a.reshape(3, 2)\n    return a\ny = f(x)",
            "y.shape == (3, 2)",
            "wrong",
        ),
        Example(
            "def f(a: mx.array):\n    mx.sort(a)\n    return a\ny = f(-x)",
            "def f(a: mx.array):\n    return mx.sort(a)\ny = f(-x)",
            "y[0].tolist() == [-2, -1, 0]",
            "wrong",
            is_fixed=False,
        ),
        Example(
            "def f(grads):\n    optim.clip_grad_norm(grads, max_norm=1.0)\n    return grads\n"
            'y = f({"w": mx.array([3.0, 4.0])})["w"]',
            "def f(grads):\n    grads, _ = optim.clip_grad_norm(grads, max_norm=1.0)\n    return grads\n"
            'y = f({"w": mx.array([3.0, 4.0])})["w"]',
            "mx.linalg.norm(y).item() < 1.01",
            "wrong",
        ),
        Example(
            'def f(params, grads):\n    optimizer.apply_gradients(grads, params)\n    return params["w"]\n'
            'y = f({"w": mx.ones(2)}, {"w": mx.ones(2)})',
            'def f(params, grads):\n    params = optimizer.apply_gradients(grads, params)\n    return params["w"]\n'
            'y = f({"w": mx.ones(2)}, {"w": mx.ones(2)})',
            "y[0].item() < 1",
            "wrong",
        ),
        Example(
            "from mlx.utils import tree_map\ndef blend(target, online):\n"
            "    tree_map(lambda t, o: 0.9 * t + 0.1 * o, target, online)\n    return target\n"
            'y = blend({"w": mx.zeros(1)}, {"w": mx.ones(1)})["w"]',
            "from mlx.utils import tree_map\ndef blend(target, online):\n"
            "    return tree_map(lambda t, o: 0.9 * t + 0.1 * o, target, online)\n"
            'y = blend({"w": mx.zeros(1)}, {"w": mx.ones(1)})["w"]',
            "y.item() > 0",
            "wrong",
            is_fixed=False,
        ),
        Example(
            "grads = nn.value_and_grad(model, lambda a: model(a).sum())(x)[1]\nbefore = mx.array(model.bias)\n"
            "optimizer.apply_gradients(grads, model.parameters())\ny = mx.any(before != model.bias).item()\nprint(y)",
            "grads = nn.value_and_grad(model, lambda a: model(a).sum())(x)[1]\nbefore = mx.array(model.bias)\n"
            "optimizer.update(model, grads)\ny = mx.any(before != model.bias).item()\nprint(y)",
            "y",
            "wrong",
            is_fixed=False,
        ),
        Example(
            "nn.init.constant(7.0)(model.bias)\ny = model.bias\nprint(y)",
            "model.bias = nn.init.constant(7.0)(model.bias)\ny = model.bias\nprint(y)",
            "y.tolist() == [7, 7]",
            "wrong",
        ),
    ),
)
def unused_result(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find statements that only call an initialiser, an operation or an array method."""
    call = call_of(node.named_children[0]) if len(node.named_children) == 1 else None
    if call is None:
        return
    function = _pure_function(context, call)
    # At the top of a notebook's cell, or in a session, the value of an expression is shown; scripts print.
    is_inner = up_to(node, "function_definition", "for_statement", "while_statement") is not None
    is_member = function.startswith(_INITIALISERS) and all(one.type == "attribute" for one in call.arguments)
    is_step = function in ("mlx.optimizers.Optimizer.apply_gradients", "mlx.optimizers.clip_grad_norm")
    if not is_inner and not ((is_member or is_step) and context.file.mentions("\nprint(")):
        return
    if not function or _may_raise_on_purpose(context, node):
        return
    target = _target(context, call, function)
    fixes = (Fix("Assign the result", (inserted(call.node.start_byte, f"{target} = "),), False),) if target else ()
    what = "An initialiser" if function.startswith(_INITIALISERS) else f"`{function}`"
    new = "what it makes" if function in _PURE else "a new array"
    message = f"{what} returns {new} and changes nothing in place: here the result is thrown away."
    yield Finding(call.node, message, fixes)


def _may_raise_on_purpose(context: RuleContext, node: Node) -> bool:
    """Return whether a call may stand alone to see whether it raises: in a test, or where errors are caught."""
    function = function_around(node)
    is_test = function is not None and text_of(field(function, "name") or function).startswith("test")
    is_tested = any(map(context.file.mentions, ("assertRaises", "pytest.raises")))
    return is_test or is_tested or is_guarded(context, node, ("Error",))


def _pure_function(context: RuleContext, call: Call) -> str:
    """Return the public name of the pure function that a call calls; empty where it is not certain to be one."""
    made = call_of(context.value_of(call.function))
    if made is not None:
        name = context.name(made.function)
        return name if name.startswith(_INITIALISERS) else ""
    names = _pure_names(context.index)
    if call.name not in names:  # to find out what is called takes much longer
        return ""
    entry = context.entry(call.function)
    if entry is None or entry.name not in names or (call.name == "tree_map" and not _is_pure_map(context, call)):
        return ""
    # What is annotated as an optimizer may be of a subclass, which may keep the result.
    return entry.name if not entry.name.startswith("mlx.optimizers.Optimizer.") or context.is_made(call.owner) else ""


def _is_pure_map(context: RuleContext, call: Call) -> bool:
    """Return whether what ``tree_map`` is given computes arrays and does nothing else."""
    function = call.arguments[0] if call.arguments else None
    body = field(function, "body") if function is not None and function.type == "lambda" else None
    names = _pure_names(context.index)
    if body is None:
        return function is not None and context.name(function) in names
    made = (call_of(one) for one in within(body, "call"))
    return body.type in ("binary_operator", "call") and all(
        one is not None and (context.name(one.function) in names or one.name == "astype") for one in made
    )


@lru_cache(maxsize=4)
def _pure_names(index: ApiIndex) -> frozenset[str]:
    """Return the short and public names of ``mlx.core``'s functions that return one array and do nothing else."""
    pure = [
        entry
        for entry in index
        if entry.name.startswith("mlx.core.")
        and not entry.name.startswith(_IMPURE)
        and entry.kind in ("function", "method")
        and {signature.returns for signature in entry.signatures} in ({"array"}, {_ARRAY})
    ]
    aliases = (alias.rpartition(".")[2] for entry in pure for alias in entry.aliases)
    names = {*(entry.name for entry in pure), *(name for name in _PURE if index.resolve(name) is not None)}
    return frozenset({*names, *(name.rpartition(".")[2] for name in names), *aliases})


def _target(context: RuleContext, call: Call, function: str) -> str:
    """Return what the result is likely to be meant for: the initialised member, or the local array of a method."""
    if function.startswith(_INITIALISERS):
        given = call.arguments[0] if len(call.arguments) == 1 else None
        return text_of(given) if given is not None and given.type in ("attribute", "subscript") else ""
    if function in _TARGETS:
        place, form = _TARGETS[function]
        target = call.arguments[place] if len(call.arguments) > place else None
        return form.format(text_of(target)) if target is not None and target.type == "identifier" else ""
    if not function.startswith(f"{_ARRAY}.") or call.owner is None or call.owner.type != "identifier":
        return ""
    scope = function_around(call.node)
    bindings = context.bindings_in(scope) if scope is not None else context.module_bindings
    return text_of(call.owner) if text_of(call.owner) in bindings else ""


RULES = (unused_result,)
