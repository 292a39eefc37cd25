"""Masks of ones and zeros: which numbers an array holds, as far as the text shows how it is made."""

from tenny_lsp.pitfalls.calls import call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.origins import origin
from tenny_lsp.pitfalls.values import is_mask, literal_of
from tenny_lsp.source.syntax import Node, field, text_of

#: What leaves ones and zeros what they are.
_KEPT = {"reshape", "expand_dims", "squeeze", "broadcast_to", "repeat", "tile", "stop_gradient"}
_ONES = {"mlx.core.ones", "mlx.core.ones_like"}
#: What ``1 - mask`` makes of a mask.
_OTHER = {"lower": "upper", "upper": "lower", "unknown": "unknown"}
_BOOLEAN = ("bool_", "bool")
_DEEPEST = 8


def ones_and_zeros(context: RuleContext, node: Node | None, depth: int = 0) -> str:
    """Return which numbers a mask of ones and zeros has where attention may look; empty where it may be another.

    ``lower`` for ones there, ``upper`` for zeros, ``unknown`` where the text does not tell.
    """
    found = origin(context, node) if depth < _DEEPEST else None
    if found is None:
        return ""
    if found.type == "subscript":
        keys = found.children_by_field_name("subscript")
        is_whole = all(key.type in ("none", "slice", "ellipsis") for key in keys)
        return ones_and_zeros(context, field(found, "value"), depth + 1) if is_whole else ""
    if found.type == "binary_operator":  # ``1 - mask``
        left, right, operator = (field(found, part) for part in ("left", "right", "operator"))
        is_other = operator is not None and operator.type == "-" and literal_of(left) in (1, 1.0)
        return _OTHER.get(ones_and_zeros(context, right, depth + 1), "") if is_other else ""
    call = call_of(found)
    name = context.name(call.function) if call is not None else ""
    if call is None or not name.startswith("mlx.core."):
        return ""
    short, is_method = call.name, name.startswith("mlx.core.array.")
    first = call.owner if is_method else next(iter(call.arguments), None)
    if short in ("tril", "triu"):
        return ("lower" if short == "tril" else "upper") if are_ones(context, first) else ""
    if short == "tri":
        return "lower" if "dtype" not in call.keywords and len(call.arguments) < 4 else ""
    if short in _KEPT:
        return ones_and_zeros(context, first, depth + 1)
    if short == "astype" and call.arguments:
        return _converted(context, first, call.arguments[0], depth)
    if short == "where" and len(call.arguments) == 3:
        chosen = [literal_of(one) for one in call.arguments[1:]]
        are_numbers = all(type(one) in (int, float) for one in chosen)
        return "unknown" if are_numbers and sorted(chosen, key=str) in ([0, 1], [0.0, 1.0]) else ""
    if short != "array" or len(call.arguments) != 1 or call.keywords:
        return ""
    return "lower" if _has_both(literal_of(first)) else _of_numpy(context, first)


def _of_numpy(context: RuleContext, node: Node | None) -> str:
    """Return what ``ones_and_zeros`` does, for a triangle that NumPy makes of ones: ``np.tril(np.ones((n, n)))``."""
    call = call_of(origin(context, node))
    name = context.external(call.function) if call is not None else ""
    if call is None or name not in ("numpy.tril", "numpy.triu", "numpy.tri"):
        return ""
    if name == "numpy.tri":
        return "lower" if "dtype" not in call.keywords and len(call.arguments) < 4 else ""
    inner = call_of(origin(context, call.arguments[0])) if call.arguments else None
    is_plain = inner is not None and len(inner.arguments) == 1 and "dtype" not in inner.keywords
    if inner is None or not is_plain or context.external(inner.function) != "numpy.ones":
        return ""
    return "lower" if name == "numpy.tril" else "upper"


def _converted(context: RuleContext, array: Node | None, dtype: Node, depth: int) -> str:
    """Return what a conversion to numbers makes of booleans, or of ones and zeros."""
    name = context.name(dtype)
    is_number = text_of(dtype).endswith(".dtype") or (name.startswith("mlx.core.") and name != "mlx.core.bool_")
    if not is_number or array is None:
        return ""
    inner = origin(context, array)
    return "lower" if inner is not None and is_mask(context, inner) else ones_and_zeros(context, array, depth + 1)


