"""Leave out what one run of a function does not do: the branches of an ``if`` that asks whether a parameter is None."""

from tenny_lsp.inference.shapes.frames import Frame, Layer, Made
from tenny_lsp.inference.shapes.rule import Value
from tenny_lsp.inference.shapes.values import Array, Items
from tenny_lsp.source.scope import Binding, Branch
from tenny_lsp.source.syntax import Node, field, text_of


def taken(frame: Frame, bindings: list[Binding], position: int) -> list[Binding]:
    """Return those of the bindings that reach a use which a run of the function may have met last.

    Args:
        frame (Frame): The run; where it stands for every run, all of them are returned.
        bindings (list[Binding]): The bindings that reach the use, the last one first.
        position (int): Where the name is used.
    """
    if frame.arguments is None or len(bindings) < 2 or any(binding.loops for binding in bindings):
        return bindings
    found: list[Binding] = []
    for binding in bindings:
        branches = [branch for branch in binding.branches if position not in branch]
        are_taken = [_is_taken(frame, branch) for branch in branches]
        if False in are_taken:
            continue
        found.append(binding)
        if all(are_taken):
            break  # it hides the earlier ones
    return found or bindings


def _is_taken(frame: Frame, branch: Branch) -> bool | None:
    """Return whether a run goes through a branch; None where that is not known."""
    inside = frame.node.start_byte <= branch.start and branch.end <= frame.node.end_byte
    node: Node | None = frame.node.descendant_for_byte_range(branch.start, branch.start) if inside else None
    while node is not None and node.type != "if_statement":
        node = node.parent
    if node is None or branch.kind != "if" or len(node.children_by_field_name("alternative")) > 1:
        return None
    body, condition, other = field(node, "consequence"), field(node, "condition"), field(node, "alternative")
    if body is None or condition is None:
        return None
    is_true = _is_true(frame, condition)
    if is_true is None or body.start_byte in branch:
        return is_true
    is_else = other is not None and other.type == "else_clause" and other.start_byte <= branch.start < other.end_byte
    return not is_true if is_else else None


def _is_true(frame: Frame, condition: Node) -> bool | None:
    """Return whether ``parameter is None``, or ``is not None``, is true in a run; None where that is not known."""
    parts = condition.children
    if condition.type != "comparison_operator" or len(parts) != 3 or parts[2].type != "none":
        return None
    name, operator = text_of(parts[0]), text_of(parts[1])
    bindings = frame.home.buffer.bindings_in(frame.node).get(name, [])
    if operator not in ("is", "is not") or len(bindings) != 1 or bindings[0].definition is None:
        return None
    value: Value = dict(frame.arguments or ()).get(name, Array)
    if value is None:
        return operator == "is"
    is_something = isinstance(value, Array | Items | tuple | Made | Layer)
    return operator == "is not" if is_something else None
