"""Streams of one thread that another uses."""

import re
from collections.abc import Iterator
from functools import partial

from tenny_lsp.inference.meaning import LocalFunction
from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.rule import ISSUES, Example, Finding, Search, rule
from tenny_lsp.source.syntax import Node, every, text_of

#: What runs a function in another thread → where that stands among its arguments.
_STARTS = {"threading.Thread": 1, "threading.Timer": 1, "asyncio.to_thread": 0}
_EVALUATES = re.compile(r"\b(?:eval|async_eval|item|tolist|synchronize|print|float|int|array)\(")
_OWN = "mlx.core.new_thread_local_stream"
_MAKES = "from concurrent.futures import ThreadPoolExecutor\ns = mx."
_WORK = (
    "def work():\n    with mx.stream(s):\n        return mx.add(1, 1).item()\n"
    "with ThreadPoolExecutor() as pool:\n    y = pool.submit(work).result()"
)


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


RULES = (stream_across_threads,)
