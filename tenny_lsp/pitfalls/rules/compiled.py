"""Code that raises, or runs only once, inside a function that MLX traces: compile and vmap."""

from collections.abc import Iterator

from tenny_lsp.inference.definitions import class_of, decorators
from tenny_lsp.pitfalls.calls import Call, call_of, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.rule import USAGE, Example, Finding, rule
from tenny_lsp.pitfalls.tracing import compiler, has_no_values, is_traced
from tenny_lsp.source.syntax import Node, field, text_of, up_to

_COMPILE = USAGE + "compile.html"
_HEAD = "@mx.compile\ndef f(a: mx.array):\n"


@rule(
    "eval-in-compile",
    "error",
    "Evaluating inside a compiled function",
    _COMPILE,
    calls=("eval", "item", "tolist", "print", "float", "int", "bool", "array", "asarray"),
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
            "def f(a: mx.array):\n    return a / float(a.sum())\ny = mx.vmap(f)(x)",
            "def f(a: mx.array):\n    return a / a.sum()\ny = mx.vmap(f)(x)",
            "y.shape == (2, 3)", is_fixed=False,
        ),
    ),
)  # fmt: skip
def eval_in_compile(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find evaluations of arrays inside traced functions, where arrays have no values."""
    function = up_to(call.node, "function_definition", "lambda")
    state = has_no_values(context, function)
    if function is None or not state:
        return
    array = call.owner if call.name in ("item", "tolist") else next(iter(call.arguments), None)
    if array is None or not context.is_array(array) or not is_traced(context, array, function):
        return
    is_python = context.external(call.function) in (call.name, f"numpy.{call.name}")
    if is_python or context.name(call.function) in ("mlx.core.eval", f"mlx.core.array.{call.name}"):
        yield Finding(
            call.node, f"Inside a {state} function arrays have no values, so `{call.name}` raises when it is traced. "
            "Return the array, and evaluate it outside.",
        )  # fmt: skip


@rule(
    "branch-in-compile",
    "error",
    "A branch on an array inside a compiled function",
    USAGE + "lazy_evaluation.html",
    kinds=("if_statement", "while_statement", "conditional_expression", "elif_clause"),
    examples=(
        Example(
            _HEAD + "    if a.sum() > 0:\n        return a\n    return -a\ny = f(x)",
            _HEAD + "    return mx.where(a.sum() > 0, a, -a)\ny = f(x)",
            "y.tolist() == x.tolist()",
            is_fixed=False,
        ),
        Example(
            "def f(a: mx.array):\n    return a if a.sum() > 0 else -a\nf = mx.compile(f)\ny = f(x)",
            "def f(a: mx.array):\n    return mx.where(a.sum() > 0, a, -a)\nf = mx.compile(f)\ny = f(x)",
            "y.tolist() == x.tolist()",
            is_fixed=False,
        ),
    ),
)
def branch_in_compile(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find conditions on arrays inside traced functions, where arrays have no values."""
    function = up_to(node, "function_definition", "lambda")
    state = has_no_values(context, function)
    if function is None or not state:
        return
    condition = node.named_children[1] if node.type == "conditional_expression" else field(node, "condition")
    if condition is not None and context.is_array(condition) and is_traced(context, condition, function):
        yield Finding(
            condition, f"Inside a {state} function arrays have no values, so a branch on one raises when it is traced. "
            "`mx.where(condition, a, b)` chooses among arrays.",
        )  # fmt: skip


@rule(
    "random-in-compile",
    "warning",
    "Random numbers inside a compiled function",
    _COMPILE,
    kinds=("function_definition",),
    examples=(
        Example(
            "@mx.compile\ndef f(a):\n    return a + mx.random.uniform(shape=(1,))\ny = f(x)[0, 0] != f(x)[0, 0]",
            "@partial(mx.compile, inputs=mx.random.state, outputs=mx.random.state)\ndef f(a):\n"
            "    return a + mx.random.uniform(shape=(1,))\ny = f(x)[0, 0] != f(x)[0, 0]",
            "y.item()",
            "wrong",
        ),
    ),
)
def random_in_compile(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find random numbers without a key in functions compiled without the generator's state."""
    decorator = compiler(context, node) if context.file.mentions("random") else None
    if decorator is None or "inputs" in text_of(decorator):
        return
    for found in within(field(node, "body"), "call"):
        call = call_of(found)
        name = context.name(call.function) if call is not None else ""
        is_drawn = (
            name.startswith("mlx.core.random.") and call is not None and call.name not in ("seed", "key", "split")
        )
        if call is None or not is_drawn or "key" in call.keywords or not call.is_whole:
            continue
        mx, partial = context.alias("mlx.core", node), context.alias("functools.partial", node)
        text = f"{partial}({mx}.compile, inputs={mx}.random.state, outputs={mx}.random.state)"
        is_plain = decorator.type != "call"
        fixes = (
            (Fix("Compile with the state", (replaced(decorator, text),), is_safe=False),)
            if partial and is_plain
            else ()
        )
        yield Finding(
            call.function, "A compiled function draws its random numbers once: every call gives the same. Compile it "
            "with `inputs=mx.random.state, outputs=mx.random.state`, or pass a `key`.", fixes,
        )  # fmt: skip
        return


@rule(
    "compiled-method",
    "error",
    "`@mx.compile` on a method",
    _COMPILE,
    kinds=("function_definition",),
    examples=(
        Example(
            "class K:\n    @mx.compile\n    def f(self, a):\n        return a + 1\ny = K().f(x)",
            "class K:\n    def __init__(self):\n        self.f = mx.compile(self._f)\n"
            "    def _f(self, a):\n        return a + 1\ny = K().f(x)",
            "y.shape == (2, 3)",
            is_fixed=False,
        ),
    ),
)
def compiled_method(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find methods compiled by decorator: what compile returns is not bound to the instance."""
    decorator = compiler(context, node) if class_of(node) is not None else None
    is_static = any(text_of(other) in ("staticmethod", "classmethod") for other in decorators(node))
    if decorator is not None and decorator in decorators(node) and not is_static:
        yield Finding(
            decorator, "What `mx.compile` returns is no method: it is called without `self`. Compile in `__init__`: "
            "`self.f = mx.compile(self._f)`.",
        )  # fmt: skip


@rule(
    "leaked-tracer",
    "error",
    "An array put aside inside a compiled function",
    _COMPILE,
    calls=("append",),
    examples=(
        Example(
            "kept = []\n" + _HEAD + "    b = a * 2\n    kept.append(b)\n    return b + 1\nf(x)\ny = kept[0] + 1",
            _HEAD + "    b = a * 2\n    return b + 1, b\n_, b = f(x)\ny = b + 1",
            "y.shape == (2, 3)",
            is_fixed=False,
        ),
    ),
)
def leaked_tracer(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find arrays appended to a list outside a compiled function."""
    function = up_to(call.node, "function_definition", "lambda")
    if function is None or compiler(context, function) is None or call.owner is None or len(call.arguments) != 1:
        return
    is_outside = call.owner.type == "identifier" and text_of(call.owner) not in context.bindings_in(function)
    if is_outside and context.is_array(call.arguments[0]) and is_traced(context, call.arguments[0], function):
        yield Finding(
            call.node, "This happens once, while the function is traced, and what is kept has no value. Return the "
            "array instead.",
        )  # fmt: skip


@rule(
    "compile-in-loop",
    "warning",
    "`mx.compile` inside a loop",
    _COMPILE,
    calls=("compile",),
    examples=(
        Example(
            "for _ in range(2):\n    y = mx.compile(lambda a: a + 1)(x)",
            "f = mx.compile(lambda a: a + 1)\nfor _ in range(2):\n    y = f(x)",
            "y.shape == (2, 3)",
            "slow",
            is_fixed=False,
        ),
    ),
)
def compile_in_loop(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find lambdas that are compiled anew in every turn of a loop."""
    # Under an `if` it may well happen once only.
    outer = up_to(call.node, "for_statement", "while_statement", "if_statement", "function_definition", "lambda")
    body = field(outer, "body") if outer is not None and outer.type in ("for_statement", "while_statement") else None
    if body is None or call.node.start_byte < body.start_byte or not call.arguments:
        return
    if call.arguments[0].type == "lambda" and context.name(call.function) == "mlx.core.compile":
        yield Finding(call.node, "Each turn of the loop compiles this anew; compile once, before the loop.")


RULES = (compile_in_loop, eval_in_compile, branch_in_compile, random_in_compile, compiled_method, leaked_tracer)
