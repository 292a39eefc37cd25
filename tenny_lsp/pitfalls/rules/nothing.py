"""What returns nothing, and is used as if it returned what it was given."""

import builtins
from collections.abc import Iterator
from functools import partial

from tenny_lsp.pitfalls.calls import Call, all_within, function_around
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Edit, Fix, indentation_of, inserted, is_alone, replaced
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.origins import last_value
from tenny_lsp.pitfalls.rule import USAGE, Example, Finding, Search, rule
from tenny_lsp.pitfalls.signatures import bound_entry
from tenny_lsp.source.syntax import Node, field, text_of

_EVALUATE = {"mlx.core.eval", "mlx.core.async_eval"}
#: What returns None; checked by running it.
_NOTHING = {
    *_EVALUATE, "mlx.core.synchronize", "mlx.core.random.seed", "mlx.core.clear_cache", "mlx.core.reset_peak_memory",
    "mlx.core.save", "mlx.core.savez", "mlx.core.save_safetensors", "mlx.core.save_gguf", "mlx.nn.quantize",
    "mlx.nn.Module.set_dtype", "mlx.nn.Module.save_weights", "mlx.optimizers.Optimizer.update",
    "mlx.optimizers.Optimizer.init",
}  # fmt: skip
_GRADS = "grads = model.parameters()\n"


@rule(
    "none-result",
    "error",
    "The result of what returns nothing",
    USAGE + "lazy_evaluation.html",
    scope="file",
    calls=tuple(sorted({name.rpartition(".")[2] for name in _NOTHING})),
    examples=(
        Example("h = mx.eval(model(x))\ny = h.shape", "h = model(x)\nmx.eval(h)\ny = h.shape", "y == (2, 2)"),
        Example("def f(a):\n    out = mx.eval(a * 2)\n    return out + 1\ny = f(x)",
                "def f(a):\n    out = a * 2\n    mx.eval(out)\n    return out + 1\ny = f(x)", "y.shape == (2, 3)"),
        Example("y = mx.eval(model(x)).tolist()", "y = model(x).tolist()", "len(y) == 2"),
        Example("y = np.array(mx.eval(model(x))).shape", "y = np.array(model(x)).shape", "y == (2, 2)", "wrong"),
        Example("net = nn.Sequential(nn.Linear(64, 64))\nnet = nn.quantize(net)\ny = net(mx.zeros((2, 64)))",
                "net = nn.Sequential(nn.Linear(64, 64))\nnn.quantize(net)\ny = net(mx.zeros((2, 64)))",
                "y.shape == (2, 64)"),
        Example("model = model.set_dtype(mx.float16)\ny = model(x)", "model.set_dtype(mx.float16)\ny = model(x)",
                "y.shape == (2, 2)"),
        Example(f"{_GRADS}model = optimizer.update(model, grads)\ny = model(x)",
                f"{_GRADS}optimizer.update(model, grads)\ny = model(x)", "y.shape == (2, 2)"),
        Example("state = optimizer.init(model.parameters())\ny = list(state)",
                "optimizer.init(model.parameters())\ny = list(optimizer.state)", "'step' in y", is_fixed=False),
    ),
)  # fmt: skip
def none_result(context: RuleContext, call: Call) -> Search | None:
    """Find results of ``mx.eval``, of updates and of other functions that return None, which something uses."""
    outer = call.node.parent
    if outer is None or outer.type in ("expression_statement", "return_statement", "lambda", "await"):
        return None
    is_assigned = outer.type == "assignment" and field(outer, "right") == call.node
    is_used = is_assigned or outer.type in ("attribute", "subscript", "binary_operator", "argument_list")
    if not is_used or _name(context, call) not in _NOTHING or is_guarded(context, call.node):
        return None
    if not is_assigned and not _is_wanted(context, call.node, outer):
        return None
    return partial(_used, context, call, outer if is_assigned else None)


