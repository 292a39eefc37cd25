"""What belongs to one thread and another uses: streams, and arrays that are not evaluated."""

import re
from collections.abc import Iterator
from functools import partial

from tenny_lsp.inference.meaning import LocalFunction
from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, indentation_of, inserted, is_alone, replaced
from tenny_lsp.pitfalls.rule import ISSUES, Example, Finding, Search, rule
from tenny_lsp.source.syntax import Node, every, field, text_of

#: What runs a function in another thread → where that stands among its arguments.
_STARTS = {"threading.Thread": 1, "threading.Timer": 1, "asyncio.to_thread": 0}
_EVALUATES = re.compile(r"\b(?:eval|async_eval|item|tolist|synchronize|print|float|int|array)\(")
_OWN = "mlx.core.new_thread_local_stream"
_MAKES = "from concurrent.futures import ThreadPoolExecutor\ns = mx."
_WORK = (
    "def work():\n    with mx.stream(s):\n        return mx.add(1, 1).item()\n"
    "with ThreadPoolExecutor() as pool:\n    y = pool.submit(work).result()"
)
_POOL = "from concurrent.futures import ThreadPoolExecutor\n"
_LAMBDA = "with ThreadPoolExecutor() as pool:\n    y = pool.submit(lambda: z.sum().item()).result()"
_NET = (
    "def run():\n    return net(mx.array([1.0, 2.0])).item()\n"
    "with ThreadPoolExecutor() as pool:\n    y = pool.submit(run).result()"
)
_LAZY = (
    "it is not evaluated where it is made, and evaluating it belongs to that thread's stream: in another it raises. "
    "`mx.eval` it first."
)
#: How the names of the layers begin whose weights are made by operations.
_WEIGHTED = ("Linear", "Conv", "Embedding", "LSTM", "GRU", "RNN(", "MultiHeadAttention", "Transformer")


@rule(
    "stream-across-threads",
    "error",
    "A stream of one thread used in another",
    ISSUES + "3529",
    scope="file",
    calls=("Thread", "Timer", "submit", "to_thread", "run_in_executor"),
    examples=(
        Example(
            _MAKES + "new_stream(mx.default_device())\n" + _WORK,
            _MAKES + "new_thread_local_stream(mx.default_device())\n" + _WORK,
            "y == 2",
        ),
    ),
)
def stream_across_threads(context: RuleContext, call: Call) -> Search | None:
    """Find functions run in a thread that use a stream made outside them: it exists in its own thread only."""
    if not context.file.mentions("new_stream") or context.index.resolve(_OWN) is None:
        return None
    target = _target(context, call)
    function = context.evaluator.meaning(target) if target is not None else None
    if target is None or not isinstance(function, LocalFunction) or function.home is not context.evaluator:
        return None
    return partial(_outer_streams, context, target, function.node)


def _outer_streams(context: RuleContext, target: Node, function: Node, _: Node) -> Iterator[Finding]:
    """Report the first stream in a function that is made outside it; the function may stand anywhere in the file."""
    if not _EVALUATES.search(text_of(function)):
        return  # what is only put together there may be evaluated by the thread of the stream
    for used in _streams(context, function):
        made = _value(context, used)
        maker = call_of(made)
        if maker is None or context.name(maker.function) != "mlx.core.new_stream":
            continue
        new = f"{text_of(maker.owner)}.new_thread_local_stream" if maker.owner is not None else ""
        fixes = (Fix(f"Make it with {new}", (replaced(maker.function, new),), is_safe=False),) if new else ()
        yield Finding(
            used, f"The stream `{text_of(used)}` exists only in the thread that made it, and `{text_of(target)}` runs "
            "in another, where evaluating raises. `mx.new_thread_local_stream` gives each thread its own.", fixes,
        )  # fmt: skip
        return


def _target(context: RuleContext, call: Call) -> Node | None:
    """Return the function that a call runs in another thread; None where it is not certain that it does."""
    place = _STARTS.get(context.external(call.function))
    if place is None and call.name in ("submit", "run_in_executor"):
        is_pool = context.file.mentions("ThreadPoolExecutor") and not context.file.mentions("ProcessPool")
        place = (0 if call.name == "submit" else 1) if is_pool else None
    if place is None:
        return None
    named = call.value("target") or call.value("function")
    return named or next(iter(call.arguments[place : place + 1]), None)


def _streams(context: RuleContext, function: Node) -> Iterator[Node]:
    """Yield the names that a function passes as streams."""
    for node in every(function):
        call = call_of(node)
        if call is None:
            continue
        given = [call.value("stream")]
        if context.name(call.function) == "mlx.core.stream":
            given += call.arguments[:1]
        yield from (one for one in given if one is not None and one.type == "identifier")


def _value(context: RuleContext, name: Node) -> Node | None:
    """Return what a name is assigned outside the function that reads it, where that is done once."""
    scopes = context.scopes_around(name)
    found = next((scope.bindings[text_of(name)] for scope in scopes[1:] if text_of(name) in scope.bindings), [])
    only = found[0] if len(found) == 1 and text_of(name) not in scopes[0].bindings else None
    return only.value if only is not None and not only.steps and not only.branches else None


