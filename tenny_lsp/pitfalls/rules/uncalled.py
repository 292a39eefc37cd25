"""Methods and functions of MLX that are used without being called."""

from collections.abc import Iterator
from functools import lru_cache

from tenny_lsp.inference.meaning import NUMBERS
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.pitfalls.calls import Call
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, inserted
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.source.syntax import Node, field, text_of

_ARITHMETIC = {"+", "-", "*", "/", "//", "%", "**"}
_COMPARED = {"<", ">", "<=", ">=", "==", "!="}
#: What takes values: ``float(loss.item)``.
_TAKEN = ("print", "float", "int", "bool", "str", "len", "round", "append")
_GROUP = "group = mx.distributed.init()\n"


@rule(
    "uncalled-method",
    "error",
    "A method that is not called",
    PYTHON + "distributed.html",
    kinds=(
        "binary_operator", "comparison_operator", "slice", "if_statement", "while_statement", "not_operator",
        "expression_statement", "interpolation",
    ),
    calls=_TAKEN,
    examples=(
        Example(f"{_GROUP}y = 64 // group.size", f"{_GROUP}y = 64 // group.size()", "y == 64"),
        Example(f"{_GROUP}y = group.rank == 0", f"{_GROUP}y = group.rank() == 0", "y", "wrong"),
        Example(f"{_GROUP}y = x[group.rank :: group.size()]", f"{_GROUP}y = x[group.rank() :: group.size()]",
                "y.shape == (2, 3)"),
        Example("y = 1 if not mx.distributed.is_available else 2", "y = 1 if not mx.distributed.is_available() else 2",
                "y == 2 - (not mx.distributed.is_available())", "undefined"),
        Example("model = nn.Dropout(0.5)\nmodel.eval\ny = model(mx.ones(99)).min()",
                "model = nn.Dropout(0.5)\nmodel.eval()\ny = model(mx.ones(99)).min()", "y.item() == 1", "wrong"),
        Example("y = float(x.sum().item)", "y = float(x.sum().item())", "y == 15"),
        Example('loss = x.sum()\ny = f"{loss.item}"', 'loss = x.sum()\ny = f"{loss.item()}"', 'y == "15.0"', "wrong"),
        Example("losses = []\nlosses.append(x.sum().item)\ny = sum(losses)",
                "losses = []\nlosses.append(x.sum().item())\ny = sum(losses)", "y == 15"),
    ),
)  # fmt: skip
def uncalled_method(context: RuleContext, node: Node | Call) -> Iterator[Finding]:
    """Find methods and functions in the place of the number or the truth value that a call of them returns."""
    if isinstance(node, Call):
        yield from _given(context, node)
        return
    for part, what in _places(context, node):
        entry = _function(context, part)
        returns = {signature.returns for signature in entry.signatures} if entry is not None else set()
        if entry is None or (what == "condition" and not (returns and returns <= {"bool", "int"})):
            continue
        needs = any(one.default == "" and "variadic" not in one.kind for s in entry.signatures for one in s.parameters)
        fixes = () if needs else (Fix("Call it", (inserted(part.end_byte, "()"),), is_safe=False),)
        happens = {
            "condition": "which is always true", "==": "which equals no number", "alone": "and does nothing",
            "text": "and no value is shown",
        }.get(what, "and this raises")  # fmt: skip
        yield Finding(
            part, f"`{text_of(part)}` is the {entry.kind} itself, {happens}: write `{text_of(part)}()`.", fixes
        )


def _given(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Report methods of arrays that are given to what takes their values: ``float(loss.item)``."""
    is_python = call.owner is None and context.external(call.function) == call.name
    is_added = call.name == "append" and call.owner is not None
    for part in call.arguments if is_python or is_added else ():
        entry = _function(context, part) if part.type == "attribute" else None
        if (
            entry is not None
            and entry.name.startswith("mlx.core.array.")
            and (not is_added or entry.short_name == "item")
        ):
            fix = Fix("Call it", (inserted(part.end_byte, "()"),), is_safe=False)
            yield Finding(
                part, f"`{text_of(part)}` is the method itself, and no value: write `{text_of(part)}()`.", (fix,)
            )


def _places(context: RuleContext, node: Node) -> Iterator[tuple[Node, str]]:
    """Yield the attributes that stand where a function cannot be meant, each with what they stand in."""
    if node.type == "slice":
        owner = field(node.parent, "value")
        parts = [part for part in node.named_children if part.type == "attribute" and _function(context, part)]
        if parts and context.is_array(owner):
            yield from ((part, "slice") for part in parts)
    elif node.type in ("expression_statement", "interpolation"):
        first = node.named_children[0] if node.named_children else None
        is_alone = len(node.named_children) == 1 or node.type == "interpolation"
        if first is not None and first.type == "attribute" and is_alone:
            entry = _function(context, first)
            if entry is not None and (node.type != "interpolation" or entry.name.startswith("mlx.core.array.")):
                yield first, "alone" if node.type == "expression_statement" else "text"
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
