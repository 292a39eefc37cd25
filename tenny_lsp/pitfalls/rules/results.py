"""Results of MLX's functions that are used as if they were PyTorch's."""

import re
from collections.abc import Iterator
from itertools import accumulate

from tenny_lsp.pitfalls.calls import Call, call_of, target_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.rule import ISSUES, PYTHON, Example, Finding, rule
from tenny_lsp.pitfalls.values import literal_of
from tenny_lsp.source.syntax import Node, field, text_of

#: What people call indices, as a part of a name, and as the whole of it.
_INDEX_WORDS = {
    "ind", "inds", "idx", "idxs", "index", "indexes", "indices", "arg", "args", "argmax", "argmin", "pos", "position",
    "positions", "order", "ids", "labels", "pred", "preds", "predicted",
}  # fmt: skip
_INDEX_NAMES = ("_", "i", "y")
#: PyTorch returns values and indices; MLX has another function for the indices.
_INDICES = {
    "max": "argmax", "min": "argmin", "sort": "argsort", "topk": "argpartition", "cummax": "", "cummin": "",
    "median": "",
}  # fmt: skip


@rule(
    "values-and-indices",
    "error",
    "`values, indices = mx.max(…)`",
    ISSUES + "586",
    calls=tuple(_INDICES),
    attributes=("values", "indices"),
    examples=(
        Example("y = x.max(1).values", "y = x.max(1)", "y.tolist() == [2, 5]"),
        Example("y = mx.max(x, axis=-1).indices", "y = mx.argmax(x, axis=-1)", "y.tolist() == [2, 2]"),
        Example("values, y = x.max(1)", "values, y = mx.max(x, 1), mx.argmax(x, 1)", "y.tolist() == [2, 2]", "wrong"),
        Example(
            "values, y = mx.min(x, axis=0)", "values, y = mx.min(x, axis=0), mx.argmin(x, axis=0)",
            "y.tolist() == [0, 0, 0]",
        ),
        Example("values, y = mx.sort(x, -1)", "values, y = mx.sort(x, -1), mx.argsort(x, -1)", "y.shape == (2, 3)",
                "wrong"),
        Example(
            "values, y = mx.topk(x, 2)",
            "y = mx.argpartition(-x, 1, axis=-1)[..., :2]\nvalues = mx.take_along_axis(x, y, axis=-1)",
            "y.shape == (2, 2) and sorted(y[0].tolist()) == [1, 2]", "wrong",
            is_fixed=False,
        ),
    ),
)  # fmt: skip
def values_and_indices(context: RuleContext, found: Node | Call) -> Iterator[Finding]:
    """Find two names, or members, for the result of a reduction along an axis: MLX's return values alone."""
    if not isinstance(found, Call):
        yield from _members(context, found)
        return
    call, left = found, target_of(found)
    if left is None or left.type not in ("pattern_list", "tuple_pattern"):
        return
    function = context.name(call.function)
    is_method = function.startswith("mlx.core.array.")
    axis = call.value("axis") or next(iter(call.arguments[0 if is_method else 1 :]), None)
    names = [text_of(child).lower() for child in left.named_children]
    if function.removeprefix("mlx.core.").removeprefix("array.") != call.name or len(names) != 2 or axis is None:
        return
    is_index = names[1] in _INDEX_NAMES or not _INDEX_WORDS.isdisjoint(re.split(r"_|\d+", names[1]))
    if not is_index or names == ["x", "y"] or any(child.type != "identifier" for child in left.named_children):
        return
    message = f"`mx.{call.name}` returns the values alone, and unpacking them gives rows."
    if call.name == "topk":
        message += " `mx.argpartition(-x, k - 1)` gives the indices of the greatest, in no order."
    other = _INDICES[call.name]
    mx = context.alias("mlx.core", call.node)
    fixes: tuple[Fix, ...] = ()
    if other and call.name != "topk" and mx and call.is_whole and call.owner is not None:
        given = text_of(call.listed)[1:-1]
        given = f"{text_of(call.owner)}, {given}" if is_method else given
        text = f"{mx}.{call.name}({given}), {mx}.{other}({given})"
        fixes = (Fix(f"Take mx.{other} for the indices", (replaced(call.node, text),), is_safe=False),)
        message += f" `mx.{other}` gives the indices."
    yield Finding(call.node, message, fixes)


