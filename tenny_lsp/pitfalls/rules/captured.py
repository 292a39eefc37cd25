"""State, changing arrays and NumPy's results, which compiled functions and gradients do not track."""

import re
from collections.abc import Iterator
from functools import partial

from tenny_lsp.inference.definitions import decorators
from tenny_lsp.inference.meaning import NUMBERS
from tenny_lsp.pitfalls.calls import Call, call_of, function_around, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.rule import USAGE, Example, Finding, Search, rule
from tenny_lsp.pitfalls.tracing import behind, compiler
from tenny_lsp.source.scope import Binding, Span
from tenny_lsp.source.syntax import Node, field, text_of, up_to

_COMPILE = USAGE + "compile.html"
_LOSS = "loss_and_grad = nn.value_and_grad(model, lambda x: model(x).sum())\n"
_STEP = "def step(x):\n    loss, grads = loss_and_grad(x)\n    optimizer.update(model, grads)\n    return loss\n"
_TWICE = "y = step(x)\ny = step(x)\nmx.eval(model.parameters())"
_STATE = "[model.state, optimizer.state]"
_SCALED = (
    "scale = mx.array(2.0)\n@mx.compile\ndef f(a):\n    return a * scale\ny = f(x)\nscale = mx.array(3.0)\ny = f(x)"
)


