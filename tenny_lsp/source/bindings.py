"""What each scope of a parsed text binds: imports, assignments, definitions, parameters and patterns.

This file and ``source.buffer`` are the only ones that know tree-sitter; its bytes stay inside them.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

import tree_sitter_python
from tree_sitter import Language, Node, Query, QueryCursor

from tenny_lsp.source.scope import Binding, Span

PYTHON = Language(tree_sitter_python.language())
#: What opens a scope of names.
SCOPES = {
    "module", "function_definition", "class_definition", "lambda",
    "list_comprehension", "set_comprehension", "dictionary_comprehension", "generator_expression",
}  # fmt: skip
_COMPREHENSIONS = {name for name in SCOPES if name.endswith(("_comprehension", "_expression"))}
_TARGET_LISTS = {
    "pattern_list", "tuple_pattern", "list_pattern", "list_splat_pattern", "dictionary_splat_pattern",
    "tuple", "list", "list_splat", "expression_list",
}  # fmt: skip
#: Their blocks may not run.
_BRANCHING = {"if_statement", "elif_clause", "else_clause", "try_statement", "except_clause", "case_clause"}
_BINDINGS = Query(
    PYTHON,
    """
    (import_statement name: (_) @import)
    (import_from_statement) @from
    (assignment left: (_) @target right: (_)? @value)
    (augmented_assignment left: (identifier) @target)
    (named_expression name: (identifier) @walrus)
    (for_statement left: (_) @target)
    (for_in_clause left: (_) @target)
    (as_pattern_target (_) @target)
    (case_pattern (dotted_name . (identifier) @target .))
    (keyword_pattern (identifier) (dotted_name . (identifier) @target .))
    (as_pattern (case_pattern) (identifier) @target)
    (splat_pattern (identifier) @target)
    (delete_statement [(identifier) (expression_list)] @target)
    (function_definition name: (identifier) @definition)
    (class_definition name: (identifier) @definition)
    (parameters (_) @parameter)
    (lambda_parameters (_) @parameter)
    (type_alias_statement left: (type (identifier) @target))
    """,
)
_DECLARATIONS = Query(PYTHON, "(global_statement (identifier) @global) (nonlocal_statement (identifier) @nonlocal)")

#: Scope's node id → name → what binds it, in the order of the text.
Bindings = dict[int, dict[str, list[Binding]]]


def bindings_of(root: Node) -> Bindings:
    """Returns what every scope of a syntax tree binds."""
    found: Bindings = defaultdict(lambda: defaultdict(list))
    declared = _declared(root)
    for _, captures in QueryCursor(_BINDINGS).matches(root):
        ((kind, nodes), *others) = sorted(captures.items())
        value = others[0][1][0] if others else None
        for node in nodes:
            scope, branch = _place_of(node, kind)
            for binding in _bound(node, kind, value):
                outer = declared.get((scope.id, binding.name))
                held_in = _span(scope) if outer else branch
                held = replace(binding, branch=held_in) if held_in else binding
                found[(outer or scope).id][binding.name].append(held)
    for names in found.values():
        for bindings in names.values():
            bindings.sort(key=lambda binding: binding.position)
    return found


def _declared(root: Node) -> dict[tuple[int, str], Node]:
    """Returns the scopes of names that a scope declares global or nonlocal, by that scope's id and the name."""
    outer: dict[tuple[int, str], Node] = {}
    text = root.text or b""
    if not any(word in text for word in (b"global", b"nonlocal")):  # as in most files, where the query is a wasted pass
        return outer
    for kind, nodes in QueryCursor(_DECLARATIONS).captures(root).items():
        for node in nodes:
            scope, _ = _place_of(node, kind)
            outer[scope.id, text_of(node)] = root if kind == "global" else _place_of(scope, kind)[0]
    return outer


def text_of(node: Node) -> str:
    """Returns a node's own text."""
    return (node.text or b"").decode("utf-8", "replace")


def dotted_of(node: Node) -> str:
    """Returns ``a.b.c`` of a chain of attributes, or an empty string when it starts with anything but a name."""
    parts: list[str] = []
    while node.type == "attribute":
        attribute, owner = node.child_by_field_name("attribute"), node.child_by_field_name("object")
        if attribute is None or owner is None:
            return ""
        parts.append(text_of(attribute))
        node = owner
    return ".".join([text_of(node), *reversed(parts)]) if node.type == "identifier" else ""


def dotted_up_to(node: Node, dotted_name: Node) -> str:
    """Returns a dotted name from its start to the end of one of its parts."""
    return ".".join(text_of(part) for part in dotted_name.named_children if part.start_byte <= node.start_byte)


def _span(node: Node) -> Span:
    return Span(node.start_byte, node.end_byte)


def _place_of(node: Node, kind: str) -> tuple[Node, Span | None]:
    """Returns the scope that a node binds a name in, and the branch of that scope it stands in, if any."""
    branch: Span | None = None
    inner, scope = node, node.parent
    if kind == "definition" and scope is not None:
        inner, scope = scope, scope.parent
    passed_over = _COMPREHENSIONS if kind == "walrus" else ()
    while scope is not None and (scope.type not in SCOPES or scope.type in passed_over):
        if branch is None and inner.type == "block" and scope.type in _BRANCHING:
            branch = _span(inner)
        inner, scope = scope, scope.parent
    return scope or node, branch


def _bound(node: Node, kind: str, value: Node | None) -> Iterator[Binding]:
    if kind == "import":
        yield from bound_by_import(node.parent or node, node)
    elif kind == "from":
        yield from bound_by_import(node)
    elif kind == "target" and node.type == "identifier" and value is not None:
        target = dotted_of(value) if value.type == "attribute" else text_of(value) * (value.type == "identifier")
        yield Binding(text_of(node), node.start_byte, target, is_none=value.type == "none")
    else:
        named = node.child_by_field_name("name") if kind == "parameter" else node
        for identifier in _identifiers(named or node):
            yield Binding(text_of(identifier), identifier.start_byte)


def _identifiers(node: Node) -> Iterator[Node]:
    """Yields the names that a target binds: of ``(a, *b), c.d = …`` those are a and b."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if node.type == "identifier":
            yield node
        elif node.type == "typed_parameter":
            waiting.append(node.named_children[0])
        elif node.type in _TARGET_LISTS:
            waiting += node.named_children


def bound_by_import(statement: Node, only: Node | None = None) -> Iterator[Binding]:
    """Yields what an import statement binds, or one of its names alone; targets of relative imports are unknown."""
    module = statement.child_by_field_name("module_name")
    if module is not None and module.type == "relative_import":
        prefix = None
    else:
        prefix = f"{text_of(module)}." if module is not None else ""
    for child in statement.children_by_field_name("name") if only is None else [only]:
        alias, named = child.child_by_field_name("alias"), child.child_by_field_name("name") or child
        target = "" if prefix is None else prefix + text_of(named)
        if alias is not None:
            yield Binding(text_of(alias), alias.start_byte, target, imported=True)
        elif module is not None:
            yield Binding(text_of(named), named.start_byte, target, imported=True)
        else:
            root = text_of(named).split(".")[0]
            yield Binding(root, named.start_byte, root, imported=True)
    if module is not None and any(child.type == "wildcard_import" for child in statement.children):
        yield Binding("*", module.start_byte, text_of(module) if prefix else "", imported=True)
