"""Find out whether code is prepared for a name that MLX may lack."""

import re

from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.source.syntax import Node, field, text_of, up_to

#: A block, or a test, that something may be missing from.
_EXPECTS = re.compile(r"\b(?:suppress|raises|assertRaises\w*|skip\w*|xfail)\b")
#: A condition on shapes or dtypes.
_QUESTION = re.compile(rb"\b(?:if|elif|while|assert|match|case)\b[^\n]*\b(?:ndim|shape|len|size|dtype|dim)\b")
#: What MLX raises for shapes.
_RAISED = ("ValueError", "RuntimeError", "IndexError")
_LEAVES_OPEN = ("hasattr", "getattr", "AttributeError", "TypeError", "ImportError", "Exception", "version")


def is_guarded(context: RuleContext, node: Node, caught: tuple[str, ...] = ()) -> bool:
    """Return whether the text is prepared for something to be missing: by ``hasattr``, ``except``, ``raises``.

    Args:
        context (RuleContext): The file.
        node (Node): What may be missing.
        caught (tuple[str, ...]): Further exceptions whose handlers count as guards.
    """
    inner, outer = node, node.parent
    while outer is not None:
        if outer.type == "try_statement" and field(outer, "body") == inner:
            clauses = b"".join(child.text or b"" for child in outer.named_children if child != inner)
            if re.search(rb"except\s*(:|[^\n]*(" + "|".join(_LEAVES_OPEN + caught).encode() + rb"))", clauses):
                return True
        if outer.type == "except_clause" and any(word in text_of(outer.children[1]) for word in _LEAVES_OPEN):
            return True
        if outer.type == "with_statement" and _EXPECTS.search(text_of(outer).partition("\n")[0]):
            return True
        if outer.type == "decorated_definition" and _EXPECTS.search(text_of(outer.children[0])):
            return True
        condition = field(outer, "condition")
        if outer.type == "conditional_expression" and len(outer.named_children) == 3:
            condition = outer.named_children[1]
        if outer.type == "boolean_operator":
            condition = field(outer, "left")
        if outer.type in ("elif_clause", "else_clause") and outer.parent is not None:
            condition = field(outer.parent, "condition")
        if condition is not None and _asks(context, condition):
            return True
        inner, outer = outer, outer.parent
    return False


def is_expected(node: Node) -> bool:
    """Return whether code expects what is wrong at a node to raise: in ``with pytest.raises(…)`` and its like."""
    outer = up_to(node, "with_statement")
    while outer is not None:
        if _EXPECTS.search(text_of(outer).partition("\n")[0]):
            return True
        outer = up_to(outer.parent, "with_statement") if outer.parent is not None else None
    return False


def is_prepared(context: RuleContext, node: Node) -> bool:
    """Return whether code is prepared for shapes that do not fit: it asks for them, or catches what is raised.

    The statement at the top of the file counts: where it asks, not all of it runs for each shape.
    """
    if any(map(context.file.mentions, ("assertRaises(", "pytest.raises("))) or is_guarded(context, node, _RAISED):
        return True
    while node.parent is not None and node.parent.parent is not None:
        node = node.parent
    return _QUESTION.search(node.text or b"") is not None


def _asks(context: RuleContext, condition: Node) -> bool:
    """Return whether a condition asks what there is: itself, or by a name that holds the answer."""
    words = set(re.findall(r"\w+", text_of(condition)))
    names = (bindings for scope in context.scopes_around(condition) for bindings in scope.bindings.items())
    values = [text_of(b.value) for name, found in names if name in words for b in found if b.value is not None]
    return any(word in text for word in _LEAVES_OPEN for text in (text_of(condition), *values))


def is_set_or_guarded(context: RuleContext, node: Node) -> bool:
    """Return whether the file itself sets a member, is prepared for its absence, or never evaluates it."""
    text = text_of(node)
    is_set = context.file.mentions(f"{text} =") and not context.file.mentions(f"{text} ==")
    member = field(node, "attribute")
    if member is not None and context.file.mentions("setattr("):
        is_set = is_set or any(context.file.mentions(f"{quote}{text_of(member)}{quote}") for quote in "'\"")
    outer = node.parent
    is_target = outer is not None and (field(outer, "left") == node or outer.type in ("del_statement", "pattern_list"))
    is_unread = context.file.mentions("from __future__ import annotations") and up_to(node, "type") is not None
    return is_set or is_target or is_unread or is_guarded(context, node)
