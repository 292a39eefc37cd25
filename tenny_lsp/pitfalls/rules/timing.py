"""Times measured of work that has not been done."""

import re
from collections.abc import Iterator
from functools import partial
from itertools import islice

from tenny_lsp.inference.definitions import class_of
from tenny_lsp.inference.meaning import Api, Instance, LocalClass, LocalFunction
from tenny_lsp.inference.parameters import calls_of
from tenny_lsp.pitfalls.arities import arity_of
from tenny_lsp.pitfalls.calls import all_within, call_of, function_around, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.rule import USAGE, Example, Finding, Search, rule
from tenny_lsp.source.syntax import Node, field, text_of, up_to

_CLOCKS = {
    "time.time",
    "time.perf_counter",
    "time.monotonic",
    "time.process_time",
    "time.perf_counter_ns",
    "time.time_ns",
}
#: What may stand between two readings without evaluating anything.
_PLAIN = {"range", "len", "zip", "enumerate"}
#: What may evaluate an array.
_EVALUATES = re.compile(
    r"\b(?:\w*eval|item|tolist|print|float|int|bool|asarray|synchronize|save\w*|open)\(|\b(?:np|numpy|while|assert)\b|"
    r"\bif\b(?![^\n]*\bis (?:not )?None\b)"
)
#: How many calls of a function are looked at.
_MOST_CALLS = 8
_MEASURED = "import time\na = mx.ones((1500, 1500))\nmx.eval(a)\nstart = time.perf_counter()\nb = a @ a @ a\n"


@rule(
    "lazy-timing",
    "warning",
    "A time measured before anything is evaluated",
    USAGE + "lazy_evaluation.html",
    scope="file",
    kinds=("binary_operator",),
    examples=(
        Example(
            _MEASURED + "y = time.perf_counter() - start",
            _MEASURED + "mx.eval(b)\ny = time.perf_counter() - start",
            "y > 0.01",
            "wrong",
            is_fixed=False,
        ),
        Example(
            "import time\na = mx.ones((1500, 1500))\nmx.eval(a)\nstart = time.perf_counter()\n"
            "for _ in range(3):\n    a = a @ a\ny = time.perf_counter() - start\nstart = time.perf_counter()",
            "import time\na = mx.ones((1500, 1500))\nmx.eval(a)\nstart = time.perf_counter()\n"
            "for _ in range(3):\n    a = a @ a\nmx.eval(a)\n"
            "y = time.perf_counter() - start\nstart = time.perf_counter()",
            "y > 0.01",
            "wrong",
            is_fixed=False,
        ),
        Example(
            "import time\nstart = time.perf_counter()\nb = x @ x.T\nend = time.perf_counter()\ny = end - start",
            "import time\nstart = time.perf_counter()\nb = x @ x.T\nmx.eval(b)\nend = time.perf_counter()\n"
            "y = end - start",
            "y > 0",
            "undefined",
            is_fixed=False,
        ),
        Example(
            "import time\ndef spent(layer, a):\n    start = time.perf_counter()\n    out = layer(a)\n"
            "    mx.synchronize()\n    return time.perf_counter() - start\ny = spent(model, x)",
            "import time\ndef spent(layer, a):\n    start = time.perf_counter()\n    out = layer(a)\n"
            "    mx.eval(out)\n    return time.perf_counter() - start\ny = spent(model, x)",
            "y > 0",
            "undefined",
            is_fixed=False,
        ),
        Example(
            "import time\nstart = time.perf_counter()\nfor _ in range(3):\n    b = x @ x.T\n    mx.synchronize()\n"
            "y = (time.perf_counter() - start) / 3",
            "import time\nstart = time.perf_counter()\nfor _ in range(3):\n    b = x @ x.T\n    mx.eval(b)\n"
            "y = (time.perf_counter() - start) / 3",
            "y > 0",
            "undefined",
            is_fixed=False,
        ),
    ),
)
def lazy_timing(context: RuleContext, node: Node) -> Search | None:
    """Find differences of two readings of a clock between which MLX is only told what to compute."""
    operator, left, right = (field(node, part) for part in ("operator", "left", "right"))
    if operator is None or operator.type != "-" or left is None or right is None or right.type != "identifier":
        return None
    last = _statement(node)
    if left.type == "identifier" and last is not None:
        last = _read_before(last, text_of(left))
        left = field(last.named_children[0], "right") if last is not None else None
    if last is None or not _is_reading(context, left):
        return None
    first = _read_before(last, text_of(right))
    if first is None or not _is_reading(context, field(first.named_children[0], "right")):
        return None
    if _is_read_again(last, node, text_of(right)):
        return None  # the two times are compared
    return partial(_measured, context, node, first, last)


def _is_reading(context: RuleContext, node: Node | None) -> bool:
    call = call_of(node)
    return call is not None and context.external(call.function) in _CLOCKS


