"""Find the uses of a parameter in its function, and what they say of it: used as arrays are, or as something else."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from tenny_lsp.inference.consumption import named
from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.inference.meaning import External
from tenny_lsp.inference.reaching import reaching
from tenny_lsp.mlx_api.foreign import load_foreign_names
from tenny_lsp.source.scope import Binding
from tenny_lsp.source.syntax import Node, field, text_of

#: Python's own types, which have attributes that say nothing of arrays: ``copy``, ``index``, ``real``.
BUILTIN = (int, float, complex, str, bytes, list, tuple, dict, set)
#: Functions of Python's that ask what something is, or want what no array is.
_ASKS = {
    "isinstance", "issubclass", "hasattr", "getattr", "setattr", "callable", "type", "len", "range", "dict", "set",
    "vars", "open", "next", "super", "ord", "sorted", "reversed",
}  # fmt: skip
_WRAPPERS = {"parenthesized_expression", "unary_operator", "binary_operator", "comparison_operator"}
_CONDITIONS = {"if_statement", "elif_clause", "while_statement", "conditional_expression", "assert_statement"}
_TRUTH = {"not_operator", "boolean_operator"}
_NO_ARRAYS = {
    "list_splat", "dictionary_splat", "slice", "with_item", "as_pattern", "raise_statement", "await", "match_statement",
    "delete_statement", "case_clause",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ParameterUse:
    """A use of a parameter.

    Args:
        node (Node): The identifier.
        is_first (bool): Whether it is certain to have the value that the function is given.
    """

    node: Node
    is_first: bool


def uses_of(evaluator: Evaluator, function: Node, binding: Binding) -> Iterator[ParameterUse]:
    """Yield the uses in a function that one of its bindings may reach, those in functions inside of it included."""
    bindings = evaluator.buffer.bindings_in(function).get(binding.name, [])
    body = field(function, "body")
    for node in named(body, binding.name) if body is not None else ():
        outer = node.parent
        if outer is None or (outer.type == "keyword_argument" and field(outer, "name") == node):
            continue
        scopes = evaluator.buffer.scopes_around(node)
        scope = next((one for one in scopes if binding.name in one.bindings), None)
        if scope is None or scope.node != function or any(one.position == node.start_byte for one in bindings):
            continue
        is_same = scopes[0].node == function
        found = list(reaching(bindings, node.start_byte, same_scope=is_same))
        if binding in found:
            yield ParameterUse(node, is_same and found == [binding])


def is_other(evaluator: Evaluator, use: ParameterUse) -> bool:
    """Return whether a use says that a parameter may be something else than an array."""
    node, outer = use.node, use.node.parent
    if outer is None:
        return False
    if outer.type == "attribute":
        return field(outer, "object") == node and not _may_be_arrays(evaluator, text_of(outer.named_children[-1]))
    if outer.type == "call":
        return field(outer, "function") == node
    if outer.type == "subscript":
        keys = outer.children_by_field_name("subscript")
        return field(outer, "value") == node and any(key.type in ("string", "concatenated_string") for key in keys)
    if outer.type == "comparison_operator":
        operators = {text_of(child) for child in outer.children if not child.is_named}
        is_asked = operators & {"is", "is not", "in", "not in"}
        return bool(is_asked) or any(child.type in ("string", "none") for child in outer.named_children)
    if outer.type == "binary_operator":
        return any(child.type in ("string", "list", "tuple", "dictionary") for child in outer.named_children)
    if outer.type in ("argument_list", "keyword_argument"):
        return _is_asked(evaluator, outer if outer.type == "argument_list" else outer.parent)
    return outer.type in _NO_ARRAYS or outer.type in _TRUTH or _is_condition(outer, node)


def _is_condition(outer: Node, node: Node) -> bool:
    if outer.type == "conditional_expression":
        return len(outer.named_children) == 3 and outer.named_children[1] == node
    return outer.type in _CONDITIONS and (field(outer, "condition") == node or outer.type == "assert_statement")


def _is_asked(evaluator: Evaluator, listed: Node | None) -> bool:
    """Return whether a call asks what its argument is, or is of a library that has no MLX arrays."""
    function = field(listed.parent, "function") if listed is not None else None
    if function is None:
        return False
    if function.type == "identifier" and text_of(function) in _ASKS:
        return True
    meaning = evaluator.meaning(function) if function.type in ("identifier", "attribute") else None
    return isinstance(meaning, External) and "." in meaning.name and not meaning.name.startswith(("numpy.", "math."))


def _may_be_arrays(evaluator: Evaluator, member: str) -> bool:
    """Return whether a member is one of arrays, MLX's or another library's that it is taken for."""
    if evaluator.index.resolve(f"mlx.core.array.{member}") is not None:
        return True
    return member in _foreign_members() and not any(hasattr(one, member) for one in BUILTIN)


@cache
def _foreign_members() -> frozenset[str]:
    """Return the names of the members of PyTorch's tensors that MLX's arrays lack."""
    return frozenset(name.rpartition(".")[2] for name in load_foreign_names() if name.startswith("torch.Tensor."))


def is_arithmetic(use: ParameterUse) -> bool:
    """Return whether a use is an operand, or returned, and decides nothing: no condition, no bound, no argument."""
    node = use.node
    while node.parent is not None and node.parent.type in _WRAPPERS:
        node = node.parent
    outer = node.parent
    if outer is None or outer.type in _CONDITIONS | _TRUTH | _NO_ARRAYS:
        return False
    is_operand = node != use.node
    if outer.type in ("argument_list", "keyword_argument"):
        return (
            is_operand
            and field(outer.parent, "function") is not None
            and outer.parent is not None
            and (field(outer.parent, "function", "attribute") is not None)
        )
    return is_operand or outer.type in ("return_statement", "expression_list", "augmented_assignment")
