"""Times measured of work that has not been done."""

from collections.abc import Iterator

from tenny_lsp.inference.meaning import Api, Instance
from tenny_lsp.pitfalls.calls import all_within, call_of, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.rule import USAGE, Example, Finding, rule
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
_MEASURED = "import time\na = mx.ones((1500, 1500))\nmx.eval(a)\nstart = time.perf_counter()\nb = a @ a @ a\n"


@rule(
    "lazy-timing",
    "warning",
    "A time measured before anything is evaluated",
    USAGE + "lazy_evaluation.html",
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
    ),
)
def lazy_timing(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find differences of two readings of a clock between which MLX is only told what to compute."""
    operator, right = field(node, "operator"), field(node, "right")
    call = call_of(field(node, "left"))
    if operator is None or operator.type != "-" or call is None or right is None or right.type != "identifier":
        return
    if context.external(call.function) not in _CLOCKS:
        return
    last = _statement(node)
    first = _read_before(last, text_of(right)) if last is not None else None
    start = call_of(field(first.named_children[0], "right")) if first is not None else None
    if first is None or last is None or start is None or context.external(start.function) not in _CLOCKS:
        return
    if _is_read_again(last, node, text_of(right)):
        return  # the two times are compared
    between, one = list[Node](), first.next_named_sibling
    while one is not None and one != last:
        between.append(one)
        one = one.next_named_sibling
    lazy = [one for statement in between for one in _computed(context, statement)]
    if lazy and all(_is_lazy(context, statement) for statement in between):
        name = text_of(field(lazy[-1], "left") or lazy[-1])
        yield Finding(
            node, f"Nothing has been computed yet: MLX is lazy, and this is the time that it takes to say what to "
            f"compute. Write `mx.eval({name})` before the second reading.",
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
        if left is not None and left.type == "identifier" and context.is_array(field(node, "right")):
            yield node


def _is_lazy(context: RuleContext, statement: Node) -> bool:
    """Return whether a statement evaluates no array: it is an assignment, and all that it calls is MLX's and lazy."""
    if statement.type == "comment":
        return True
    body, over = field(statement, "body"), call_of(field(statement, "right"))
    if statement.type == "for_statement" and body is not None and over is not None and over.name in _PLAIN:
        return all(_is_lazy(context, one) for one in body.named_children)
    if statement.type != "expression_statement" or statement.named_children[0].type != "assignment":
        return False
    for node in within(statement, "call"):
        call = call_of(node)
        function = context.evaluator.meaning(call.function) if call is not None else None
        is_layer = isinstance(function, Instance) and isinstance(function.of, Api)
        is_operation = isinstance(function, Api) and context.is_array(node)
        if not is_layer and not is_operation and (call is None or context.external(call.function) not in _PLAIN):
            return False
    return not any(within(statement, "await", "yield"))


RULES = (lazy_timing,)