@rule(
    "update-in-compile",
    "error",
    "An update inside a compiled function that does not name its state",
    _COMPILE,
    calls=("update",),
    examples=(
        Example(
            _LOSS + "@mx.compile\n" + _STEP + _TWICE,
            _LOSS + f"@partial(mx.compile, inputs={_STATE}, outputs={_STATE})\n" + _STEP + _TWICE,
            "optimizer.step.item() == 2",
        ),
    ),
)
def update_in_compile(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find updates of a model by an optimizer in functions compiled without ``outputs``."""
    function = function_around(call.node)
    decorator = compiler(context, function)
    if function is None or decorator is None or len(call.arguments) != 2 or _names_state(decorator):
        return
    if re.search(r"\.update\(|\.state\s*=", text_of(function).replace(text_of(call.node), "")):
        return  # state that is passed in and out
    if call.owner is None or not context.is_a(call.owner, "mlx.optimizers.Optimizer"):
        return
    model, optimizer = text_of(call.arguments[0]), text_of(call.owner)
    state = f"[{model}.state, {optimizer}.state]"
    mx, apply = context.alias("mlx.core", function), context.alias("functools.partial", function)
    own = context.bindings_in(function)
    is_outside = not {model.partition(".")[0], optimizer.partition(".")[0]} & own.keys()
    fixes: tuple[Fix, ...] = ()
    if mx and apply and is_outside and text_of(decorator) == f"{mx}.compile":
        text = f"{apply}({mx}.compile, inputs={state}, outputs={state})"
        fixes = (Fix("Compile with the state", (replaced(decorator, text),), is_safe=False),)
    yield Finding(
        call.node, "A compiled function changes only what it returns or names: evaluating the model afterwards raises. "
        f"Compile it with `inputs=state, outputs=state`, where `state = {state}`.", fixes,
    )  # fmt: skip


def _names_state(decorator: Node) -> bool:
    """Return whether what compiles a function may be given its outputs, by name, by position or among others."""
    text = text_of(decorator)
    call = call_of(decorator)
    return "outputs" in text or "**" in text or (call is not None and len(call.arguments) > 2)


@rule(
    "frozen-array",
    "warning",
    "An array or a number that a compiled function reads and that is replaced later",
    _COMPILE,
    scope="file",
    kinds=("function_definition",),
    examples=(
        Example(
            _SCALED, _SCALED.replace("(a)", "(a, scale)").replace("f(x)", "f(x, scale)"), "y[0, 1].item() == 3",
            "wrong", is_fixed=False,
        ),
        Example(
            _SCALED.partition("y =")[0] + "for value in (1.0, 3.0):\n    scale = mx.array(value)\n    y = f(x)",
            _SCALED.partition("y =")[0].replace("(a)", "(a, scale)")
            + "for value in (1.0, 3.0):\n    scale = mx.array(value)\n    y = f(x, scale)",
            "y[0, 1].item() == 3", "wrong", is_fixed=False,
        ),
        Example(
            _SCALED.replace("mx.array(2.0)", "2.0").replace("mx.array(3.0)", "3.0"),
            _SCALED.replace("mx.array(2.0)", "2.0").replace("mx.array(3.0)", "3.0").replace("(a)", "(a, scale)")
            .replace("f(x)", "f(x, scale)"),
            "y[0, 1].item() == 3", "wrong", is_fixed=False,
        ),
    ),
)  # fmt: skip
def frozen_array(context: RuleContext, node: Node) -> Search | None:
    """Find reads in a compiled function of arrays and numbers that the module assigns anew between two calls."""
    decorator, name = compiler(context, node), field(node, "name")
    if decorator is None or name is None or re.search(r"inputs|\*\*", text_of(decorator)):
        return None
    outer = context.module_bindings
    if [binding.definition for binding in outer.get(text_of(name), ())] != [node] or decorator not in decorators(node):
        return None
    reads = dict[str, Node]()
    for read in within(field(node, "body"), "identifier"):
        word = text_of(read)
        bindings = outer.get(word, ())
        if word in reads or len(bindings) < 2 or not _is_of_module(context, read):
            continue
        if all(binding.value is not None and not binding.steps for binding in bindings):
            reads[word] = read
    return partial(_replaced_arrays, context, text_of(name), reads) if reads else None


def _replaced_arrays(context: RuleContext, function: str, reads: dict[str, Node], whole: Node) -> Iterator[Finding]:
    """Report arrays that are assigned anew between two calls of a function."""
    for word, read in reads.items():
        bindings = context.module_bindings[word]
        are_arrays = all(context.is_array(one.value) for one in bindings)
        are_numbers = all(context.meaning(one.value) in NUMBERS for one in bindings)
        if (are_arrays or are_numbers) and _is_replaced(whole, bindings, function):
            yield Finding(
                read, f"`{word}` is read when `{function}` is traced, and stays what it was then although it "
                f"is assigned anew. Make it a parameter{', or name it in `inputs`' if are_arrays else ''}.",
            )  # fmt: skip


def _is_of_module(context: RuleContext, name: Node) -> bool:
    """Return whether a name is read and is bound by the module."""
    around = name.parent
    if around is None or (around.type == "keyword_argument" and around.named_children[0] == name):
        return False
    if around.type == "attribute" and around.named_children[-1] == name:
        return False
    scopes = (scope for scope in context.scopes_around(name) if text_of(name) in scope.bindings)
    return (found := next(scopes, None)) is not None and found.node.type == "module"


def _is_replaced(whole: Node, bindings: list[Binding], function: str) -> bool:
    """Return whether a function is called both before and after a name is given another value, as in a loop's turns."""
    called = [node.start_byte for node in within(whole, "call") if text_of(field(node, "function") or node) == function]
    if any(min(called, default=0) < binding.position < max(called, default=0) for binding in bindings[1:]):
        return True
    return any(
        _varies(binding, loop) and place in loop for binding in bindings for loop in binding.loops for place in called
    )


def _varies(binding: Binding, loop: Span) -> bool:
    """Return whether a binding gives its name another value in each turn of a loop: one made of the loop's variable."""
    statement = up_to(binding.value, "for_statement") if binding.value is not None else None
    variable = field(statement, "left") if statement is not None and statement.start_byte == loop.start else None
    words = set(re.findall(r"\w+", text_of(binding.value))) if binding.value is not None else set()
    return variable is not None and not words.isdisjoint(re.findall(r"\w+", text_of(variable)))


@rule(
    "numpy-in-gradient",
    "warning",
    "NumPy in a function whose gradient is taken",
    USAGE + "numpy.html",
    kinds=("return_statement",),
    examples=(
        Example(
            "def f(a: mx.array):\n    return mx.array(np.square(a)).sum()\ny = mx.grad(f)(x)",
            "def f(a: mx.array):\n    return mx.square(a).sum()\ny = mx.grad(f)(x)",
            "y[0, 1].item() == 2",
            "wrong",
            is_fixed=False,
        ),
        Example(
            "def f(a: mx.array):\n    b = np.array(a)**2\n    return mx.array(b).sum()\n_, g = mx.value_and_grad(f)(x)",
            "def f(a: mx.array):\n    b = a**2\n    return b.sum()\n_, g = mx.value_and_grad(f)(x)",
            "g[0, 1].item() == 2",
            "wrong",
            is_fixed=False,
        ),
        Example(
            "def f(model, a):\n    h = np.abs(np.array(model(a)))\n    return mx.array(h).sum()\n"
            "_, g = nn.value_and_grad(model, f)(model, x)",
            "def f(model, a):\n    h = mx.abs(model(a))\n    return h.sum()\n"
            "_, g = nn.value_and_grad(model, f)(model, x)",
            'mx.abs(g["bias"]).sum().item() > 0',
            "wrong",
            is_fixed=False,
        ),
        Example(
            "def f(a):\n    power = mx.array(np.abs(np.fft.rfft(np.array(a))) ** 2)\n    return power.sum()\n"
            "_, g = mx.value_and_grad(f)(x)",
            "def f(a):\n    power = mx.abs(mx.fft.rfft(a)) ** 2\n    return power.sum()\n"
            "_, g = mx.value_and_grad(f)(x)",
            "mx.abs(g).sum().item() > 0",
            "wrong",
            is_fixed=False,
        ),
    ),
)
def numpy_in_gradient(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find results that NumPy computes: to MLX they are constants, and their gradient is zero."""
    function = function_around(node) if context.file.mentions("numpy") else None
    transform = context.file.gradients.get(function.id) if function is not None else None
    if function is None or transform is None or "argnums" in transform.keywords or "argnames" in transform.keywords:
        return
    returned = list(within(field(function, "body"), "return_statement"))
    if function.type == "lambda" or decorators(function) or returned != [node] or not node.named_children:
        return
    result = node.named_children[0]
    if result.type in ("expression_list", "tuple"):  # what is returned beside it has no gradient anyway
        result = result.named_children[0]
    parts = list(behind(context, result, lambda part: _numpy_call(context, part) is not None))
    differentiated = _differentiated(context, function, transform)
    constant = set(_parameters(context, function)) - {differentiated}
    names = [part for part in parts if part.type == "identifier" and text_of(part) not in constant]
    if not all(_carries_nothing(context, part, function) for part in names):
        return  # a gradient beside NumPy's, and NumPy may choose what it is of: a mask, an order
    has_lists = any(part.type in ("list", "list_comprehension") for part in parts)  # more may have been put into them
    for part in parts:
        call = _numpy_call(context, part)
        for argument in call.arguments if call is not None else ():
            reads = {text_of(one) for one in behind(context, argument) if one.type == "identifier"}
            is_array = context.is_array(argument) or (not has_lists and _converts(context, part, differentiated))
            if differentiated in reads and (is_array or _calls(argument, differentiated)):
                yield Finding(
                    part, "NumPy's results are constants to MLX: no gradient flows through them. Use MLX's own "
                    f"functions in `{text_of(field(function, 'name') or function)}`.",
                )  # fmt: skip
                return


def _converts(context: RuleContext, node: Node, name: str) -> bool:
    """Return whether a name is made an array of NumPy's in a node: ``np.fft.rfft(np.array(x))``."""
    calls = (call_of(found) for found in within(node, "call"))
    made = (call for call in calls if call is not None and call.name in ("array", "asarray"))
    return any(
        [text_of(one) for one in call.arguments] == [name] and _numpy_call(context, call.node) is not None
        for call in made
    )


def _calls(node: Node, name: str) -> bool:
    """Return whether a name is called in a node: ``np.array(model(x))``."""
    return any(text_of(field(call, "function") or call) == name for call in within(node, "call"))


def _carries_nothing(context: RuleContext, name: Node, function: Node) -> bool:
    """Return whether a name has no gradient of its own: a module's name, or one whose value is searched too."""
    if text_of(name) in context.bindings_in(function):
        return context.value_of(name) is not None
    return context.is_of_module(name)


def _numpy_call(context: RuleContext, node: Node) -> Call | None:
    call = call_of(node)
    return call if call is not None and context.external(call.function).startswith("numpy.") else None


def _differentiated(context: RuleContext, function: Node, transform: Call) -> str:
    """Return the name that is differentiated: the model of ``nn.value_and_grad``, otherwise the first parameter."""
    if len(transform.arguments) == 2:
        return text_of(transform.arguments[0])
    return next(iter(_parameters(context, function)), "")


def _parameters(context: RuleContext, function: Node) -> list[str]:
    """Return the names of a function's parameters, in their order; not of those that are assigned anew."""
    listed = field(function, "parameters") or function
    found = [bindings[0] for bindings in context.bindings_in(function).values() if len(bindings) == 1]
    given = [binding for binding in found if listed.start_byte < binding.position < listed.end_byte]
    return [binding.name for binding in sorted(given, key=lambda binding: binding.position)]


RULES = (update_in_compile, frozen_array, numpy_in_gradient)
