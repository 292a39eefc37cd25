"""Find the names that one scope binds: imports, assignments, definitions, parameters and patterns."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

from tenny_lsp.source.branches import BRANCHING, CHOICES, LOOPS, branch_of, is_endless
from tenny_lsp.source.scope import Binding, Branch, Span
from tenny_lsp.source.syntax import COMPREHENSIONS, SCOPES, Node, dotted_of, field, scope_around, text_of

#: Name → its bindings in one scope, in the order of the text.
Bindings = dict[str, list[Binding]]

_TARGET_LISTS = {"pattern_list", "tuple_pattern", "list_pattern", "tuple", "list", "expression_list", "type"}
#: One pattern for each word: a literal is found ten times as fast as an alternation.
_DECLARED = (re.compile(rb"global\b"), re.compile(rb"nonlocal\b"))
_STARRED = {"list_splat_pattern", "dictionary_splat_pattern", "list_splat"}
_PARAMETERS = {"parameters", "lambda_parameters"}
#: The nodes that may contain statements or targets; all others are expressions, in which only ``:=`` binds.
_HOLDERS = BRANCHING | _PARAMETERS | {
    "module", "block", "expression_statement", "finally_clause", "with_statement", "with_clause", "with_item",
    "match_statement", "case_pattern", "decorated_definition", "ERROR", "as_pattern", "list_comprehension",
    "set_comprehension", "dictionary_comprehension", "generator_expression", "as_pattern_target",
    "class_pattern", "list_pattern", "tuple_pattern", "dict_pattern", "union_pattern", "splat_pattern",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _ControlFlow:
    """Where in its scope a node is; if it is ``nested`` in an inner scope, only ``:=`` binds in the outer one."""

    branches: tuple[Branch, ...] = ()
    choice: Node | None = None
    loops: tuple[Span, ...] = ()
    nested: bool = False


def bindings_of(scope: Node) -> Bindings:
    """Return the bindings of a scope, without those that functions inside of it declare global or nonlocal."""
    found: Bindings = {}
    walrus = scope.type not in COMPREHENSIONS and b":=" in (scope.text or b"")
    parts = [scope]
    if scope.type in ("function_definition", "class_definition", "lambda"):
        parts = [part for part in (field(scope, "parameters"), field(scope, "body")) if part is not None]
        parts += [child for child in scope.children if child.type == "ERROR"]
    for part in parts:
        for binding in _walk(part, scope, walrus):
            found.setdefault(binding.name, []).append(binding)
    for bindings in found.values():
        bindings.sort(key=lambda binding: binding.position)
    return found


def declared_in(root: Node) -> Iterator[tuple[Node, Node, str]]:
    """Yield (scope, outer scope, name) for each name that a scope declares global or nonlocal."""
    text = root.text or b""
    for found in chain.from_iterable(word.finditer(text) for word in _DECLARED):
        node = root.descendant_for_byte_range(found.start(), found.start())
        statement = node.parent if node is not None else None
        if statement is not None and statement.type in ("global_statement", "nonlocal_statement"):
            scope = scope_around(statement)
            outer = root if statement.type == "global_statement" else scope_around(scope)
            yield from ((scope, outer, text_of(name)) for name in statement.named_children)


def _walk(part: Node, scope: Node, walrus: bool) -> Iterator[Binding]:
    """Yield the bindings of a part of a scope, without those of the scopes inside of it."""
    waiting = [(part, _ControlFlow())]
    while waiting:
        node, flow = waiting.pop()
        kind = node.type
        opens_scope = kind in SCOPES and node != scope
        if opens_scope and kind in ("function_definition", "class_definition"):
            yield from _definition(node, flow)
        elif kind in _PARAMETERS:
            yield from (found for child in node.named_children for found in _parameter(child))
        elif kind in _BINDERS and (kind == "named_expression" or not flow.nested):
            for found in _BINDERS[kind](node):
                yield (
                    replace(found, branches=flow.branches, loops=flow.loops) if flow.branches or flow.loops else found
                )
        if opens_scope and not (walrus and kind in COMPREHENSIONS):
            continue
        if kind in _HOLDERS or kind == "assignment" or walrus:
            waiting += _inside(node, flow, flow.nested or opens_scope)


def _inside(node: Node, flow: _ControlFlow, nested: bool) -> Iterator[tuple[Node, _ControlFlow]]:
    loops = (*flow.loops, Span(node.start_byte, node.end_byte)) if node.type in LOOPS else flow.loops
    choice = node if node.type in CHOICES else flow.choice
    for child in node.named_children:
        if child.type == "block" and node.type in BRANCHING and choice is not None and not is_endless(node):
            branches = (*flow.branches, branch_of(child, choice, flow.branches))
            yield child, _ControlFlow(branches, None, loops, nested)
        else:
            yield child, _ControlFlow(flow.branches, choice, loops, nested)


def _definition(node: Node, flow: _ControlFlow) -> Iterator[Binding]:
    name = field(node, "name")
    if name is not None:
        start = name.start_byte
        yield Binding(text_of(name), start, start, definition=node, branches=flow.branches, loops=flow.loops)


def _parameter(node: Node) -> Iterator[Binding]:
    """Yield the parameter that a child of a parameter list is, if it is one."""
    named = field(node, "name") or (node.named_children[0] if node.type == "typed_parameter" else node)
    star = named.type if named.type in _STARRED else ""
    for identifier in _identifiers(named):
        steps = ("*",) if star == "list_splat_pattern" else ("**",) if star else ()
        yield Binding(
            text_of(identifier), identifier.start_byte, identifier.start_byte,
            steps=steps, annotation=field(node, "type"), definition=node,
        )  # fmt: skip


def _assignment(node: Node) -> Iterator[Binding]:
    left, value = field(node, "left"), field(node, "right")
    while value is not None and value.type == "assignment":  # a = b = c
        value = field(value, "right")
    if left is not None:
        yield from _unpacked(left, value, node.end_byte, annotation=field(node, "type"))


def _augmented(node: Node) -> Iterator[Binding]:
    left = field(node, "left")
    if left is not None and left.type == "identifier":
        yield Binding(text_of(left), left.start_byte, node.end_byte, value=node)


def _walrus(node: Node) -> Iterator[Binding]:
    name = field(node, "name")
    if name is not None:
        yield Binding(text_of(name), name.start_byte, node.end_byte, value=field(node, "value"))


def _loop(node: Node) -> Iterator[Binding]:
    left, right = field(node, "left"), field(node, "right")
    if left is not None:
        since = right.end_byte if right is not None else left.end_byte
        yield from _unpacked(left, right, since, ("each",))


def _with(node: Node) -> Iterator[Binding]:
    """Yield the bindings of ``as`` in a ``with``; those in an ``except`` or a pattern have no known value."""
    alias = field(node, "alias")
    known = node.named_children[0] if node.parent is not None and node.parent.type == "with_item" else None
    if alias is not None:
        for target in alias.named_children:
            yield from _unpacked(target, known, node.end_byte, ("enter",))
    else:  # case P() as name
        yield from (_unknown(child) for child in node.named_children[1:] if child.type == "identifier")


def _pattern(node: Node) -> Iterator[Binding]:
    """Yield the names that a pattern captures."""
    parts = node.named_children[1:] if node.type == "keyword_pattern" else node.named_children
    for part in parts:
        if part.type == "dotted_name" and len(part.named_children) == 1:
            yield _unknown(part.named_children[0])
        elif part.type == "identifier" and node.type == "splat_pattern":
            yield _unknown(part)


def _deleted(node: Node) -> Iterator[Binding]:
    yield from (_unknown(name) for child in node.named_children for name in _identifiers(child))


def _type_alias(node: Node) -> Iterator[Binding]:
    yield from (_unknown(name) for name in _identifiers(field(node, "left") or node))


def _unknown(identifier: Node) -> Binding:
    return Binding(text_of(identifier), identifier.start_byte, identifier.end_byte)


def _unpacked(
    target: Node, value: Node | None, since: int, steps: tuple[int | str, ...] = (), annotation: Node | None = None
) -> Iterator[Binding]:
    """Yield the bindings of a target: of ``(a, *b), c.d = …`` those of a, b and, as one name, c.d."""
    waiting: list[tuple[Node, tuple[int | str, ...]]] = [(target, steps)]
    while waiting:
        node, path = waiting.pop()
        if node.type == "identifier":
            yield Binding(text_of(node), node.start_byte, since, value=value, steps=path, annotation=annotation)
        elif node.type == "attribute" and (dotted := dotted_of(node)).count(".") == 1:
            yield Binding(dotted, node.start_byte, since, value=value, steps=path, annotation=annotation)
        elif node.type in _STARRED:
            waiting += [(child, (*path[:-1], "*")) for child in node.named_children]
        elif node.type in _TARGET_LISTS:
            parts = node.named_children
            starred = next((i for i, part in enumerate(parts) if part.type in _STARRED), len(parts))
            waiting += [(part, (*path, i if i <= starred else i - len(parts))) for i, part in enumerate(parts)]
        elif node.type == "parenthesized_expression":
            waiting += [(child, path) for child in node.named_children]


def _identifiers(node: Node) -> Iterator[Node]:
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if node.type == "identifier":
            yield node
        elif node.type in _TARGET_LISTS or node.type in _STARRED:
            waiting += node.named_children


def bound_by_import(statement: Node) -> Iterator[Binding]:
    """Yield the bindings of an import statement."""
    module = field(statement, "module_name")
    prefix = ""
    if module is not None:
        prefix = text_of(module) if text_of(module).endswith(".") else f"{text_of(module)}."
    since = statement.end_byte
    for child in statement.children_by_field_name("name"):
        alias, named = field(child, "alias"), field(child, "name") or child
        target = prefix + text_of(named)
        if alias is not None:
            yield Binding(text_of(alias), alias.start_byte, since, target, is_import=True)
        elif module is not None:
            yield Binding(text_of(named), named.start_byte, since, target, is_import=True)
        else:
            root = text_of(named).split(".")[0]
            yield Binding(root, named.start_byte, since, root, is_import=True)
    if module is not None and any(child.type == "wildcard_import" for child in statement.children):
        yield Binding("*", module.start_byte, since, text_of(module), is_import=True)


_BINDERS = {
    "import_statement": bound_by_import,
    "import_from_statement": bound_by_import,
    "assignment": _assignment,
    "augmented_assignment": _augmented,
    "named_expression": _walrus,
    "for_statement": _loop,
    "for_in_clause": _loop,
    "as_pattern": _with,
    "case_pattern": _pattern,
    "keyword_pattern": _pattern,
    "splat_pattern": _pattern,
    "delete_statement": _deleted,
    "type_alias_statement": _type_alias,
}