def _name(context: RuleContext, call: Call) -> str:
    """Return the full name of what is certain to be called, and not of what a subclass makes of it."""
    entry = bound_entry(context, call)
    if entry is None and call.owner is not None and call.owner.type == "identifier":  # assigned anew by this very call
        is_made = context.is_made(last_value(context, call.owner))
        entry = context.entry(call.function) if is_made else None
    return entry.name if entry is not None else ""


def _is_wanted(context: RuleContext, node: Node, outer: Node) -> bool:
    """Return whether a value is asked for a member, an item or a sum, or given to Python's, NumPy's or MLX's."""
    if outer.type == "attribute":
        return field(outer, "object") == node
    if outer.type == "subscript":
        return field(outer, "value") == node
    if outer.type == "binary_operator":
        return True
    called = field(outer.parent, "function")
    external = context.external(called)
    return external.startswith("numpy.") or hasattr(builtins, external) or context.name(called).startswith("mlx.core.")


def _used(context: RuleContext, call: Call, assignment: Node | None, whole: Node) -> Iterator[Finding]:
    """Report a result of None: where it stands in an expression, or where a name that it is assigned is read."""
    if assignment is not None and not _is_read(context, call, assignment, whole):
        return
    name = _name(context, call)
    short = f"`{text_of(call.function)}`"
    given = f"`{text_of(call.arguments[0])}`" if len(call.arguments) == 1 else "its arguments"
    rest = f"it evaluates {given} in place" if name in _EVALUATE else "what it changes, it changes in place"
    fixes = tuple(fix for fix in (_fix(call, name, assignment),) if fix is not None)
    if name in ("mlx.core.random.seed", "mlx.core.synchronize") or ".save" in name:
        yield Finding(call.node, f"{short} returns None, and that is used here.", fixes)
    else:
        yield Finding(call.node, f"{short} returns None: {rest}.", fixes)


def _is_read(context: RuleContext, call: Call, assignment: Node, whole: Node) -> bool:
    """Return whether a name is read that certainly has this result, or has been what is changed in place."""
    target = field(assignment, "left")
    if target is None or target.type != "identifier" or text_of(target).startswith("_"):
        return False
    name = text_of(target)
    if name in (text_of(one) for one in (*call.arguments, *([call.owner] if call.owner is not None else []))):
        return True
    reads = [one for one in all_within(function_around(call.node) or whole, "identifier") if text_of(one) == name]
    certain = [one for one in reads if one != target and last_value(context, one) == call.node]
    return bool(certain) and not any(_is_tested(one) for one in certain)


def _is_tested(name: Node) -> bool:
    outer = name.parent
    return outer is not None and outer.type in ("comparison_operator", "if_statement", "boolean_operator", "call")


def _fix(call: Call, name: str, assignment: Node | None) -> Fix | None:
    """Return the fix: what is evaluated instead of the result, or the call alone where its argument was assigned."""
    only = call.arguments[0] if len(call.arguments) == 1 and call.is_whole and not call.keywords else None
    if assignment is None:
        is_evaluated = only is not None and name in _EVALUATE
        return Fix("Use what is evaluated", (replaced(call.node, text_of(only)),)) if only and is_evaluated else None
    target, statement = field(assignment, "left"), assignment.parent
    if target is None or statement is None or statement.type != "expression_statement":
        return None
    if name in _EVALUATE and only is not None and is_alone(statement):
        evaluated = f"\n{indentation_of(statement)}{text_of(call.function)}({text_of(target)})"
        edits = (replaced(call.node, text_of(only)), inserted(statement.end_byte, evaluated))
        return Fix("Evaluate it afterwards", edits)
    words = map(text_of, (*call.arguments[:1], *([call.owner] if call.owner is not None else [])))
    if text_of(target) in words:
        return Fix("Leave the name as it is", (Edit(assignment.start_byte, call.node.start_byte, ""),))
    return None


RULES = (none_result,)
