"""Find the blocks that may not run, and whether the branches of a statement cover every case."""

from tenny_lsp.source.scope import Branch, Span
from tenny_lsp.source.syntax import Node, field, text_of

#: Statements that choose which of their blocks run → the kind of their branches.
CHOICES = {
    "if_statement": "if", "match_statement": "case", "try_statement": "try", "for_statement": "loop",
    "while_statement": "loop",
}  # fmt: skip
LOOPS = {"for_statement", "while_statement"}
#: The nodes whose blocks may not run.
BRANCHING = LOOPS | {
    "if_statement", "elif_clause", "else_clause", "try_statement", "except_clause", "except_group_clause",
    "case_clause",
}  # fmt: skip


def branch_of(block: Node, choice: Node, around: tuple[Branch, ...]) -> Branch:
    """Return a block as a branch of the statement that chooses it; ``around`` are the branches it stands in."""
    kind = CHOICES[choice.type]
    exits = 0
    if kind in ("if", "try") and not choice.has_error:
        clauses = [child for child in choice.named_children if child.type.endswith("_clause")]
        blocks = [child for node in (choice, *clauses) for child in node.named_children if child.type == "block"]
        if kind == "try" or any(clause.type == "else_clause" for clause in clauses):
            exits = sum(_falls_through(other, around) for other in blocks)
    statement = Span(choice.start_byte, choice.end_byte)
    return Branch(block.start_byte, block.end_byte, statement, kind, exits, _falls_through(block, around))


def _falls_through(block: Node, around: tuple[Branch, ...]) -> bool:
    """Return whether control can flow from the end of a block to what follows its statement."""
    last = block.named_children[-1].type if block.named_children else ""
    return last != "return_statement" and (last != "raise_statement" or any(b.kind == "try" for b in around))


def is_endless(node: Node) -> bool:
    """Return whether a statement is ``while True``, whose body always runs."""
    condition = field(node, "condition") if node.type == "while_statement" else None
    return condition is not None and text_of(condition) == "True"
