"""Comparisons of MLX's objects with what they never equal: their names, lists, Python's own True and False."""

from collections.abc import Iterator

from tenny_lsp.inference.meaning import is_of
from tenny_lsp.pitfalls.calls import call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.rule import PYTHON, USAGE, Example, Finding, rule
from tenny_lsp.pitfalls.traced import outer_value
from tenny_lsp.pitfalls.values import literal_of
from tenny_lsp.source.syntax import Node, field, text_of

_DEVICES = {"gpu": "gpu", "cpu": "cpu", "cuda": "gpu", "mps": "gpu", "metal": "gpu"}


@rule(
    "never-equal",
    "warning",
    "A comparison that is always false",
    PYTHON + "array.html",
    kinds=("comparison_operator",),
    examples=(
        Example("y = mx.any(x > 4) is True", "y = mx.any(x > 4).item() is True", "y", "wrong"),
        Example("y = 0\nif (x == x).all() is not True:\n    y = 1",
                "y = 0\nif (x == x).all().item() is not True:\n    y = 1", "y == 0", "wrong"),
        Example("y = x.shape == [2, 3]", "y = x.shape == (2, 3)", "y", "wrong"),
        Example("mx.set_default_device(mx.cpu)\ny = mx.default_device() == 'cpu'",
                "mx.set_default_device(mx.cpu)\ny = mx.default_device() == mx.cpu", "y", "wrong"),
        Example("mx.set_default_device(mx.cpu)\nd = mx.default_device()\ny = d.type == 'cpu'",
                "mx.set_default_device(mx.cpu)\nd = mx.default_device()\ny = d.type == mx.cpu", "y", "wrong"),
    ),
)  # fmt: skip
def never_equal(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find arrays compared with True by ``is``, shapes with lists, and devices with texts."""
    operators = [text_of(child) for child in node.children if not child.is_named]
    if len(node.named_children) != 2:
        return
    left, right = node.named_children
    if operators in (["is"], ["is not"], ["is", "not"]) and right.type in ("true", "false"):
        yield from _by_identity(context, left, right, node, is_negative=len(" ".join(operators)) > 2)
    elif operators in (["=="], ["!="]):
        is_false = operators == ["=="]
        yield from _of_shape(context, left, right, is_false=is_false)
        if "string" in (left.type, right.type):
            yield from _of_device(context, (right, left) if left.type == "string" else (left, right), is_false=is_false)


def _by_identity(context: RuleContext, array: Node, other: Node, node: Node, *, is_negative: bool) -> Iterator[Finding]:
    is_known = array.type != "identifier" or context.value_of(array) is not None
    if not is_known or not context.is_array(array):
        return
    edit = replaced(array, f"{text_of(array)}.item()")
    yield Finding(
        node, f"An array is an object of its own, and never `{text_of(other)}` itself: this is always "
        f"{'true' if is_negative else 'false'}. `.item()` makes a truth value of it.",
        (Fix("Compare its value", (edit,), is_safe=False),),
    )  # fmt: skip


def _of_shape(context: RuleContext, left: Node, right: Node, *, is_false: bool) -> Iterator[Finding]:
    name = field(left, "attribute") if left.type == "attribute" and right.type == "list" else None
    if name is not None and text_of(name) == "shape" and context.is_array(field(left, "object")):
        items = [text_of(one) for one in right.named_children if one.type != "comment"]
        text = f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
        yield Finding(
            right, f"A shape is a tuple, and equals no list: this is always {'false' if is_false else 'true'}.",
            (Fix(f"Write {text}", (replaced(right, text),), is_safe=False),),
        )  # fmt: skip


def _of_device(context: RuleContext, sides: tuple[Node, Node], *, is_false: bool) -> Iterator[Finding]:
    device, name = sides
    word = literal_of(name)
    known = _DEVICES.get(word.partition(":")[0].lower()) if isinstance(word, str) else None
    if known is None or not _is_device(context, device):
        return
    mx = context.alias("mlx.core", device)
    fixes = (Fix(f"Write {mx}.{known}", (replaced(name, f"{mx}.{known}"),), is_safe=False),) if mx else ()
    yield Finding(
        name, f"A device equals `mx.cpu` or `mx.gpu`, and no text: this is always {'false' if is_false else 'true'}.",
        fixes, link=f"{USAGE}using_streams.html",
    )  # fmt: skip


def _is_device(context: RuleContext, node: Node) -> bool:
    """Return whether an expression is the device by default, or the type of that."""
    if node.type == "attribute" and text_of(node.named_children[-1]) == "type":
        node = node.named_children[0]
    if is_of(context.meaning(node), "mlx.core.Device"):
        return True
    call = call_of(outer_value(context, node) if node.type == "identifier" else node)
    return call is not None and context.name(call.function) == "mlx.core.default_device"


RULES = (never_equal,)