def _members(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Report ``.values`` and ``.indices`` of what a reduction returns."""
    name, call = text_of(node.named_children[-1]), call_of(node.named_children[0])
    if call is None or call.name not in _INDICES:
        return
    function = context.name(call.function)
    if function.removeprefix("mlx.core.").removeprefix("array.") != call.name or is_guarded(context, node):
        return
    other = _INDICES[call.name] if call.name != "topk" else ""
    text = text_of(call.node)
    if name == "indices":
        text = f"{text_of(call.function)[: -len(call.name)]}{other}{text_of(call.listed)}" if other else ""
    fixes = (Fix(f"Write {text}", (replaced(node, text),)),) if text else ()
    better = f": write `{text}`." if text else ", and no indices."
    yield Finding(node, f"`mx.{call.name}` returns the values alone, an array{better}", fixes)


@rule(
    "split-sizes",
    "error",
    "`mx.split` given sizes",
    PYTHON + "_autosummary/mlx.core.split.html",
    calls=("split",),
    examples=(
        Example(
            "a, b, y = mx.split(mx.arange(10), [2, 3, 5])", "a, b, y = mx.split(mx.arange(10), [2, 5])", "y.size == 5"
        ),
        Example("a, y = mx.arange(9).split([4, 5])", "a, y = mx.arange(9).split([4])", "y.size == 5"),
        Example("a, y = mx.split(mx.arange(8), 4)", "a, y = mx.split(mx.arange(8), 2)", "y.size == 4", is_fixed=False),
    ),
)
def split_sizes(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find ``mx.split`` with as many numbers as there are parts: they are the places to cut at, one fewer."""
    left = target_of(call)
    if left is None or left.type not in ("pattern_list", "tuple_pattern"):
        return
    function = context.name(call.function)
    if function not in ("mlx.core.split", "mlx.core.array.split"):
        return
    given = next(iter(call.arguments[1 if function == "mlx.core.split" else 0 :]), call.value("indices_or_sections"))
    sizes = literal_of(given)
    is_starred = any(child.type == "list_splat_pattern" for child in left.named_children)
    count = len(left.named_children)
    if type(sizes) is int and given is not None and not is_starred and sizes != count > 1:
        yield Finding(given, f"`mx.split` takes the number of parts, not their size; there are {count} names for them.")
    if given is None or is_starred or not isinstance(sizes, list | tuple) or not all(type(s) is int for s in sizes):
        return
    if len(sizes) == count > 1:
        cuts = list(accumulate(sizes))[:-1]
        message = f"`mx.split` takes the indices to cut at, not sizes; parts of {list(sizes)} are cut at {cuts}."
        yield Finding(given, message, (Fix(f"Cut at {cuts}", (replaced(given, str(cuts)),), is_safe=False),))


_MOVED = (
    "get_active_memory", "get_peak_memory", "reset_peak_memory", "get_cache_memory", "set_memory_limit",
    "set_cache_limit", "set_wired_limit", "clear_cache", "device_info",
)  # fmt: skip


@rule(
    "metal-memory",
    "warning",
    "`mx.metal` for what `mx` itself has",
    PYTHON + "memory_management.html",
    attributes=_MOVED,
    examples=(
        Example("y = mx.metal.get_peak_memory()", "y = mx.get_peak_memory()", "y >= 0", "slow"),
        Example("y = mx.metal.clear_cache()", "y = mx.clear_cache()", "y is None", "slow"),
    ),
)
def metal_memory(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find the deprecated functions of ``mx.metal``."""
    owner, member = field(node, "object"), field(node, "attribute")
    if owner is None or member is None or owner.type != "attribute":
        return
    mx = field(owner, "object")
    if mx is None or context.name(owner) != "mlx.core.metal" or is_guarded(context, node):
        return
    if context.index.resolve(f"mlx.core.{text_of(member)}") is None:
        return
    name = f"{text_of(mx)}.{text_of(member)}"
    message = f"`mx.metal.{text_of(member)}` is deprecated: it is now `mx.{text_of(member)}`, for every backend."
    yield Finding(node, message, (Fix(f"Write {name}", (replaced(node, name),)),))


RULES = (values_and_indices, split_sizes, metal_memory)
