"""Evaluation inside a function that MLX traces: arrays have no values there."""

import re
from collections.abc import Iterator

from tenny_lsp.pitfalls.calls import Call, call_of, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.rule import USAGE, Example, Finding, rule
from tenny_lsp.pitfalls.traced import Tracer, outer_value
from tenny_lsp.pitfalls.tracing import compiler, has_no_values
from tenny_lsp.source.syntax import Node, field, text_of, up_to

_HEAD = "@mx.compile\ndef f(a: mx.array):\n"
_LOSS = "loss_and_grad = nn.value_and_grad(model, lambda x: model(x).sum())\nstate = [model.state, optimizer.state]\n"
_STEP = (
    "@partial(mx.compile, inputs=state, outputs=state)\ndef step(x):\n    loss, grads = loss_and_grad(x)\n"
    "    optimizer.update(model, grads)\n"
)
#: Functions of Python's and NumPy's that evaluate their first argument.
_PYTHON = {"float", "int", "bool", "str", "repr", "memoryview", "numpy.array", "numpy.asarray", "print"}
#: Those that evaluate all arguments, and of MLX's their trees.
_ALL = {
    "print", "mlx.core.eval", "mlx.core.async_eval", "mlx.core.save", "mlx.core.savez", "mlx.core.savez_compressed",
    "mlx.core.save_safetensors",
}  # fmt: skip
_STATE = re.compile(r"\.(?:parameters\(\)|trainable_parameters\(\)|state)\Z")


@rule(
    "eval-in-compile",
    "error",
    "Evaluating inside a compiled function",
    USAGE + "compile.html",
    calls=(
        "eval", "async_eval", "item", "tolist", "print", "float", "int", "bool", "str", "repr", "memoryview", "array",
        "asarray", "save", "savez", "savez_compressed", "save_safetensors",
    ),
    kinds=("interpolation",),
    examples=(
        Example(
            _HEAD + "    return a * float(a.sum())\ny = f(x)", _HEAD + "    return a * a.sum()\ny = f(x)",
            "y.shape == (2, 3)", is_fixed=False,
        ),
        Example(
            _HEAD + "    b = a + 1\n    mx.eval(b)\n    return b\ny = f(x)",
            _HEAD + "    b = a + 1\n    return b\ny = f(x)",
            "y.shape == (2, 3)", is_fixed=False,
        ),
        Example(
            _HEAD + "    print(a)\n    return a + 1\ny = f(x)", _HEAD + "    return a + 1\ny = f(x)",
            "y.shape == (2, 3)", is_fixed=False,
        ),
        Example(
            _HEAD + '    b = a * 2\n    b = b + 1\n    print(f"{b}")\n    return b\ny = f(x)',
            _HEAD + "    b = a * 2\n    b = b + 1\n    return b\ny = f(x)\nprint(f\"{y}\")",
            "y.shape == (2, 3)", is_fixed=False,
        ),
        Example(
            "def f(a: mx.array):\n    return a / float(a.sum())\ny = mx.vmap(f)(x)",
            "def f(a: mx.array):\n    return a / a.sum()\ny = mx.vmap(f)(x)",
            "y.shape == (2, 3)", is_fixed=False,
        ),
        Example(
            _LOSS + _STEP + "    mx.eval(model.parameters(), optimizer.state)\n    return loss\ny = step(x)",
            _LOSS + _STEP + "    return loss\ny = step(x)\nmx.eval(model.parameters(), optimizer.state)",
            "y.shape == ()", is_fixed=False,
        ),
        Example(
            _LOSS + _STEP + "    print(loss.item())\n    return loss\ny = step(x)",
            _LOSS + _STEP + "    return loss\ny = step(x)\nprint(y.item())",
            "y.shape == ()", is_fixed=False,
        ),
    ),
)  # fmt: skip
def eval_in_compile(context: RuleContext, found: Call | Node) -> Iterator[Finding]:
    """Find evaluations of arrays inside traced functions, where arrays have no values."""
    node = found.node if isinstance(found, Call) else found
    function = up_to(node, "function_definition", "lambda")
    state = has_no_values(context, function)
    if function is None or not state:
        return
    tracer = Tracer(context, function)
    if not isinstance(found, Call):
        is_raised = up_to(node, "raise_statement", "assert_statement") is not None
        if not is_raised and any(map(tracer.is_traced, node.named_children[:1])):
            yield Finding(node, f"Inside a {state} function arrays have no values, so this raises when it is traced.")
        return
    evaluated = _evaluated(context, found)
    if any(map(tracer.holds_traced, evaluated)):
        yield Finding(
            node, f"Inside a {state} function arrays have no values, so `{found.name}` raises when it is traced. Move "
            "it out: return the array, and evaluate it outside.",
        )  # fmt: skip
    elif found.name in ("eval", "async_eval") and any(_is_state(context, tracer, function, one) for one in evaluated):
        yield Finding(
            node, f"Inside a {state} function arrays have no values, and what it updates has none either: "
            f"`{found.name}` raises when it is traced. Move it out, behind the call.",
        )  # fmt: skip


def _evaluated(context: RuleContext, call: Call) -> list[Node]:
    """Return what a call evaluates: the array of a method, the arguments of a function."""
    if call.name in ("item", "tolist"):
        return [call.owner] if call.owner is not None and not call.arguments else []
    name = context.external(call.function) or context.name(call.function)
    if name in _ALL:
        return [*call.arguments, *(value for key in call.keywords if (value := call.value(key)) is not None)]
    return list(call.arguments[:1]) if name in _PYTHON else []


def _is_state(context: RuleContext, tracer: Tracer, function: Node, node: Node) -> bool:
    """Return whether an expression is the state of a model or optimizer whose arrays have no values at that place.

    They have none if what compiles the function names the state in ``inputs``, or if it was updated before.
    """
    if node.type in ("list", "tuple"):
        return any(_is_state(context, tracer, function, one) for one in node.named_children)
    owner = _STATE.sub("", text_of(node))
    if owner == text_of(node) and node.type != "identifier":
        return False
    if re.search(rf"(?<![\w.]){re.escape(owner)}\.state\b", _inputs(context, function)):
        return True
    for found in within(field(function, "body"), "call"):
        call = call_of(found)
        if call is None or call.name != "update" or len(call.arguments) != 2 or found.end_byte > node.start_byte:
            continue
        is_update = context.is_a(call.owner, "mlx.optimizers.Optimizer")
        names = {text_of(one) for one in (call.owner, call.arguments[0]) if one is not None}
        if is_update and owner in names and tracer.is_traced(call.arguments[1]) and _runs_before(found, node):
            return True
    return False


def _runs_before(one: Node, other: Node) -> bool:
    """Return whether an earlier expression has run whenever a later one runs: no branch of its own around it."""
    branch = up_to(one, "if_statement", "for_statement", "while_statement", "try_statement", "match_statement")
    return branch is None or branch.end_byte >= other.end_byte


def _inputs(context: RuleContext, function: Node) -> str:
    """Return the text of what a function is compiled with as ``inputs``, through one name, or ""."""
    call = call_of(compiler(context, function))
    given = call.value("inputs") if call is not None else None
    return text_of(outer_value(context, given) or given) if given is not None else ""


RULES = (eval_in_compile,)