def _measured(context: RuleContext, node: Node, first: Node, last: Node, _: Node) -> Iterator[Finding]:
    """Report a difference of two readings if nothing between them evaluates what is computed there."""
    between, one = list[Node](), first.next_named_sibling
    while one is not None and one != last:
        between.append(one)
        one = one.next_named_sibling
    lazy = [one for statement in between for one in _computed(context, statement)]
    if lazy and all(_is_lazy(context, statement) for statement in between):
        name = text_of(field(lazy[-1], "left") or lazy[-1])
        waits = any("synchronize(" in text_of(statement) for statement in between)
        why = " `mx.synchronize` waits for what has been begun, and nothing has." if waits else ""
        yield Finding(
            node, f"Nothing has been computed yet: MLX is lazy, and this is the time that it takes to say what to "
            f"compute.{why} Write `mx.eval({name})` before the second reading.",
        )  # fmt: skip


def _statement(node: Node) -> Node | None:
    return up_to(node, "expression_statement", "return_statement")


def _read_before(last: Node, name: str) -> Node | None:
    """Return the statement before one, in the same block, that assigns a name; None where it may be another."""
    before = last.prev_named_sibling
    while before is not None:
        assigned = before.named_children[0] if before.type == "expression_statement" and before.named_children else None
        if (
            assigned is not None
            and assigned.type == "assignment"
            and text_of(field(assigned, "left") or before) == name
        ):
            return before
        if any(text_of(one) == name for one in all_within(before, "identifier")):
            return None
        before = before.prev_named_sibling
    return None


def _is_read_again(last: Node, node: Node, name: str) -> bool:
    """Return whether a name is read elsewhere in a statement, or after it before it is assigned anew."""
    after: Node | None = last
    while after is not None:
        for one in all_within(after, "identifier"):
            if text_of(one) == name and not node.start_byte <= one.start_byte < node.end_byte:
                outer = one.parent
                return outer is None or outer.type != "assignment" or field(outer, "left") != one
        after = after.next_named_sibling
    return False


def _computed(context: RuleContext, statement: Node) -> Iterator[Node]:
    """Yield the assignments in a statement of what MLX's operations return."""
    for node in within(statement, "assignment"):
        left = field(node, "left")
        right = field(node, "right")
        if left is None or left.type != "identifier":
            continue
        call = call_of(right)
        if context.is_array(right) or (call is not None and _is_lazy_function(context, call.function)):
            yield node


def _is_synchronize(context: RuleContext, statement: Node) -> bool:
    """Return whether a statement only waits for work that has been begun, and begins none."""
    call = call_of(statement.named_children[0]) if statement.named_children else None
    return call is not None and call.name == "synchronize" and context.name(call.function) == "mlx.core.synchronize"


def _is_lazy(context: RuleContext, statement: Node) -> bool:
    """Return whether a statement evaluates no array: it is an assignment, and all that it calls is MLX's and lazy."""
    if statement.type == "comment" or _is_synchronize(context, statement):
        return True
    body, over = field(statement, "body"), call_of(field(statement, "right"))
    if statement.type == "for_statement" and body is not None and over is not None and over.name in _PLAIN:
        return all(_is_lazy(context, one) for one in body.named_children)
    if statement.type != "expression_statement" or statement.named_children[0].type != "assignment":
        return False
    for node in within(statement, "call"):
        call = call_of(node)
        function = context.evaluator.meaning(call.function) if call is not None else None
        is_operation = isinstance(function, Api) and context.is_array(node)
        is_plain = call is not None and context.external(call.function) in _PLAIN
        if not is_operation and not is_plain and (call is None or not _is_lazy_function(context, call.function)):
            return False
    return not any(within(statement, "await", "yield"))


def _is_lazy_function(context: RuleContext, function: Node, *, may_be_given: bool = True) -> bool:
    """Return whether what is called is a module, or a function of the file, in whose text nothing evaluates an array.

    A parameter is what all calls in the file give it.
    """
    meaning = context.meaning(function)
    if isinstance(meaning, Instance) and isinstance(meaning.of, Api):
        return meaning.of.entry.name.startswith("mlx.nn.")
    if isinstance(meaning, Instance) and context.inherits(meaning.of, "mlx.nn.Module"):
        meaning = meaning.of
    if isinstance(meaning, LocalFunction | LocalClass):
        return _EVALUATES.search(text_of(meaning.node)) is None
    given = list(_given(context, function)) if meaning is None and may_be_given else []
    return bool(given) and all(_is_lazy_function(context, one, may_be_given=False) for one in given)


def _given(context: RuleContext, name: Node) -> Iterator[Node]:
    """Yield what the calls in the file give a parameter; a call of which that is not known yields its own name."""
    function = function_around(name)
    arity = arity_of(function) if function is not None and name.type == "identifier" else None
    if function is None or arity is None or text_of(name) not in arity.placed:
        return
    if len(context.bindings_in(function).get(text_of(name), ())) != 1 or class_of(function) is not None:
        return
    place = arity.placed.index(text_of(name))
    for node in islice(calls_of(context.evaluator, function), _MOST_CALLS):
        call = call_of(node)
        given = call.value(text_of(name)) if call is not None else None
        if call is not None and given is None and call.is_whole and len(call.arguments) > place:
            given = call.arguments[place]
        yield given or name


RULES = (lazy_timing,)
