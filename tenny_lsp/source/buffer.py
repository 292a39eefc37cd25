"""The text of a file being edited, parsed: the name under a position and what each scope binds.

Offsets are in code points, as Python counts; tree-sitter's bytes stay inside this file.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import tree_sitter_python
from tree_sitter import Language, Node, Parser, Query, QueryCursor

_PYTHON = Language(tree_sitter_python.language())
_SCOPES = {
    "module", "function_definition", "class_definition", "lambda",
    "list_comprehension", "set_comprehension", "dictionary_comprehension", "generator_expression",
}  # fmt: skip
_BINDINGS = Query(
    _PYTHON,
    """
    (import_statement name: (_) @import)
    (import_from_statement) @from
    (assignment left: (_) @target right: (_)? @value)
    (augmented_assignment left: (identifier) @target)
    (named_expression name: (identifier) @target)
    (for_statement left: (_) @target)
    (for_in_clause left: (_) @target)
    (as_pattern_target (_) @target)
    (case_pattern (dotted_name . (identifier) @target .))
    (function_definition name: (identifier) @definition)
    (class_definition name: (identifier) @definition)
    (parameters (_) @parameter)
    (lambda_parameters (_) @parameter)
    (type_alias_statement left: (type (identifier) @target))
    """,
)


@dataclass(frozen=True, slots=True)
class Name:
    """A dotted name in the text, up to the component under a position.

    Args:
        dotted (str): ``mx.fast.rope``; inside an import, the full module path.
        start (int): Offset of the component under the position, in code points.
        end (int): Its end.
        absolute (bool): Whether the name is a module path (in an import) rather than looked up in scopes.
    """

    dotted: str
    start: int
    end: int
    absolute: bool = False


@dataclass(frozen=True, slots=True)
class Binding:
    """A place that gives a name its meaning.

    Args:
        name (str): The bound name; ``*`` for a wildcard import.
        position (int): Where, in bytes from the start of the text.
        target (str): The dotted name it stands for, or an empty string when that is not known.
        imported (bool): Whether ``target`` is a module path rather than an expression of the same scope.
        is_none (bool): Whether the value is the constant None.
    """

    name: str
    position: int
    target: str = ""
    imported: bool = False
    is_none: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """What one scope binds: by name, in the order of the text."""

    kind: str
    bindings: dict[str, list[Binding]]


class Buffer:
    """Python text, finished or not.

    Args:
        text (str): The whole text of the file.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._bytes = text.encode("utf-8", "surrogatepass")
        self._root = Parser(_PYTHON).parse(self._bytes).root_node

    def name_at(self, offset: int) -> Name | None:
        """Returns the dotted name at an offset in code points; None when there is no name to look up there."""
        node = self._identifier_at(len(self.text[:offset].encode("utf-8", "surrogatepass")))
        if node is None or node.parent is None:
            return None
        start, end = self._offset(node.start_byte), self._offset(node.end_byte)
        imported = _import_path(node)
        if imported is not None:
            return Name(imported, start, end, absolute=True) if imported else None
        if _names_a_place(node):
            return None
        if node.parent.type == "attribute" and node.parent.child_by_field_name("attribute") == node:
            dotted = _dotted(node.parent)
            return Name(dotted, start, end) if dotted else None
        return Name(_text(node), start, end)

    def scopes_at(self, offset: int) -> list[Scope]:
        """Returns the scopes whose names are visible at an offset in code points, innermost first."""
        place = len(self.text[:offset].encode("utf-8", "surrogatepass"))
        node = self._root.descendant_for_byte_range(place, place)
        visible: list[Scope] = []
        inner = node
        while node is not None:
            hidden = node.type == "class_definition" and _has_function(visible)
            if node.type in _SCOPES and not hidden and not _is_outside(inner, node):
                visible.append(Scope(node.type, self._bindings.get(node.id, {})))
            inner, node = node, node.parent
        return visible

    @cached_property
    def _bindings(self) -> dict[int, dict[str, list[Binding]]]:
        found: dict[int, dict[str, list[Binding]]] = defaultdict(lambda: defaultdict(list))
        for _, captures in QueryCursor(_BINDINGS).matches(self._root):
            ((kind, nodes), *others) = sorted(captures.items())
            value = others[0][1][0] if others else None
            for node in nodes:
                scope = _scope_of(node, kind)
                for binding in _bound(node, kind, value):
                    found[scope.id][binding.name].append(binding)
        for names in found.values():
            for bindings in names.values():
                bindings.sort(key=lambda binding: binding.position)
        return found

    def byte_offset(self, offset: int) -> int:
        """Returns an offset in code points as bytes, as bindings count."""
        return len(self.text[:offset].encode("utf-8", "surrogatepass"))

    def _offset(self, byte_offset: int) -> int:
        return len(self._bytes[:byte_offset].decode("utf-8", "surrogatepass"))

    def _identifier_at(self, place: int) -> Node | None:
        for start in (place, place - 1):  # the end of a word belongs to the word
            node = self._root.descendant_for_byte_range(max(start, 0), max(start, 0))
            if node is not None and node.type == "identifier" and node.start_byte <= place <= node.end_byte:
                return node
        return None


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")


