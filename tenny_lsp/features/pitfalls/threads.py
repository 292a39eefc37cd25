"""Streams that cross threads."""

from collections.abc import Iterator

from tenny_lsp.features.pitfalls.calls import Call, call_of, replaced
from tenny_lsp.features.pitfalls.rule import ISSUES, Example, Finding, Fix, rule
from tenny_lsp.features.pitfalls.script import Script
from tenny_lsp.source.meaning import External, LocalFunction
from tenny_lsp.source.syntax import Node, every, text_of

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
    calls=("Thread", "Timer", "submit", "to_thread", "run_in_executor"),
    examples=(
        Example(
            _MAKES + "new_stream(mx.default_device())\n" + _WORK,
            _MAKES + "new_thread_local_stream(mx.default_device())\n" + _WORK,
            "y == 2",
        ),
    ),
)
def stream_across_threads(script: Script, call: Call) -> Iterator[Finding]:
    """Finds functions run in a thread that use a stream made outside them: it exists in its own thread only."""
    if not script.mentions("new_stream") or script.index.resolve(_OWN) is None or not _starts_threads(script, call):
        return
    for target in (call.value("target"), call.value("function"), *call.arguments[:2]):
        function = script.reader.meaning(target) if target is not None else None
        if not isinstance(function, LocalFunction) or function.home is not script.reader:
            continue
        for used in _streams(script, function.node):
            made = script.value_of(used) or _module_value(script, used)
            maker = call_of(made) if made is not None and made.type == "call" else None
            if maker is None or script.name(maker.function) != "mlx.core.new_stream":
                continue
            new = f"{text_of(maker.owner)}.new_thread_local_stream" if maker.owner is not None else ""
            fixes = (Fix(f"Make it with {new}", (replaced(maker.function, new),), is_safe=False),) if new else ()
            yield Finding(
                used, f"The stream `{text_of(used)}` exists only in the thread that made it, and "
                f"`{text_of(target or used)}` runs in another: it raises. `mx.new_thread_local_stream` gives each "
                "thread its own.", fixes,
            )  # fmt: skip
            return


def _starts_threads(script: Script, call: Call) -> bool:
    meaning = script.reader.meaning(call.function)
    if isinstance(meaning, External):
        return meaning.name in ("threading.Thread", "threading.Timer", "asyncio.to_thread")
    return call.name in ("submit", "run_in_executor") and script.mentions("ThreadPoolExecutor")


def _streams(script: Script, function: Node) -> Iterator[Node]:
    """Yields the names of the module that a function hands on as streams."""
    own = script.buffer.bindings_in(function)
    for node in every(function):
        call = call_of(node) if node.type == "call" else None
        if call is None:
            continue
        given = [call.value("stream")]
        if script.name(call.function) == "mlx.core.stream":
            given += call.arguments[:1]
        yield from (one for one in given if one is not None and one.type == "identifier" and text_of(one) not in own)


def _module_value(script: Script, name: Node) -> Node | None:
    """Returns what a name of the module is assigned, where that is done once."""
    bindings = script.buffer.bindings_in(script.buffer.root).get(text_of(name), [])
    only = bindings[0] if len(bindings) == 1 else None
    return only.value if only is not None and not only.steps and not only.branches else None


RULES = (stream_across_threads,)
