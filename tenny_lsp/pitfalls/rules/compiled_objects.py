"""Objects given to compiled functions, which take arrays, numbers and texts."""

from collections.abc import Iterator

from tenny_lsp.inference.definitions import decorators
from tenny_lsp.inference.meaning import Api, Instance, LocalClass, LocalFunction, is_of
from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.numpy_values import is_numpy_array
from tenny_lsp.pitfalls.rule import USAGE, Example, Finding, rule
from tenny_lsp.pitfalls.traced import outer_value
from tenny_lsp.pitfalls.tracing import compiler
from tenny_lsp.source.syntax import Node, text_of

_CONFIG = "class Config:\n    step = 0.5\n"
_MOVE = "@mx.compile\ndef move(a, config):\n    return a * config.step\n"
_STEP = "@mx.compile\ndef move(a, step):\n    return a * step\n"


@rule(
    "compiled-object",
    "error",
    "An object as an argument of a compiled function",
    USAGE + "compile.html",
    calls=("*",),
    words=("compile",),
    examples=(
        Example(f"{_CONFIG}{_MOVE}y = move(x, Config())", f"{_CONFIG}{_STEP}y = move(x, Config().step)",
                "y.shape == (2, 3)", is_fixed=False),
        Example(f"{_CONFIG}{_MOVE}config = Config()\ny = move(x, config=config)",
                f"{_CONFIG}{_STEP}config = Config()\ny = move(x, step=config.step)", "y.shape == (2, 3)",
                is_fixed=False),
        Example("f = mx.compile(lambda a, dtype: a.astype(dtype))\ny = f(x, mx.float16)",
                "f = mx.compile(lambda a: a.astype(mx.float16))\ny = f(x)", "y.dtype == mx.float16", is_fixed=False),
        Example("@mx.compile\ndef f(a, act):\n    return act(a)\ny = f(x, lambda a: a * 2)",
                "@mx.compile\ndef f(a):\n    return a * 2\ny = f(x)", "y.shape == (2, 3)", is_fixed=False),
        Example("@mx.compile\ndef f(a, b):\n    return a + b\ny = f(x, np.ones((2, 3)))",
                "@mx.compile\ndef f(a, b):\n    return a + b\ny = f(x, mx.array(np.ones((2, 3))))",
                "y.shape == (2, 3)", is_fixed=False),
    ),
)  # fmt: skip
def compiled_object(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find objects, functions, dtypes and NumPy's arrays given to compiled functions, which refuse them."""
    if call.function.type not in ("identifier", "call"):
        return
    if call.function.type == "identifier" and not call.arguments and not call.keywords:
        return
    if not _is_compiled(context, call):
        return
    given = [*call.arguments, *(call.value(name) for name in call.keywords)]
    for one in given:
        what = _refused(context, one) if one is not None else ""
        if one is not None and what and not is_guarded(context, call.node, ("ValueError",)):
            yield Finding(
                one, f"A compiled function takes arrays, numbers, texts, and lists, tuples and dicts of them; `"
                f"{text_of(one)}` is {what}, and raises. Give it what it needs of that, or read it from outside.",
            )  # fmt: skip


def _is_compiled(context: RuleContext, call: Call) -> bool:
    """Return whether what is called is a function that ``mx.compile`` has made, of the file and bound once."""
    made = call_of(call.function) or call_of(outer_value(context, call.function))
    if made is not None:
        return context.name(made.function) == "mlx.core.compile"
    if call.function.type != "identifier":
        return False
    scope = next((one for one in context.scopes_around(call.function) if call.name in one.bindings), None)
    bindings = scope.bindings[call.name] if scope is not None else []
    function = bindings[0].definition if len(bindings) == 1 else None
    if function is None or function.type != "function_definition" or len(decorators(function)) != 1:
        return False
    return compiler(context, function) in decorators(function)


def _refused(context: RuleContext, node: Node) -> str:
    """Return what an argument is that is refused; empty where that is not certain."""
    if node.type == "lambda":
        return "a function"
    if is_numpy_array(context, node):
        return "an array of NumPy's"
    if node.type not in ("identifier", "call", "attribute"):
        return ""
    meaning = context.meaning(node)
    if is_of(meaning, "mlx.core.Dtype"):
        return "a dtype"
    if isinstance(meaning, LocalFunction) or (isinstance(meaning, Api) and meaning.entry.kind == "function"):
        return "a function"
    if not isinstance(meaning, Instance) or not isinstance(meaning.of, LocalClass) or not meaning.is_exact:
        return ""
    is_plain = all(isinstance(one, LocalClass) for one in context.lineage(meaning.of))
    return "an object" if is_plain else ""


RULES = (compiled_object,)
