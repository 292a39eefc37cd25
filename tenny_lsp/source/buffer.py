"""The text of a file being edited, parsed: the name under a position and the scopes around it.

Offsets are in code points, as Python counts.
"""

import re
from functools import cached_property

from tree_sitter import Node, Parser

from tenny_lsp.source.bindings import (
    PYTHON,
    SCOPES,
    Bindings,
    bindings_of,
    bound_by_import,
    dotted_of,
    dotted_up_to,
    text_of,
)
from tenny_lsp.source.scope import Name, Scope

_PLACES = {"parameters", "lambda_parameters", "global_statement", "nonlocal_statement"}


class Buffer:
    """Python text, finished or not.

    Args:
        text (str): The whole text of the file.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        # For tree-sitter a lone carriage return ends no line; for Python and for editors it does.
        self._bytes = re.sub("\r(?!\n)", "\n", text).encode("utf-8", "surrogatepass")
        self._root = Parser(PYTHON).parse(self._bytes).root_node

    def name_at(self, offset: int) -> Name | None:
        """Returns the dotted name at an offset in code points; None when there is no name to look up there."""
        node = self._identifier_at(self.byte_offset(offset))
        if node is None or node.parent is None:
            return None
        start, end = self._offset(node.start_byte), self._offset(node.end_byte)
        imported = _import_path(node)
        if imported is not None:
            return Name(imported, start, end, absolute=True) if imported else None
        if _names_a_place(node):
            return None
        if node.parent.type == "dotted_name":  # in a pattern: `case mx.float32:`
            return Name(dotted_up_to(node, node.parent), start, end)
        if node.parent.type == "attribute" and node.parent.child_by_field_name("attribute") == node:
            dotted = dotted_of(node.parent)
            return Name(dotted, start, end) if dotted else None
        return Name(text_of(node), start, end)

    def scopes_at(self, offset: int) -> list[Scope]:
        """Returns the scopes whose names are visible at an offset in code points, innermost first."""
        place = self.byte_offset(offset)
        node = self._root.descendant_for_byte_range(place, place)
        visible: list[Scope] = []
        inner = node
        while node is not None:
            hidden = node.type == "class_definition" and _has_function(visible)
            if node.type in SCOPES and not hidden and not _is_outside(inner, node):
                visible.append(Scope(node.type, self._bindings.get(node.id, {})))
            inner, node = node, node.parent
        return visible

    def byte_offset(self, offset: int) -> int:
        """Returns an offset in code points as bytes, as bindings count."""
        return len(self.text[:offset].encode("utf-8", "surrogatepass"))

    @cached_property
    def _bindings(self) -> Bindings:
        return bindings_of(self._root)

    def _offset(self, byte_offset: int) -> int:
        return len(self._bytes[:byte_offset].decode("utf-8", "surrogatepass"))

    def _identifier_at(self, place: int) -> Node | None:
        for start in (place, place - 1):  # the end of a word belongs to the word
            node = self._root.descendant_for_byte_range(max(start, 0), max(start, 0))
            if node is not None and node.type == "identifier" and node.start_byte <= place <= node.end_byte:
                return node
        return None


def _is_outside(part: Node | None, scope: Node) -> bool:
    """Tells whether a part of a definition (defaults, annotations, bases) is evaluated outside its scope."""
    fields = ("parameters", "return_type", "superclasses", "type_parameters")
    return part is not None and any(scope.child_by_field_name(field) == part for field in fields)


def _has_function(scopes: list[Scope]) -> bool:
    return any(scope.kind != "class_definition" for scope in scopes)


def _names_a_place(node: Node) -> bool:
    """Tells whether an identifier is the name of a parameter, a keyword argument or a definition, not a use."""
    parent = node.parent
    assert parent is not None
    if parent.type in ("list_splat_pattern", "dictionary_splat_pattern") and parent.parent is not None:
        node, parent = parent, parent.parent
    if parent.type in ("typed_parameter", "keyword_pattern"):
        return parent.named_children[0] == node
    return parent.child_by_field_name("name") == node or parent.type in _PLACES


def _import_path(node: Node) -> str | None:
    """Returns the module path an identifier in an import means, "" if it means none, None outside imports."""
    dotted_name = node.parent
    statement: Node | None = node
    while statement is not None and statement.type not in ("import_statement", "import_from_statement"):
        statement = statement.parent if statement.type in ("identifier", "dotted_name", "aliased_import") else None
    if statement is None or dotted_name is None:
        return None
    if dotted_name.type == "aliased_import":  # the alias itself
        return next((b.target for b in bound_by_import(statement) if b.position == node.start_byte), "")
    path = dotted_up_to(node, dotted_name)
    if statement.type == "import_statement":
        return path
    module = statement.child_by_field_name("module_name")
    if module is None or module.type == "relative_import":
        return ""
    return path if dotted_name == module else f"{text_of(module)}.{path}"
