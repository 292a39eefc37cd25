"""Strides of ``mx.as_strided`` in bytes, as NumPy has them."""

import re
from collections.abc import Iterator

from tenny_lsp.pitfalls.calls import Call
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.origins import last_value
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.source.syntax import Node, every, field, text_of

_PAGE = PYTHON + "_autosummary/mlx.core.as_strided.html"
_V = "v = mx.arange(8.0)\n"
_RIGHT = "y.tolist() == [[0, 1, 2], [2, 3, 4], [4, 5, 6]]"
_TIMES = re.compile(r"\s*\*\s*[\w.]+\.itemsize\b|\b[\w.]+\.itemsize\s*\*\s*")
_ALONE = re.compile(r"\b[\w.]+\.itemsize\b")
_DEEPEST = 4


@rule(
    "strides-in-bytes",
    "warning",
    "Strides in bytes",
    _PAGE,
    calls=("as_strided",),
    examples=(
        Example(f"{_V}y = mx.as_strided(v, (3, 3), (2 * v.itemsize, v.itemsize))",
                f"{_V}y = mx.as_strided(v, (3, 3), (2, 1))", _RIGHT, "wrong"),
        Example(f"{_V}steps = (2 * v.itemsize, v.itemsize)\ny = mx.as_strided(v, shape=(3, 3), strides=steps)",
                f"{_V}steps = (2, 1)\ny = mx.as_strided(v, shape=(3, 3), strides=steps)", _RIGHT, "wrong"),
        Example(f"{_V}size = v.itemsize\ny = mx.as_strided(v, (3, 3), [2 * size, size])",
                f"{_V}y = mx.as_strided(v, (3, 3), [2, 1])", _RIGHT, "wrong", is_fixed=False),
        Example(f"{_V}n = np.arange(8.0)\ny = mx.as_strided(v, (3, 3), (2 * n.strides[0], n.strides[0]))",
                f"{_V}y = mx.as_strided(v, (3, 3), (2, 1))", _RIGHT, "wrong", is_fixed=False),
    ),
)  # fmt: skip
def strides_in_bytes(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find strides that are multiplied by the size of an element, or taken from NumPy: MLX counts elements."""
    strides = call.value("strides") or next(iter(call.arguments[2:3]), None)
    if strides is None or context.name(call.function) != "mlx.core.as_strided":
        return
    made = last_value(context, strides) if context.is_own(strides) else strides
    if made is None or not _is_in_bytes(context, made):
        return
    text, fixes = _ALONE.sub("1", _TIMES.sub("", text_of(made))), tuple[Fix, ...]()
    if made.type in ("tuple", "list") and text != text_of(made):
        fixes = (Fix(f"Write {text}", (replaced(made, text),), is_safe=False),)
    yield Finding(
        strides, "`mx.as_strided` counts strides in elements, NumPy in bytes: this skips elements and reads past the "
        "end of the array.", fixes,
    )  # fmt: skip


def _is_in_bytes(context: RuleContext, node: Node, depth: int = 0) -> bool:
    """Return whether an expression has the size of an element as a factor, or strides that are NumPy's own."""
    if depth > _DEEPEST or "/" in text_of(node) or "nbytes" in text_of(node):
        return False
    for found in every(node):
        if found.type == "attribute":
            name = text_of(field(found, "attribute") or found)
            is_size = name == "size" and text_of(found).endswith(".dtype.size")
            if name == "itemsize" or is_size or (name == "strides" and _is_of_numpy(context, found)):
                return True
        elif found.type == "identifier" and context.is_own(found) and (found.parent or node).type != "attribute":
            value = last_value(context, found)
            if value is not None and _is_in_bytes(context, value, depth + 1):
                return True
    return False


def _is_of_numpy(context: RuleContext, node: Node) -> bool:
    """Return whether the strides are those of an array that a function of NumPy makes, of more than one byte each."""
    owner = field(node, "object")
    made = last_value(context, owner) if owner is not None and context.is_own(owner) else None
    function = field(made, "function")
    is_small = made is not None and re.search(r"int8|bool|uint8|S1", text_of(made)) is not None
    return function is not None and context.external(function).startswith("numpy.") and not is_small


RULES = (strides_in_bytes,)
