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
    binding = context.binding_of(right)
    start = call_of(binding.value) if binding is not None else None
    if start is None or context.external(start.function) not in _CLOCKS:
        return
    first, last = _statement(start.node), _statement(node)
    block = first.parent if first is not None else None
    if first is None or last is None or block is None or last.parent != block:
        return
    if sum(text_of(one) == text_of(right) for one in all_within(block, "identifier")) > 2:
        return  # read again later: the two times are compared
    children = block.named_children
    between = children[children.index(first) + 1 : children.index(last)]
    lazy = [one for statement in between for one in _computed(context, statement)]
    if lazy and all(_is_lazy(context, statement) for statement in between):
        name = text_of(field(lazy[-1], "left") or lazy[-1])
        yield Finding(
            node, f"Nothing has been computed yet: MLX is lazy, and this is the time that it takes to say what to "
            f"compute. Write `mx.eval({name})` before the second reading.",
        )  # fmt: skip


def _statement(node: Node) -> Node | None:
    return up_to(node, "expression_statement", "return_statement")


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
