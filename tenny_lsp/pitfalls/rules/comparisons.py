"""Lists beside arrays, and dtypes compared with what no dtype of MLX equals."""

from collections.abc import Iterator

from tenny_lsp.inference.meaning import is_of
from tenny_lsp.pitfalls.calls import call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Edit, Fix, replaced
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.pitfalls.values import literal_of
from tenny_lsp.source.syntax import Node, field, text_of

_TYPES = PYTHON + "data_types.html"
_OPERATORS = {"+", "-", "*", "/", "//", "**", "@", "&", "|", "^"}
_EQUAL = {"==", "!="}
_ORDERED = {"<", ">", "<=", ">="}
_HALF = "h = x.astype(mx.float16)\n"
_LISTS = ("list", "tuple", "list_comprehension")


@rule(
    "list-operand",
    "error",
    "A list beside an array",
    PYTHON + "array.html",
    kinds=("comparison_operator", "binary_operator"),
    examples=(
        Example("y = mx.all(mx.arange(3) == [0, 1, 2])", "y = mx.all(mx.arange(3) == mx.array([0, 1, 2]))", "y.item()"),
        Example(
            "expected = [0, 1, 2]\ny = (mx.arange(3) == expected)",
            "expected = [0, 1, 2]\ny = (mx.arange(3) == mx.array(expected)).all()",
            "bool(y)",
            "wrong",
            is_fixed=False,
        ),
        Example("y = x + [1.0, 2.0, 3.0]", "y = x + mx.array([1.0, 2.0, 3.0])", "y.shape == (2, 3)"),
        Example("y = (0.3, 0.6, 0.1) * x", "y = mx.array((0.3, 0.6, 0.1)) * x", "y.shape == (2, 3)"),
        Example("y = x[0] < [1, 2, 3]", "y = x[0] < mx.array([1, 2, 3])", "y.shape == (3,)"),
    ),
)
def list_operand(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find lists and tuples as an operand of an array: they equal none, and nothing can be computed with them."""
    operator = next((text_of(child) for child in node.children if not child.is_named), "")
    allowed = _OPERATORS if node.type == "binary_operator" else _EQUAL | _ORDERED
    if len(node.named_children) != 2 or operator not in allowed:
        return
    for part, other in (node.named_children, reversed(node.named_children)):
        if not _is_list(context, part) or _is_list(context, other) or not context.is_array(other):
            continue
        if is_guarded(context, node, ("ValueError",)):
            continue
        mx = context.alias("mlx.core", node)
        made = f"{mx or 'mx'}.array({text_of(part)})"
        fixes = (Fix(f"Write {made}", (replaced(part, made),), literal_of(part) is not None),) if mx else ()
        what = "is one `False`, not an array" if operator == "==" else "is one `True`, not an array"
        what = what if operator in _EQUAL else "raises"
        kind = "tuple" if part.type == "tuple" else "list"
        yield Finding(part, f"An `mx.array` {operator} a {kind} {what}. Write `{made}`.", fixes)


def _is_list(context: RuleContext, node: Node) -> bool:
    """Return whether an expression is a list or tuple that stands in the text; annotations say so of arrays too."""
    if node.type == "identifier":  # to find out whether a name's value is modified takes longer
        binding = context.binding_of(node)
        value = binding.value if binding is not None else None
        return value is not None and value.type in _LISTS and context.value_of(node) is not None
    return node.type in _LISTS


@rule(
    "dtype-comparison",
    "warning",
    "A dtype compared with what none equals",
    _TYPES,
    kinds=("comparison_operator",),
    words=("dtype",),
    examples=(
        Example(_HALF + 'y = h.dtype == "float16"', _HALF + "y = h.dtype == mx.float16", "y", "wrong"),
        Example(_HALF + "y = h.dtype is mx.float16", _HALF + "y = h.dtype == mx.float16", "y", "wrong"),
        Example(_HALF + "y = h.dtype == np.float16", _HALF + "y = h.dtype == mx.float16", "y", "wrong"),
        Example(
            _HALF + 'y = h.dtype in ("float16", "bfloat16")', _HALF + "y = h.dtype in (mx.float16, mx.bfloat16)", "y",
            "wrong",
        ),
        Example(_HALF + 'y = str(h.dtype) != "float16"', _HALF + "y = h.dtype != mx.float16", "not y", "wrong"),
        Example(_HALF + "y = h.dtype is not mx.float16", _HALF + "y = h.dtype != mx.float16", "not y", "wrong"),
    ),
)  # fmt: skip
def dtype_comparison(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find dtypes beside names and other libraries' types, which they never equal, and by identity, which they lack."""
    operator = " ".join(text_of(child) for child in node.children if not child.is_named)
    if len(node.named_children) != 2:
        return
    left, right = node.named_children
    if operator in ("is", "is not"):
        yield from _by_identity(context, node, operator)
    elif operator in ("==", "!="):
        for dtype, other in ((left, right), (right, left)):
            own = _own_name(context, other, is_text=dtype.type == "call")
            told = _told(context, dtype) if own is not None else None
            if told is not None and own is not None and not is_guarded(context, node):
                edits = (replaced(dtype, text_of(told)), replaced(other, own)) if own else ()
                yield _never(context, node, operator, edits)
                return
    elif operator in ("in", "not in") and right.type in ("tuple", "list", "set"):
        items = right.named_children
        own_names = [_own_name(context, one, is_text=left.type == "call") for one in items]
        told = _told(context, left) if items and None not in own_names else None
        if told is not None:
            written = [replaced(one, own) for one, own in zip(items, own_names, strict=True) if own]
            is_known = len(written) == len(items)
            yield _never(context, node, operator, (replaced(left, text_of(told)), *written) if is_known else ())


def _never(context: RuleContext, node: Node, operator: str, edits: tuple[Edit, ...]) -> Finding:
    always = "true" if operator in ("!=", "not in") else "false"
    fixes = (Fix("Compare with MLX's dtype", edits),) if edits else ()
    mx = context.alias("mlx.core", node) or "mx"
    return Finding(
        node, f"A dtype equals only another of MLX's, such as `{mx}.float16`; this is always {always}. As a text it is "
        '`"mlx.core.float16"`.', fixes,
    )  # fmt: skip


def _by_identity(context: RuleContext, node: Node, operator: str) -> Iterator[Finding]:
    left, right = node.named_children
    if any(_is_read(context, one) for one in (left, right)) and all(_is_dtype(context, one) for one in (left, right)):
        sign = "!=" if "not" in operator else "=="
        fix = Fix(f"Write {sign}", (replaced(node, f"{text_of(left)} {sign} {text_of(right)}"),))
        yield Finding(
            node, f"`x.dtype` is a new object each time it is read, so `{operator}` is always "
            f"{'true' if 'not' in operator else 'false'}. Compare with `==` or `!=`.", (fix,),
        )  # fmt: skip


def _is_dtype(context: RuleContext, node: Node) -> bool:
    return is_of(context.meaning(node), "mlx.core.Dtype")


def _is_read(context: RuleContext, node: Node) -> bool:
    """Return whether an expression is the ``dtype`` of an array, read where it stands."""
    return node.type == "attribute" and text_of(node).endswith(".dtype") and context.is_array(field(node, "object"))


def _told(context: RuleContext, node: Node) -> Node | None:
    """Return the dtype that is compared: itself, or what ``str`` makes a text of; None where it is none."""
    call = call_of(node)
    if call is not None:
        is_text = call.name in ("str", "repr") and context.external(call.function) in ("str", "repr")
        first = call.arguments[0] if is_text and len(call.arguments) == 1 and call.is_whole else None
        return first if first is not None and _is_called_dtype(context, first) and _is_dtype(context, first) else None
    return node if _is_called_dtype(context, node) and _is_dtype(context, node) else None


def _is_called_dtype(context: RuleContext, node: Node) -> bool:
    """Return whether a name, or the value that it is assigned, is called a dtype: to evaluate each takes longer."""
    if node.type not in ("identifier", "attribute"):
        return False
    binding = context.binding_of(node)
    value = binding.value if binding is not None else None
    return any("dtype" in text_of(one).lower() for one in (node, value) if one is not None)


def _own_name(context: RuleContext, node: Node, *, is_text: bool) -> str | None:
    """Return MLX's name for what a dtype never equals; empty where it has none, None where it may equal it.

    Args:
        context (RuleContext): The file.
        node (Node): What a dtype is compared with.
        is_text (bool): Whether it is the dtype's text that is compared.
    """
    name = literal_of(node) if node.type == "string" else None
    if isinstance(name, str):
        if is_text and (name.startswith("mlx.core.") or not name):
            return None
        found, mx = context.index.resolve(f"mlx.core.{name.rpartition('.')[2]}"), context.alias("mlx.core", node)
        return f"{mx}.{found.short_name}" if found is not None and mx and _is_dtype_entry(found.annotation) else ""
    is_type = node.type == "attribute" and context.is_of_module(node)
    if is_text or not (is_type or text_of(node) in ("float", "int", "bool", "complex")):
        return None
    external = context.external(node)
    if external.split(".")[0] in ("numpy", "torch", "jax") and is_type:
        found, mx = context.index.resolve(f"mlx.core.{external.rpartition('.')[2]}"), context.alias("mlx.core", node)
        is_own = found is not None and mx and _is_dtype_entry(found.annotation)
        return f"{mx}.{found.short_name}" if found is not None and is_own else ""
    return "" if external in ("float", "int", "bool", "complex") else None


def _is_dtype_entry(annotation: str) -> bool:
    return annotation.rpartition(".")[2] == "Dtype"


RULES = (list_operand, dtype_comparison)