def are_ones(context: RuleContext, node: Node | None) -> bool:
    """Return whether an array is made of ones that are numbers: ``mx.ones((n, n))``."""
    call = call_of(origin(context, node))
    if call is None:
        return False
    dtype = call.value("dtype") or next(iter(call.arguments[1:2]), None)
    name = context.name(call.function)
    if name == "mlx.core.full":
        return len(call.arguments) > 1 and literal_of(call.arguments[1]) in (1, 1.0) and "dtype" not in call.keywords
    return name in _ONES and context.name(dtype) != "mlx.core.bool_"


def _has_both(value: object) -> bool:
    """Return whether nested lists hold ones and zeros, both of them and nothing else, as numbers."""
    found: list[object] = []
    waiting = [value] if isinstance(value, list) else []
    while waiting:
        for part in waiting.pop():
            (waiting if isinstance(part, list) else found).append(part)
    return all(type(one) in (int, float) for one in found) and {*found} == {0, 1}


def is_future(context: RuleContext, node: Node | None, depth: int = 0) -> bool:
    """Return whether a mask is of booleans, and true above the diagonal alone: for what comes later."""
    found = origin(context, node) if depth < _DEEPEST else None
    if found is None:
        return False
    if found.type == "subscript":
        keys = found.children_by_field_name("subscript")
        is_whole = all(key.type in ("none", "slice", "ellipsis") for key in keys)
        return is_whole and is_future(context, field(found, "value"), depth + 1)
    if found.type == "comparison_operator" and len(found.children) == 3:
        return _is_compared(context, found)
    call = call_of(found)
    name = context.name(call.function) if call is not None else ""
    if call is None:
        return False
    if call.name == "astype" and len(call.arguments) == 1:
        return text_of(call.arguments[0]).rpartition(".")[2] in _BOOLEAN and _is_upper(context, call.owner, "number")
    if name == "mlx.core.array" and len(call.arguments) == 1 and not call.keywords:
        return is_future(context, call.arguments[0], depth + 1)
    if name.startswith("mlx.core.") and call.name in _KEPT:
        first = call.owner if name.startswith("mlx.core.array.") else next(iter(call.arguments), None)
        return is_future(context, first, depth + 1)
    return _is_upper(context, found, "bool")


def _is_compared(context: RuleContext, node: Node) -> bool:
    """Return whether a comparison is true above the diagonal alone: ``triu(ones, k=1) > 0``, ``i > i[:, None]``."""
    left, operator, right = node.children
    if operator.type in (">", "!=") and literal_of(right) in (0, 0.0):
        return _is_upper(context, left, "number")
    if operator.type == "==" and literal_of(right) in (1, 1.0):
        return _is_upper(context, left, "number")
    columns, rows = (left, right) if operator.type == ">" else (right, left)
    if operator.type not in ("<", ">") or columns.type != "subscript" or rows.type != "subscript":
        return False
    across = [text_of(key) for key in columns.children_by_field_name("subscript")]
    down = [text_of(key) for key in rows.children_by_field_name("subscript")]
    is_square = text_of(columns.named_children[0]) == text_of(rows.named_children[0])
    made = call_of(origin(context, columns.named_children[0]))
    is_range = made is not None and context.name(made.function) == "mlx.core.arange" and len(made.arguments) == 1
    return is_square and is_range and across in (["None"], ["None", ":"]) and down == [":", "None"]


def _is_upper(context: RuleContext, node: Node | None, kind: str) -> bool:
    """Return whether a triangle of ones, of numbers or of booleans, lies above the diagonal: ``triu(ones, k=1)``."""
    call = call_of(origin(context, node))
    if call is None or call.name != "triu" or not call.arguments:
        return False
    name = context.name(call.function) or context.external(call.function)
    offset = call.value("k") or next(iter(call.arguments[1:2]), None)
    number = literal_of(offset)
    made = call_of(origin(context, call.arguments[0]))
    if name not in ("mlx.core.triu", "numpy.triu") or type(number) is not int or number < 1 or made is None:
        return False
    dtype = made.value("dtype") or next(iter(made.arguments[1:2]), None)
    is_bool = dtype is not None and text_of(dtype).rpartition(".")[2] in _BOOLEAN
    is_made = (context.name(made.function) or context.external(made.function)) in (*_ONES, "numpy.ones")
    return is_made and is_bool == (kind == "bool")
