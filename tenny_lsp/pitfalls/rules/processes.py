"""Operations that all processes must take part in, done by some."""

from collections.abc import Iterator

from tenny_lsp.pitfalls.calls import Call, call_of, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.rule import USAGE, Example, Finding, rule
from tenny_lsp.pitfalls.traced import outer_value
from tenny_lsp.source.syntax import Node, field, up_to

_COLLECTIVES = {
    "mlx.core.distributed.all_sum", "mlx.core.distributed.all_max", "mlx.core.distributed.all_min",
    "mlx.core.distributed.all_gather", "mlx.core.distributed.sum_scatter", "mlx.nn.average_gradients",
}  # fmt: skip
_NAMES = tuple(name.rpartition(".")[2] for name in sorted(_COLLECTIVES))
_GROUP = "group = mx.distributed.init()\n"


@rule(
    "collective-under-rank",
    "warning",
    "A collective operation that some processes leave out",
    USAGE + "distributed.html",
    calls=_NAMES,
    examples=(
        Example(
            f"{_GROUP}if group.rank() == 0:\n    y = mx.distributed.all_sum(x)",
            f"{_GROUP}total = mx.distributed.all_sum(x)\nif group.rank() == 0:\n    y = total",
            "y.shape == (2, 3)",
            "undefined",
            is_fixed=False,
        ),
        Example(
            f"{_GROUP}rank = group.rank()\ny = mx.distributed.all_gather(x) if rank == 0 else x",
            f"{_GROUP}rank = group.rank()\nwhole = mx.distributed.all_gather(x)\ny = whole if rank == 0 else x",
            "y.shape == (2, 3)",
            "undefined",
            is_fixed=False,
        ),
    ),
)
def collective_under_rank(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find collective operations in one branch of a condition on the rank, without another in the other branch."""
    if context.name(call.function) not in _COLLECTIVES or "group" in call.keywords or len(call.arguments) > 1:
        return  # a group of its own may be of those processes alone
    inner, outer = call.node, call.node.parent
    while outer is not None and outer.type not in ("function_definition", "lambda", "class_definition", "module"):
        condition = field(outer, "condition")
        if outer.type == "conditional_expression" and len(outer.named_children) == 3:
            condition = outer.named_children[1]
        if condition is not None and inner != condition and _asks_rank(context, condition):
            around = up_to(outer, "function_definition", "lambda") or outer
            others = [one for one in within(around, "call") if not _is_in(one, inner) and not _is_in(one, condition)]
            if not any(_is_in(one, outer) and _may_join(context, one) for one in others) and not any(
                (other := call_of(one)) is not None and other.name in _NAMES for one in others
            ):
                yield Finding(
                    call.function, f"`{call.name}` waits for every process, and only those of this rank come here: "
                    "where it is evaluated it never ends. Call it in all of them, and look at the rank afterwards.",
                )  # fmt: skip
            return
        inner, outer = outer, outer.parent


def _is_in(one: Node, other: Node) -> bool:
    return other.start_byte <= one.start_byte and one.end_byte <= other.end_byte


def _asks_rank(context: RuleContext, condition: Node) -> bool:
    """Return whether a condition compares a process's rank, and nothing else, with a number."""
    if condition.type == "not_operator":
        return _is_rank(context, condition.named_children[0])
    if condition.type != "comparison_operator" or len(condition.named_children) != 2:
        return _is_rank(context, condition)
    left, right = condition.named_children
    return (_is_rank(context, left) and right.type == "integer") or (
        _is_rank(context, right) and left.type == "integer"
    )


def _is_rank(context: RuleContext, node: Node) -> bool:
    value = outer_value(context, node) if node.type == "identifier" else node
    call = call_of(value)
    return call is not None and call.name == "rank" and context.name(call.function) == "mlx.core.distributed.Group.rank"


def _may_join(context: RuleContext, node: Node) -> bool:
    """Return whether a call may be a collective operation, or call one: whatever is not MLX's or harmless."""
    call = call_of(node)
    if call is None or call.name in ("print", "len", "int", "float", "str"):
        return False
    name = context.name(call.function)
    return name in _COLLECTIVES or not name


RULES = (collective_under_rank,)
