"""Code that raises, or runs only once, inside a function that MLX traces: compile and vmap."""

from collections.abc import Iterator

from tenny_lsp.inference.definitions import class_of, decorators
from tenny_lsp.pitfalls.calls import Call, call_of, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, inserted, replaced
from tenny_lsp.pitfalls.rule import USAGE, Example, Finding, rule
from tenny_lsp.pitfalls.traced import Tracer, outer_value
from tenny_lsp.pitfalls.tracing import compiler, has_no_values
from tenny_lsp.source.syntax import Node, field, text_of, up_to

_COMPILE = USAGE + "compile.html"
_HEAD = "@mx.compile\ndef f(a: mx.array):\n"


@rule(
    "branch-in-compile",
    "error",
    "A branch on an array inside a compiled function",
    USAGE + "lazy_evaluation.html",
    kinds=("if_statement", "while_statement", "conditional_expression", "elif_clause"),
    words=("compile", "vmap"),
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
    if condition is not None and context.is_array(condition) and Tracer(context, function).is_traced(condition):
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
    drawn = _drawn(context, node) if decorator is not None and not _has_state(decorator) else None
    if decorator is None or drawn is None:
        return
    mx, partial = context.alias("mlx.core", node), context.alias("functools.partial", node)
    text = f"{partial}({mx}.compile, inputs={mx}.random.state, outputs={mx}.random.state)"
    is_plain = decorator.type != "call"
    fixes = (
        (Fix("Compile with the state", (replaced(decorator, text),), is_safe=False),) if partial and is_plain else ()
    )
    yield Finding(
        drawn, "A compiled function draws its random numbers once: every call gives the same. Compile it "
        "with `inputs=mx.random.state, outputs=mx.random.state`, or pass a `key`.", fixes,
    )  # fmt: skip


def _has_state(decorator: Node) -> bool:
    """Return whether a function may be compiled with state: by name, by place, or in what is unpacked."""
    call = call_of(decorator)
    return call is not None and ("inputs" in text_of(decorator) or len(call.arguments) > 1 or not call.is_whole)


def _drawn(context: RuleContext, function: Node) -> Node | None:
    """Return the first call in a function that draws random numbers from the generator's state."""
    for found in within(field(function, "body"), "call"):
        call = call_of(found)
        name = context.name(call.function) if call is not None else ""
        if call is None or not name.startswith("mlx.core.random.") or call.name in ("seed", "key", "split"):
            continue
        if "key" not in call.keywords and call.is_whole:
            return call.function
    return None


_RANDOM = "def f(a):\n    return a + mx.random.uniform(shape=(1,))\ny = f(x)[0, 0] != f(x)[0, 0]"


@rule(
    "random-state-outputs",
    "error",
    "The random state as `inputs` of a compiled function alone",
    _COMPILE,
    kinds=("function_definition",),
    examples=(
        Example(
            f"@partial(mx.compile, inputs=mx.random.state)\n{_RANDOM}",
            f"@partial(mx.compile, inputs=mx.random.state, outputs=mx.random.state)\n{_RANDOM}",
            "y.item()",
        ),
        Example(
            f"state = [mx.random.state]\n@partial(mx.compile, inputs=state)\n{_RANDOM}",
            f"state = [mx.random.state]\n@partial(mx.compile, inputs=state, outputs=state)\n{_RANDOM}",
            "y.item()",
        ),
    ),
)
def random_state_outputs(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find functions compiled with the random state as inputs and not as outputs: it is left without a value."""
    decorator = compiler(context, node) if context.file.mentions("random.state") else None
    call = call_of(decorator)
    given = call.value("inputs") if call is not None else None
    if call is None or given is None or "outputs" in call.keywords or not call.is_whole or len(call.arguments) > 2:
        return
    if "random.state" not in text_of(outer_value(context, given) or given) or _drawn(context, node) is None:
        return
    keyword = call.keywords["inputs"]
    fix = Fix("Name it as outputs too", (inserted(keyword.end_byte, f", outputs={text_of(given)}"),), is_safe=False)
    yield Finding(
        keyword, "Drawing random numbers changes their state, and a compiled function changes only what `outputs` "
        "names: the next draw raises. Give `outputs` too.", (fix,),
    )  # fmt: skip


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
    if is_outside and context.is_array(call.arguments[0]) and Tracer(context, function).is_traced(call.arguments[0]):
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


RULES = (compile_in_loop, branch_in_compile, random_in_compile, random_state_outputs, compiled_method, leaked_tracer)
