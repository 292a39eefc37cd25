"""What is sorted the other way round than PyTorch and NumPy's users expect: the largest elements, and their reverse."""

import re
from collections.abc import Iterator

from tenny_lsp.inference.names import reaching_bindings
from tenny_lsp.inference.shapes.values import Array
from tenny_lsp.pitfalls.calls import Call, call_of, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.guards import is_prepared
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.pitfalls.values import literal_of
from tenny_lsp.source.syntax import Node, field, text_of

_PAGE = PYTHON + "_autosummary/mlx.core."
#: What the greater of two values is called where it is meant to come first.
_GREATEST = re.compile(
    r"(?:best|first|highest|largest|greatest|winner|max|top_?1|top)(?:_(?:p|prob|logit|score|value))?"
)
_SECOND = re.compile(r"(?:second|runner|next|other|top_?2|low)\w*")
_ORDERED = {"<", ">", "<=", ">="}
#: What leaves the values of an array as they are.
_KEPT = ("astype", "reshape", "squeeze", "expand_dims", "stop_gradient")
_Z = "z = mx.array([[3.0, 1.0, 9.0, 2.0, 4.0]])\n"


@rule(
    "topk-order",
    "warning",
    "The results of `mx.topk` taken for descending",
    _PAGE + "topk.html",
    calls=("topk",),
    examples=(
        Example(
            f"{_Z}kth = mx.topk(z, 3)[..., -1:]\ny = mx.where(z < kth, -mx.inf, z)",
            f"{_Z}kth = mx.topk(z, 3)[..., :1]\ny = mx.where(z < kth, -mx.inf, z)",
            "mx.isfinite(y).sum().item() == 3", "wrong",
        ),
        Example(
            f"{_Z}top = mx.topk(z, k=3)\ny = mx.where(z >= top[:, [-1]], z, -mx.inf)",
            f"{_Z}top = mx.topk(z, k=3)\ny = mx.where(z >= top[:, [0]], z, -mx.inf)",
            "mx.isfinite(y).sum().item() == 3", "wrong",
        ),
        Example(
            f"{_Z}top = mx.topk(z, 2)\ny = top[:, 0] - top[:, 1]",
            f"{_Z}top = mx.topk(z, 2)\ny = top[:, 1] - top[:, 0]",
            "y.item() == 5", "wrong",
        ),
        Example(
            f"{_Z}best, second = mx.topk(z[0], 2)\ny = best - second",
            f"{_Z}second, best = mx.topk(z[0], 2)\ny = best - second", "y.item() == 5", "wrong",
        ),
    ),
)  # fmt: skip
def topk_order(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find results of ``topk`` of which the last is taken for the least, or the first for the greatest."""
    count = call.value("k") or (call.arguments[-1] if call.arguments else None)
    if context.name(call.function) not in ("mlx.core.topk", "mlx.core.array.topk") or literal_of(count) == 1:
        return
    outer = call.node.parent
    left = field(outer, "left") if outer is not None and outer.type == "assignment" else None
    if left is not None and left.type in ("pattern_list", "tuple_pattern"):
        yield from _unpacked(left)
    for part in _parts(context, call.node):
        key = _last_key(part)
        if key is not None and text_of(key) in ("-1", "-1:", "[-1]") and _is_threshold(context, part):
            turned = {"-1": "0", "-1:": ":1", "[-1]": "[0]"}[text_of(key)]
            fix = Fix("Take the least", (replaced(key, turned),), is_safe=False)
            yield Finding(
                part, "The first of `mx.topk`'s values is the least, and the others are in no certain order: the last "
                "may be the greatest, and then nothing but that passes. Take the first, or `.min(axis=-1)`.", (fix,),
            )  # fmt: skip
        elif key is not None and text_of(key) == "0":
            yield from _difference(part)


def _unpacked(left: Node) -> Iterator[Finding]:
    names = left.named_children
    if len(names) != 2 or not _GREATEST.fullmatch(text_of(names[0])) or not _SECOND.fullmatch(text_of(names[1])):
        return
    turned = (replaced(names[0], text_of(names[1])), replaced(names[1], text_of(names[0])))
    yield Finding(
        left, f"The first of `mx.topk`'s values is the least: here that is `{text_of(names[0])}`.",
        (Fix("Exchange the names", turned, is_safe=False),),
    )  # fmt: skip


def _difference(part: Node) -> Iterator[Finding]:
    """Report the first less the second value: it is never above zero."""
    outer, key = part.parent, _last_key(part)
    if outer is None or outer.type != "binary_operator" or field(outer, "left") != part or key is None:
        return
    operator, right = field(outer, "operator"), field(outer, "right")
    other = _last_key(right) if right is not None else None
    is_next = (
        other is not None
        and text_of(other) == "1"
        and text_of(field(right, "value") or part) == text_of(field(part, "value") or outer)
    )
    around = call_of(outer.parent.parent) if outer.parent is not None and outer.parent.parent is not None else None
    if operator is None or operator.type != "-" or not is_next or (around is not None and "abs" in around.name):
        return
    if right is None or (around is not None and around.name == "square"):
        return
    turned = (replaced(part, text_of(right)), replaced(right, text_of(part)))
    yield Finding(
        outer, "The first of `mx.topk`'s values is the least of them, so that this is never above zero.",
        (Fix("Exchange them", turned, is_safe=False),),
    )  # fmt: skip


def _parts(context: RuleContext, result: Node) -> Iterator[Node]:
    """Yield the subscripts of a result, where it is made and under the only name that it is given."""
    outer = result.parent
    if outer is not None and outer.type == "subscript" and field(outer, "value") == result:
        yield outer
    left = _name_of(result)
    for part in within(context.scopes_around(left)[0].node, "subscript") if left is not None else ():
        value = field(part, "value")
        if left is not None and value is not None and text_of(value) == text_of(left) and _is(context, value, result):
            yield part


def _name_of(result: Node) -> Node | None:
    """Return the name that a result is assigned to."""
    outer = result.parent
    left = field(outer, "left") if outer is not None and outer.type == "assignment" else None
    return left if left is not None and left.type == "identifier" else None


def _is(context: RuleContext, name: Node, result: Node) -> bool:
    """Return whether a name is certain to stand for a result."""
    found = reaching_bindings(context.evaluator, text_of(name), name) or []
    return len(found) == 1 and found[0].value == result and not found[0].steps


def _last_key(part: Node) -> Node | None:
    """Return what a subscript takes of the last axis, where all axes before it are taken whole."""
    keys = part.children_by_field_name("subscript")
    while len(keys) > 1 and keys[-1].type == "none":
        keys = keys[:-1]
    return keys[-1] if keys and all(text_of(key) in (":", "...") for key in keys[:-1]) else None


def _is_threshold(context: RuleContext, part: Node) -> bool:
    """Return whether something is compared with a value, where it stands or under the only name it is given."""
    inner = _kept(part)
    outer = inner.parent
    if outer is not None and outer.type == "comparison_operator":
        return any(child.type in _ORDERED for child in outer.children)
    left = _name_of(inner)
    for one in within(context.scopes_around(left)[0].node, "comparison_operator") if left is not None else ():
        for side in one.named_children if any(child.type in _ORDERED for child in one.children) else ():
            name = side
            while name.type in ("subscript", "parenthesized_expression") and name.named_children:
                name = name.named_children[0]
            if name.type == "identifier" and left is not None and text_of(name) == text_of(left):
                return _is(context, name, inner)
    return False


def _kept(part: Node) -> Node:
    """Return the outermost expression around another that has the same values: reshaped, converted, in brackets."""
    inner, outer = part, part.parent
    while outer is not None:
        call = call_of(outer.parent)
        if call is not None and call.name in _KEPT:
            inner, outer = call.node, call.node.parent
        elif outer.type in ("parenthesized_expression", "subscript") and outer.named_children[0] == inner:
            inner, outer = outer, outer.parent
        else:
            break
    return inner


@rule(
    "partition-side",
    "warning",
    "The other side of a partition",
    _PAGE + "argpartition.html",
    calls=("argpartition", "partition"),
    examples=(
        Example(f"{_Z}k = 2\ny = mx.argpartition(z, kth=-k, axis=-1)[..., :k]",
                f"{_Z}k = 2\ny = mx.argpartition(z, kth=-k, axis=-1)[..., -k:]", "sorted(y[0].tolist()) == [2, 4]",
                "wrong"),
        Example(f"{_Z}ids = mx.argpartition(-z, 1)\ny = ids[:, -2:]",
                f"{_Z}ids = mx.argpartition(-z, 1)\ny = ids[:, :2]", "sorted(y[0].tolist()) == [2, 4]", "wrong"),
        Example(f"{_Z}y = mx.partition(z, -2)[:, :2]", f"{_Z}y = mx.partition(z, -2)[:, -2:]",
                "sorted(y[0].tolist()) == [4, 9]", "wrong"),
    ),
)  # fmt: skip
def partition_side(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find the part of a partition that ``kth`` does not bound: its elements are any."""
    kth = call.value("kth") or (call.arguments[1] if len(call.arguments) > 1 else None)
    is_own = context.name(call.function) in (f"mlx.core.{call.name}", f"mlx.core.array.{call.name}")
    if kth is None or not is_own or not call.arguments:
        return
    least, greatest = _counts(kth)
    for part in _parts(context, call.node):
        key = _last_key(part)
        text = text_of(key).replace(" ", "") if key is not None else ""
        wrong = {f":{greatest}": f"-{greatest}:", f"-{least}:": f":{least}"}
        if key is not None and text in wrong and (greatest or least):
            fix = Fix(f"Write {wrong[text]}", (replaced(key, wrong[text]),), is_safe=False)
            side = "greatest" if greatest else "least"
            yield Finding(
                part, f"`kth={text_of(kth)}` puts the {side} {greatest or least} elements "
                f"{'last' if greatest else 'first'}; on the other side stand any of the others.", (fix,),
            )  # fmt: skip


def _counts(kth: Node) -> tuple[str, str]:
    """Return how many elements ``kth`` sets apart at the beginning, or at the end: ``k`` of ``k - 1`` and ``-k``."""
    text = text_of(kth).replace(" ", "")
    number = literal_of(kth)
    if type(number) is int:
        return (str(number + 1), "") if number >= 0 else ("", str(-number))
    if match := re.fullmatch(r"-(\w+)", text):
        return "", match[1]
    match = re.fullmatch(r"(\w+)-1", text)
    return (match[1], "") if match else ("", "")


@rule(
    "reversed-sort",
    "warning",
    "`[::-1]` of what is sorted along another axis",
    _PAGE + "sort.html",
    kinds=("subscript",),
    is_general=True,
    needs_shapes=True,
    examples=(
        Example("y = mx.sort(x, axis=-1)[::-1]", "y = mx.sort(x, axis=-1)[..., ::-1]", "y[0].tolist() == [2, 1, 0]",
                "wrong"),
        Example("order = mx.argsort(x)\ny = order[::-1]", "order = mx.argsort(x)\ny = order[..., ::-1]",
                "y[0].tolist() == [2, 1, 0]", "wrong"),
        Example("y = mx.argsort(x, axis=1)[::-1][:, :1]", "y = mx.argsort(x, axis=1)[..., ::-1][:, :1]",
                "y.tolist() == [[2], [2]]", "wrong"),
    ),
)  # fmt: skip
def reversed_sort(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find ``[::-1]``, which reverses the first axis, of an array that is sorted along its last."""
    keys, value = node.children_by_field_name("subscript"), field(node, "value")
    if len(keys) != 1 or text_of(keys[0]).replace(" ", "") != "::-1" or value is None:
        return
    call = call_of(context.value_of(value))
    if call is None or call.name not in ("sort", "argsort") or not call.is_whole:
        return
    if context.name(call.function) not in (f"mlx.core.{call.name}", f"mlx.core.array.{call.name}"):
        return
    is_method = context.name(call.function).startswith("mlx.core.array.")
    given = call.value("axis") or next(iter(call.arguments[0 if is_method else 1 :]), None)
    axis, array = literal_of(given) if given is not None else -1, context.shape_value(value)
    if not isinstance(array, Array) or array.ndim is None or array.ndim < 2 or axis not in (-1, array.ndim - 1):
        return
    if not is_prepared(context, node):
        fix = Fix("Reverse the last axis", (replaced(keys[0], "..., ::-1"),), is_safe=False)
        yield Finding(
            keys[0], f"This array has {array.ndim} axes and is sorted along the last, and `[::-1]` reverses the first: "
            "the rows. Write `[..., ::-1]`.", (fix,),
        )  # fmt: skip


RULES = (topk_order, partition_side, reversed_sort)
