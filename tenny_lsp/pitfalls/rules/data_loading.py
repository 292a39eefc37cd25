"""Data that a loop converts as a whole for each of its batches."""

import re
from collections.abc import Iterator

from tenny_lsp.pitfalls.calls import Call, within
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.rule import USAGE, Example, Finding, rule
from tenny_lsp.source.syntax import COMPREHENSIONS, Node, field, text_of, up_to

_LOOPS = ("for_statement", "while_statement", *COMPREHENSIONS)
_DATA = "data = np.arange(12.0)\ny = 0\n"


@rule(
    "converted-for-each-batch",
    "warning",
    "All data converted for each batch",
    USAGE + "numpy.html",
    calls=("array",),
    examples=(
        Example(f"{_DATA}for i in range(0, 12, 4):\n    batch = mx.array(data)[i : i + 4]\n    y += batch.sum().item()",
                f"{_DATA}for i in range(0, 12, 4):\n    batch = mx.array(data[i : i + 4])\n    y += batch.sum().item()",
                "y == 66", "slow"),
        Example(f"{_DATA}batches = [mx.array(data)[i : i + 4] for i in range(0, 12, 4)]\ny = len(batches)",
                f"{_DATA}batches = [mx.array(data[i : i + 4]) for i in range(0, 12, 4)]\ny = len(batches)",
                "y == 3", "slow"),
        Example("class Data:\n    def __init__(self):\n        self.images = np.zeros((4, 2))\n"
                "    def __getitem__(self, index):\n        return mx.array(self.images)[index]\ny = Data()[0]",
                "class Data:\n    def __init__(self):\n        self.images = np.zeros((4, 2))\n"
                "    def __getitem__(self, index):\n        return mx.array(self.images[index])\ny = Data()[0]",
                "y.shape == (2,)", "slow"),
        Example(f"{_DATA}for i in range(3):\n    whole = mx.array(data)\n    batch = whole[4 * i : 4 * i + 4]\n"
                "    y += batch.sum().item()",
                f"{_DATA}whole = mx.array(data)\nfor i in range(3):\n    batch = whole[4 * i : 4 * i + 4]\n"
                "    y += batch.sum().item()",
                "y == 66", "slow", is_fixed=False),
    ),
)  # fmt: skip
def converted_for_each_batch(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find ``mx.array(data)`` in a loop, of which only what the turn is about is used."""
    outer = call.node.parent
    given = call.arguments[0] if call.is_whole and len(call.arguments) == 1 else None
    if outer is None or given is None or given.type not in ("identifier", "attribute"):
        return
    if outer.type not in ("subscript", "assignment") or context.name(call.function) != "mlx.core.array":
        return
    loop = up_to(outer, *_LOOPS, "function_definition", "lambda")
    bound = _bound(loop) if loop is not None else set()
    if loop is None or not bound or _words(given) & bound:
        return
    fixes: tuple[Fix, ...] = ()
    if outer.type == "subscript" and field(outer, "value") == call.node:
        keys = outer.children_by_field_name("subscript")
        is_part = bool(_words(keys[0]) & bound) and not (keys[0].type == "identifier" and _is_short(loop))
        text = f"({text_of(given)}[{', '.join(map(text_of, keys))}]"
        edits = (replaced(outer, f"{text_of(call.function)}{text}{_rest(call)})"),)
        fixes = (Fix("Convert the part alone", edits, is_safe=False),)
    else:
        is_part = _is_used_in_parts(outer, loop, bound)
    if is_part:
        yield Finding(
            call.node, f"This copies all of `{text_of(given)}` each time, and a part of it is used. Take the part "
            "first, or convert once before.", fixes,
        )  # fmt: skip


def _rest(call: Call) -> str:
    """Return the keyword arguments of a call as they follow another."""
    return "".join(f", {text_of(one)}" for one in call.keywords.values())


def _is_short(loop: Node) -> bool:
    """Return whether a loop goes through a few numbers, as through the parts of a point."""
    clauses = (one for one in loop.named_children if one.type == "for_in_clause")
    over = field(loop, "right") or next((field(one, "right") for one in clauses), None)
    return over is not None and re.fullmatch(r"range\(\d\)", text_of(over)) is not None


def _words(node: Node) -> set[str]:
    return set(re.findall(r"\w+", text_of(node)))


def _bound(loop: Node) -> set[str]:
    """Return the names that each turn of a loop binds, or each call of ``__getitem__``."""
    if loop.type == "function_definition":
        name, listed = field(loop, "name"), field(loop, "parameters")
        is_item = name is not None and text_of(name) == "__getitem__" and listed is not None
        return {text_of(one) for one in listed.named_children[1:2]} if is_item and listed is not None else set()
    targets = [field(loop, "left")] if loop.type == "for_statement" else []
    targets += [field(one, "left") for one in loop.named_children if one.type == "for_in_clause"]
    targets += [field(one, "left") for one in within(field(loop, "body"), "assignment", "augmented_assignment")]
    targets += [field(one, "left") for one in within(field(loop, "body"), "for_statement")]
    return {word for one in targets if one is not None for word in re.findall(r"(?<![\w.])[A-Za-z_]\w*", text_of(one))}


def _is_used_in_parts(assignment: Node, loop: Node, bound: set[str]) -> bool:
    """Return whether an array that a turn makes is only read by index there, once at least by the turn's own."""
    name = field(assignment, "left")
    if name is None or name.type != "identifier" or loop.type not in ("for_statement", "while_statement"):
        return False
    uses = [one for one in within(loop, "identifier") if text_of(one) == text_of(name) and one != name]
    parts = [use.parent for use in uses if use.parent is not None and field(use.parent, "value") == use]
    is_read = all(up_to(one, *_LOOPS) == loop and _is_plain(one) for one in parts)
    own = bound - {text_of(name)}
    keys = (key for one in parts for key in one.children_by_field_name("subscript"))
    return is_read and len(parts) == len(uses) and any(_words(key) & own for key in keys)


def _is_plain(node: Node) -> bool:
    """Return whether an item is read, and not assigned."""
    outer = node.parent
    return node.type == "subscript" and outer is not None and field(outer, "left") != node


RULES = (converted_for_each_batch,)