@rule(
    "lazy-across-threads",
    "error",
    "An array that is not evaluated, evaluated by another thread",
    ISSUES + "3529",
    scope="file",
    calls=("Thread", "Timer", "submit", "to_thread", "run_in_executor"),
    examples=(
        Example(f"{_POOL}z = mx.ones((2, 2)) * 2\n{_LAMBDA}", f"{_POOL}z = mx.ones((2, 2)) * 2\nmx.eval(z)\n{_LAMBDA}",
                "y == 8"),
        Example(
            f"{_POOL}def total(a):\n    return a.sum().item()\n"
            "with ThreadPoolExecutor() as pool:\n    y = pool.submit(total, mx.ones((2, 2))).result()",
            f"{_POOL}def total(a):\n    return a.sum().item()\na = mx.ones((2, 2))\nmx.eval(a)\n"
            "with ThreadPoolExecutor() as pool:\n    y = pool.submit(total, a).result()",
            "y == 4", is_fixed=False,
        ),
        Example(
            f"{_POOL}net = nn.Linear(2, 1)\n{_NET}", f"{_POOL}net = nn.Linear(2, 1)\nmx.eval(net.parameters())\n{_NET}",
            "type(y) is float",
        ),
    ),
)  # fmt: skip
def lazy_across_threads(context: RuleContext, call: Call) -> Search | None:
    """Find arrays, and modules, that nothing evaluates but a function run in another thread."""
    if not any(map(context.file.mentions, ("ThreadPoolExecutor", "threading", "to_thread"))):
        return None
    if context.index.resolve(_OWN) is None:  # streams belong to no thread yet
        return None
    target = _target(context, call)
    function = context.evaluator.meaning(target) if target is not None else None
    if target is None or not isinstance(function, LocalFunction) or function.home is not context.evaluator:
        return None
    return partial(_unevaluated, context, call, target, function.node)


def _unevaluated(context: RuleContext, call: Call, target: Node, function: Node, whole: Node) -> Iterator[Finding]:
    """Report the first array that the function evaluates, and that has not been evaluated by who made it."""
    text = text_of(field(function, "body") or function)
    for name, argument in _passed(call, target, function):
        if _is_evaluated(text, name) and _is_lazy(context, argument):
            yield Finding(argument, _LAZY)
            return
    own = context.bindings_in(function)
    for name, bindings in context.module_bindings.items():
        value = bindings[0].value if len(bindings) == 1 and not bindings[0].steps else None
        if value is None or name in own or not _is_evaluated(text, name) or not _is_lazy(context, value):
            continue
        used = [one for one in every(whole) if one.type == "identifier" and text_of(one) == name]
        if all(one.start_byte == bindings[0].position or _is_within(one, function) for one in used):
            yield Finding(target, f"`{name}`: {_LAZY}", _evaluated(context, value, name))
            return


def _passed(call: Call, target: Node, function: Node) -> Iterator[tuple[str, Node]]:
    """Yield the parameters of a function that is run in a thread, with what they are given there."""
    listed, given = field(function, "parameters"), call.value("args")
    names = [text_of(field(one, "name") or one).partition(":")[0] for one in listed.named_children] if listed else []
    values = given.named_children if given is not None and given.type in ("tuple", "list") else []
    if call.name in ("submit", "to_thread", "run_in_executor") and target in call.arguments:
        values = list(call.arguments[call.arguments.index(target) + 1 :])
    yield from zip(names, values, strict=False)


def _is_evaluated(text: str, name: str) -> bool:
    """Return whether a line of a function evaluates what it makes of a name."""
    word = rf"\b{re.escape(name)}\b"
    return re.search(rf"{word}[^\n]*\.(?:item|tolist)\(|\b(?:eval|float|int|print)\([^\n]*{word}", text) is not None


def _is_lazy(context: RuleContext, value: Node) -> bool:
    """Return whether a value is made, and not evaluated, where it stands: by an operation, or a layer with weights."""
    call = call_of(value)
    if call is None:
        return value.type == "binary_operator" and context.is_array(value)
    name = context.name(call.function)
    if name.startswith("mlx.nn.") and name.removeprefix("mlx.nn.").startswith(_WEIGHTED):
        return True
    return name.startswith("mlx.core.") and call.name not in ("array", "load", "key") and context.is_array(value)


def _is_within(node: Node, outer: Node) -> bool:
    return outer.start_byte <= node.start_byte < outer.end_byte


def _evaluated(context: RuleContext, value: Node, name: str) -> tuple[Fix, ...]:
    """Return the fix that evaluates a value right after the statement that makes it."""
    statement = value.parent.parent if value.parent is not None else None
    mx = context.alias("mlx.core", value)
    if not mx or statement is None or not is_alone(statement):
        return ()
    what = name if context.is_array(value) else f"{name}.parameters()"
    text = f"\n{indentation_of(statement)}{mx}.eval({what})"
    return (Fix("Evaluate it first", (inserted(statement.end_byte, text),), is_safe=False),)


RULES = (stream_across_threads, lazy_across_threads)
