"""Methods and functions of MLX that are used without being called."""

from collections.abc import Iterator
from functools import lru_cache

from tenny_lsp.inference.meaning import NUMBERS
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, inserted
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.source.syntax import Node, field, text_of

_ARITHMETIC = {"+", "-", "*", "/", "//", "%", "**"}
_COMPARED = {"<", ">", "<=", ">=", "==", "!="}
_GROUP = "group = mx.distributed.init()\n"


@rule(
    "uncalled-method",
    "error",
    "A method that is not called",
    PYTHON + "distributed.html",
    kinds=("binary_operator", "comparison_operator", "slice", "if_statement", "while_statement", "not_operator"),
    examples=(
        Example(f"{_GROUP}y = 64 // group.size", f"{_GROUP}y = 64 // group.size()", "y == 64"),
        Example(f"{_GROUP}y = group.rank == 0", f"{_GROUP}y = group.rank() == 0", "y", "wrong"),
        Example(f"{_GROUP}y = x[group.rank :: group.size()]", f"{_GROUP}y = x[group.rank() :: group.size()]",
                "y.shape == (2, 3)"),
        Example("y = 1 if not mx.distributed.is_available else 2", "y = 1 if not mx.distributed.is_available() else 2",
                "y == 2 - (not mx.distributed.is_available())", "undefined"),
    ),
)  # fmt: skip
def uncalled_method(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find methods and functions in the place of the number or the truth value that a call of them returns."""
    for part, what in _places(context, node):
        entry = _function(context, part)
        returns = {signature.returns for signature in entry.signatures} if entry is not None else set()
        if entry is None or (what == "condition" and not (returns and returns <= {"bool", "int"})):
            continue
        needs = any(one.default == "" and "variadic" not in one.kind for s in entry.signatures for one in s.parameters)
        fixes = () if needs else (Fix("Call it", (inserted(part.end_byte, "()"),), is_safe=False),)
        happens = {"condition": "which is always true", "==": "which equals no number"}.get(what, "and this raises")
        yield Finding(
            part, f"`{text_of(part)}` is the {entry.kind} itself, {happens}: write `{text_of(part)}()`.", fixes
        )


def _places(context: RuleContext, node: Node) -> Iterator[tuple[Node, str]]:
    """Yield the attributes that stand where a function cannot be meant, each with what they stand in."""
    if node.type == "slice":
        owner = field(node.parent, "value")
        parts = [part for part in node.named_children if part.type == "attribute" and _function(context, part)]
        if parts and context.is_array(owner):
            yield from ((part, "slice") for part in parts)
    elif node.type in ("if_statement", "while_statement"):
        condition = field(node, "condition")
        if condition is not None and condition.type == "attribute":
            yield condition, "condition"
    elif node.type == "not_operator":
        argument = field(node, "argument")
        if argument is not None and argument.type == "attribute":
            yield argument, "condition"
    elif len(node.named_children) == 2:
        operator = next((text_of(child) for child in node.children if not child.is_named), "")
        allowed = _ARITHMETIC if node.type == "binary_operator" else _COMPARED
        for part, other in (node.named_children, reversed(node.named_children)):
            if part.type != "attribute" or operator not in allowed or _function(context, part) is None:
                continue
            if context.meaning(other) in NUMBERS or context.is_array(other):
                yield part, "==" if operator in ("==", "!=") else operator


def _function(context: RuleContext, node: Node) -> ApiEntry | None:
    """Return the function or method of MLX that an attribute is; None where it is not certain to be one."""
    if text_of(field(node, "attribute") or node) not in _names(context.index):  # its meaning takes longer
        return None
    entry = context.entry(node)
    return entry if entry is not None and entry.kind in ("function", "method") else None


@lru_cache(maxsize=4)
def _names(index: ApiIndex) -> frozenset[str]:
    return frozenset(entry.short_name for entry in index if entry.kind in ("function", "method"))


RULES = (uncalled_method,)