def _is_outside(part: Node | None, scope: Node) -> bool:
    """Tells whether a part of a definition (defaults, annotations, bases) is evaluated outside its scope."""
    fields = ("parameters", "return_type", "superclasses", "type_parameters")
    return part is not None and any(scope.child_by_field_name(field) == part for field in fields)


def _has_function(scopes: list[Scope]) -> bool:
    return any(scope.kind != "class_definition" for scope in scopes)


def _dotted(node: Node) -> str:
    """Returns ``a.b.c`` of a chain of attributes, or an empty string when it starts with anything but a name."""
    parts: list[str] = []
    while node.type == "attribute":
        attribute, owner = node.child_by_field_name("attribute"), node.child_by_field_name("object")
        if attribute is None or owner is None:
            return ""
        parts.append(_text(attribute))
        node = owner
    return ".".join([_text(node), *reversed(parts)]) if node.type == "identifier" else ""


def _names_a_place(node: Node) -> bool:
    """Tells whether an identifier is the name of a parameter, a keyword argument or a definition, not a use."""
    parent = node.parent
    assert parent is not None
    if parent.type in ("function_definition", "class_definition", "keyword_argument", "default_parameter"):
        return parent.child_by_field_name("name") == node
    return parent.type in ("parameters", "lambda_parameters", "global_statement", "nonlocal_statement")


def _import_path(node: Node) -> str | None:
    """Returns the module path an identifier in an import means, "" if it means none, None outside imports."""
    dotted_name = node.parent
    statement: Node | None = node
    while statement is not None and statement.type not in ("import_statement", "import_from_statement"):
        statement = statement.parent if statement.type in ("identifier", "dotted_name", "aliased_import") else None
    if statement is None or dotted_name is None:
        return None
    if dotted_name.type == "aliased_import":  # the alias itself
        return next((b.target for b in _bound_by_import(statement) if b.position == node.start_byte), "")
    path = ".".join(_text(part) for part in dotted_name.named_children if part.start_byte <= node.start_byte)
    if statement.type == "import_statement":
        return path
    module = statement.child_by_field_name("module_name")
    if module is None or module.type == "relative_import":
        return ""
    return path if dotted_name == module else f"{_text(module)}.{path}"


def _scope_of(node: Node, kind: str) -> Node:
    scope: Node | None = node.parent
    if kind == "definition" and scope is not None:
        scope = scope.parent
    while scope is not None and scope.type not in _SCOPES:
        scope = scope.parent
    return scope if scope is not None else node


def _bound(node: Node, kind: str, value: Node | None) -> Iterator[Binding]:
    if kind == "import":
        yield from _bound_by_import(node.parent or node, node)
    elif kind == "from":
        yield from _bound_by_import(node)
    elif kind == "target" and node.type == "identifier" and value is not None:
        target = _dotted(value) if value.type == "attribute" else _text(value) * (value.type == "identifier")
        yield Binding(_text(node), node.start_byte, target, is_none=value.type == "none")
    else:
        named = node.child_by_field_name("name") if kind == "parameter" else node
        for identifier in _identifiers(named or node, kind):
            yield Binding(_text(identifier), identifier.start_byte)


def _identifiers(node: Node, kind: str) -> Iterator[Node]:
    if node.type == "identifier":
        yield node
    elif kind == "parameter" and node.type == "typed_parameter":
        yield from _identifiers(node.named_children[0], kind)
    elif node.type in (
        "pattern_list", "tuple_pattern", "list_pattern", "list_splat_pattern", "dictionary_splat_pattern",
        "tuple", "list", "list_splat",
    ):  # fmt: skip
        for child in node.named_children:
            yield from _identifiers(child, kind)


def _bound_by_import(statement: Node, only: Node | None = None) -> Iterator[Binding]:
    module = statement.child_by_field_name("module_name")
    if module is not None and module.type == "relative_import":
        prefix = None
    else:
        prefix = f"{_text(module)}." if module is not None else ""
    for child in statement.children_by_field_name("name") if only is None else [only]:
        alias, named = child.child_by_field_name("alias"), child.child_by_field_name("name") or child
        target = "" if prefix is None else prefix + _text(named)
        if alias is not None:
            yield Binding(_text(alias), alias.start_byte, target, imported=True)
        elif module is not None:
            yield Binding(_text(named), named.start_byte, target, imported=True)
        else:
            root = _text(named).split(".")[0]
            yield Binding(root, named.start_byte, root, imported=True)
    if module is not None and prefix and any(child.type == "wildcard_import" for child in statement.children):
        yield Binding("*", module.start_byte, _text(module), imported=True)
