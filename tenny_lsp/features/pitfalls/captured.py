"""What a compiled function or a gradient does not see: state, values that change, and what NumPy does."""

from collections.abc import Callable, Iterator

from tenny_lsp.features.pitfalls.calls import Call, call_of, function_around, replaced, within
from tenny_lsp.features.pitfalls.rule import USAGE, Example, Finding, Fix, rule
from tenny_lsp.features.pitfalls.script import Script
from tenny_lsp.features.pitfalls.tracing import compiler
from tenny_lsp.source.meaning import External
from tenny_lsp.source.scope import Binding
from tenny_lsp.source.syntax import Node, field, text_of

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
def update_in_compile(script: Script, call: Call) -> Iterator[Finding]:
    """Finds updates of a model by an optimizer in functions compiled without ``outputs``."""
    function = function_around(call.node)
    decorator = compiler(script, function)
    if function is None or decorator is None or "outputs" in text_of(decorator) or len(call.arguments) != 2:
        return
    if call.owner is None or not script.is_a(call.owner, "mlx.optimizers.Optimizer"):
        return
    model, optimizer = text_of(call.arguments[0]), text_of(call.owner)
    state = f"[{model}.state, {optimizer}.state]"
    mx, partial = script.alias("mlx.core", function), script.alias("functools.partial", function)
    own = script.buffer.bindings_in(function)
    is_outside = not {model.partition(".")[0], optimizer.partition(".")[0]} & own.keys()
    fixes: tuple[Fix, ...] = ()
    if mx and partial and is_outside and text_of(decorator) == f"{mx}.compile":
        text = f"{partial}({mx}.compile, inputs={state}, outputs={state})"
        fixes = (Fix("Compile with the state", (replaced(decorator, text),), is_safe=False),)
    yield Finding(
        call.node, "A compiled function changes only what it returns or names: evaluating the model afterwards raises. "
        f"Compile it with `inputs=state, outputs=state`, where `state = {state}`.", fixes,
    )  # fmt: skip


@rule(
    "frozen-array",
    "warning",
    "An array that a compiled function reads and that is replaced later",
    _COMPILE,
    kinds=("function_definition",),
    examples=(
        Example(
            _SCALED, _SCALED.replace("(a)", "(a, scale)").replace("f(x)", "f(x, scale)"), "y[0, 1].item() == 3",
            "wrong", is_fixed=False,
        ),
    ),
)  # fmt: skip
def frozen_array(script: Script, node: Node) -> Iterator[Finding]:
    """Finds arrays of the module that are assigned anew between two calls of a compiled function that reads them."""
    decorator, name = compiler(script, node), field(node, "name")
    if decorator is None or name is None or "inputs" in text_of(decorator) or node.parent is None:
        return
    outer = script.buffer.bindings_in(script.buffer.root)
    if not any(binding.definition == node for binding in outer.get(text_of(name), ())):
        return
    own, seen = script.buffer.bindings_in(node), set[str]()
    for read in within(field(node, "body"), "identifier"):
        word = text_of(read)
        if word in seen or word in own or len(outer.get(word, ())) < 2 or read.parent is None:
            continue
        seen.add(word)
        if _is_replaced(script, outer[word], text_of(name)) and all(
            binding.value is not None and not binding.steps and script.is_array(binding.value)
            for binding in outer[word]
        ):
            yield Finding(
                read, f"`{word}` is read when `{text_of(name)}` is traced, and stays what it was then although it is "
                "assigned anew. Make it a parameter, or name it in `inputs`.",
            )  # fmt: skip


def _is_replaced(script: Script, bindings: list[Binding], function: str) -> bool:
    """Tells whether a function is called both before and after a name is given another value."""
    called = [
        node.start_byte
        for node in within(script.buffer.root, "call")
        if text_of(field(node, "function") or node) == function
    ]
    return any(min(called) < binding.position < max(called) for binding in bindings[1:]) if called else False


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
    ),
)
def numpy_in_gradient(script: Script, node: Node) -> Iterator[Finding]:
    """Finds results that come out of NumPy: to MLX they are constants, and their gradient is nothing."""
    function = function_around(node) if script.mentions("numpy") else None
    name = field(function, "name")
    transform = script.gradients.get(text_of(name)) if name is not None else None
    if function is None or transform is None or "argnums" in transform.keywords or "argnames" in transform.keywords:
        return
    differentiated = _differentiated(function, transform)
    parts = list(_behind(script, node, lambda part: _numpy_call(script, part) is not None))
    if any(part.type == "identifier" and text_of(part) == differentiated for part in parts):
        return  # there is a gradient beside NumPy, and NumPy may choose what it is of: a mask, an order
    for part in parts:
        call = _numpy_call(script, part)
        for argument in call.arguments if call is not None else ():
            reads = {text_of(one) for one in _behind(script, argument) if one.type == "identifier"}
            if differentiated in reads and script.is_array(argument):
                yield Finding(
                    part, "NumPy's results are constants to MLX: no gradient flows through them, it is 0. Use "
                    f"MLX's own functions in `{text_of(name or function)}`.",
                )  # fmt: skip
                return


def _numpy_call(script: Script, node: Node) -> Call | None:
    call = call_of(node) if node.type == "call" else None
    meaning = script.reader.meaning(call.function) if call is not None else None
    return call if isinstance(meaning, External) and meaning.name.startswith("numpy.") else None


def _differentiated(function: Node, transform: Call) -> str:
    """Returns the name whose gradient is taken: the model of ``nn.value_and_grad``, otherwise what is given first."""
    if len(transform.arguments) == 2:
        return text_of(transform.arguments[0])
    parameters = (field(function, "parameters") or function).named_children
    first = parameters[0] if parameters else function
    return text_of(first if first.type == "identifier" else first.named_children[0])


def _behind(script: Script, node: Node, is_end: Callable[[Node], bool] = lambda _: False) -> Iterator[Node]:
    """Yields an expression's parts, and those of what its names are assigned, but for what says no more of a value.

    What is an end is not gone into.
    """
    waiting, seen = [node], set[int]()
    while waiting:
        part = waiting.pop()
        if part.id in seen:
            continue
        seen.add(part.id)
        yield part
        if is_end(part):
            continue
        value = script.value_of(part) if part.type == "identifier" else None
        if value is not None and value != part:
            waiting.append(value)
        elif part.type == "attribute" and text_of(part.named_children[-1]) in ("shape", "ndim", "size", "dtype"):
            continue
        elif part.type == "keyword_argument":
            waiting += part.named_children[1:]
        else:
            waiting += part.named_children


RULES = (update_in_compile, frozen_array, numpy_in_gradient)
