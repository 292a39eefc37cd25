"""Functions that flatten an array unless they are told an axis, and order its dimensions otherwise than PyTorch."""

import re
from collections.abc import Iterator

from tenny_lsp.pitfalls.calls import Call, call_of, target_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, appended
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.source.syntax import Node, field, text_of


@rule(
    "repeat-flattens",
    "warning",
    "`mx.repeat` of a new axis without `axis=`",
    PYTHON + "_autosummary/mlx.core.repeat.html",
    calls=("repeat",),
    examples=(
        Example("y = mx.repeat(x[None], 4)", "y = mx.repeat(x[None], 4, axis=0)", "y.shape == (4, 2, 3)", "wrong"),
        Example("y = mx.repeat(x[:, None], 4)", "y = mx.repeat(x[:, None], 4, axis=1)", "y.shape == (2, 4, 3)",
                "wrong"),
        Example("y = mx.repeat(mx.expand_dims(x, 0), 4)", "y = mx.repeat(mx.expand_dims(x, 0), 4, axis=0)",
                "y.shape == (4, 2, 3)", "wrong"),
    ),
)  # fmt: skip
def repeat_flattens(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find an axis that is added for ``mx.repeat``, which flattens the array where no axis is given."""
    if context.name(call.function) != "mlx.core.repeat" or len(call.arguments) != 2 or "axis" in call.keywords:
        return
    axis = _added_axis(context, call.arguments[0]) if call.is_whole else None
    if axis is not None:
        fix = Fix(f"Repeat along axis {axis}", (appended(call, f"axis={axis}"),), is_safe=False)
        yield Finding(
            call.node, "Without `axis=` this flattens the array and repeats each number; the new axis is "
            f"`axis={axis}`.", (fix,),
        )  # fmt: skip


def _added_axis(context: RuleContext, node: Node) -> str | None:
    """Return the axis that an expression adds to an array: ``0`` of ``x[None]``; None where it adds none, or two."""
    if node.type == "subscript" and context.is_array(field(node, "value")):
        keys = node.children_by_field_name("subscript")
        places = [place for place, key in enumerate(keys) if text_of(key) in ("None", "mx.newaxis")]
        is_plain = all(text_of(key) == ":" for key in keys if key.type != "none")
        return str(places[0]) if len(places) == 1 and is_plain else None
    call = call_of(node)
    if call is not None and context.name(call.function) == "mlx.core.expand_dims" and call.is_whole:
        axis = call.value("axis") or (call.arguments[1] if len(call.arguments) == 2 else None)
        return text_of(axis) if axis is not None and re.fullmatch(r"-?\d+", text_of(axis)) else None
    return None


#: What the first and the second result are called where rows are meant to come first.
_ROWS = {"rows", "row", "y", "ys", "yy", "i", "ii", "h", "hs", "r", "gy", "grid_y", "y_grid"}
_COLUMNS = {"cols", "col", "columns", "x", "xs", "xx", "j", "jj", "w", "ws", "c", "gx", "grid_x", "x_grid"}


@rule(
    "meshgrid-order",
    "warning",
    "`mx.meshgrid` for rows and columns",
    PYTHON + "_autosummary/mlx.core.meshgrid.html",
    calls=("meshgrid",),
    examples=(
        Example("rows, cols = mx.meshgrid(mx.arange(2), mx.arange(3))\ny = rows",
                'rows, cols = mx.meshgrid(mx.arange(2), mx.arange(3), indexing="ij")\ny = rows', "y.shape == (2, 3)",
                "wrong"),
        Example("yy, xx = mx.meshgrid(mx.arange(2), mx.arange(3))\ny = xx",
                'yy, xx = mx.meshgrid(mx.arange(2), mx.arange(3), indexing="ij")\ny = xx', "y.shape == (2, 3)",
                "wrong"),
    ),
)  # fmt: skip
def meshgrid_order(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find grids of which the first is called rows and the second columns: by default the first runs along columns."""
    left = target_of(call)
    if left is None or left.type not in ("pattern_list", "tuple_pattern"):
        return
    names = [text_of(one) for one in left.named_children]
    if len(names) != 2 or names[0] not in _ROWS or names[1] not in _COLUMNS or not call.is_whole:
        return
    if len(call.arguments) != 2 or call.keywords or context.name(call.function) != "mlx.core.meshgrid":
        return
    fix = Fix('Say indexing="ij"', (appended(call, 'indexing="ij"'),), is_safe=False)
    yield Finding(
        call.node, f"`mx.meshgrid` gives `{names[0]}` along the second axis, as NumPy does and PyTorch does not: its "
        'grids are (columns, rows). With `indexing="ij"` they are (rows, columns).', (fix,),
    )  # fmt: skip


RULES = (repeat_flattens, meshgrid_order)
