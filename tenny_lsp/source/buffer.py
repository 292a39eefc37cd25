"""Parse the text of a file that is being edited: the name under a position, and the scopes around it.

Offsets are in code points, as Python counts; those of nodes and bindings are in bytes.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

from tenny_lsp.source.bindings import Bindings, bindings_of, bound_by_import, declared_in
from tenny_lsp.source.open_brackets import missing_closers
from tenny_lsp.source.scope import Binding, Branch, Name, Scope, Span
from tenny_lsp.source.syntax import SCOPES, Node, Tree, dotted_of, dotted_up_to, field, parse, text_of

_DECLARATIONS = {"parameters", "lambda_parameters", "global_statement", "nonlocal_statement"}


class Buffer:
    """Python text, finished or not, with its syntax tree.

    Args:
        text (str): The whole text of the file.
        before (Buffer, optional): The text before an edit, whose tree is updated instead of parsing everything again.
    """

    def __init__(self, text: str, before: "Buffer | None" = None) -> None:
        self.text = text
        # For tree-sitter a lone carriage return ends no line; for Python and for editors it does.
        lines = re.sub("\r(?!\n)", "\n", text) if "\r" in text else text
        self._bytes = lines.encode("utf-8", "surrogatepass")
        self._tree: Tree = parse(self._bytes, (before._tree, before._bytes) if before is not None else None)
        self._is_plain = len(self._bytes) == len(text)  # each code point is one byte
        self.root = self._tree.root_node
        self._bindings: dict[int, Bindings] = {}
        self._scopes: dict[int, list[Scope]] = {}
        self._attributes: dict[int, Bindings] = {}

    def name_at(self, offset: int) -> Name | None:
        """Return the dotted name at an offset in code points; None when there is no name to look up there."""
        node = self.identifier_at(offset)
        if node is None or node.parent is None:
            return None
        start, end = self.offset_of(node.start_byte), self.offset_of(node.end_byte)
        imported = _import_path(node)
        if imported is not None:
            return Name(node, imported, start, end, absolute=True) if imported else None
        if _is_declaration(node):
            return None
        if node.parent.type == "dotted_name":  # in a pattern: `case mx.float32:`
            return Name(node, dotted_up_to(node, node.parent), start, end)
        is_member = node.parent.type == "attribute" and field(node.parent, "attribute") == node
        return Name(node, dotted_of(node.parent) if is_member else text_of(node), start, end)

    def identifier_at(self, offset: int) -> Node | None:
        """Return the identifier at an offset in code points, or that ends there."""
        place = self.byte_offset(offset)
        for start in (place, place - 1):  # the end of a word belongs to the word
            node = self.root.descendant_for_byte_range(max(start, 0), max(start, 0))
            if node is not None and node.type == "identifier" and node.start_byte <= place <= node.end_byte:
                return node
        return None

    def finished(self, offset: int) -> "Buffer":
        """Return the text with what is missing at an offset inserted: a name after a dot, and closing brackets."""
        before, after = self.text[:offset], self.text[offset:]
        lacks_value = before.rstrip(" ").endswith("=") and after.lstrip(" ")[:1] in ("", "\n", ",", ")")
        lacks_name = before.endswith(".") and not after[:1].isidentifier()
        named = before + "_" if lacks_name or lacks_value else before
        finished = self if named == before else Buffer(named + after, self)
        rest, newline, below = after.partition("\n")
        closers = missing_closers(finished.root, self.byte_offset(offset), rest)
        return Buffer(named + rest + closers + newline + below, finished) if closers else finished

    def call_around(self, offset: int) -> Node | None:
        """Return the innermost call between whose parentheses an offset lies."""
        place = self.byte_offset(offset)
        node = self.root.descendant_for_byte_range(max(place - 1, 0), place)
        while node is not None:
            listed = field(node, "arguments") if node.type == "call" else None
            if listed is not None and listed.start_byte < place < listed.end_byte:
                return node
            node = node.parent
        return None

    def scopes_around(self, node: Node) -> list[Scope]:
        """Return the scopes whose names are visible at a node, innermost first."""
        outer: Node | None = node
        while outer is not None and outer.type != "block" and outer.type not in SCOPES:
            outer = outer.parent
        if outer is None or outer.type != "block":
            return self._scopes_around(node)
        if outer.id not in self._scopes:
            self._scopes[outer.id] = self._scopes_around(outer)
        return self._scopes[outer.id]

    def _scopes_around(self, node: Node) -> list[Scope]:
        visible: list[Scope] = []
        inner, scope = node, node if node.type in SCOPES or node == self.root else node.parent
        while scope is not None:
            hidden = scope.type == "class_definition" and _has_function(visible)
            if scope == self.root:  # an ERROR where the text is badly broken
                visible.append(Scope("module", scope, self.bindings_in(scope)))
            elif scope.type in SCOPES and not hidden and not _is_outside(inner, scope):
                visible.append(Scope(scope.type, scope, self.bindings_in(scope)))
            inner, scope = scope, scope.parent
        return visible

    @cached_property
    def tested_names(self) -> set[str]:
        """The names that are tested with ``isinstance`` anywhere in the text."""
        return set(re.findall(r"isinstance\(\s*(\w+)", self.text))

    def bindings_in(self, scope: Node) -> Bindings:
        """Return the bindings of a scope, by name."""
        found = self._bindings.get(scope.id)
        if found is None:
            found = self._bindings[scope.id] = bindings_of(scope)
            for name in self._declared_outside.get(scope.id, ()):
                found.pop(name, None)
            for inner, name in self._declared_inside.get(scope.id, ()):
                function = Branch(inner.start_byte, inner.end_byte, Span(inner.start_byte, inner.end_byte), "global")
                own = [replace(b, branches=(function,)) for b in bindings_of(inner).get(name, ())]
                found[name] = sorted([*found.get(name, ()), *own], key=lambda binding: binding.position)
        return found

    def attributes_in(self, cls: Node) -> Bindings:
        """Return the bindings of instance attributes in the methods of a class: ``x`` for ``self.x = …``."""
        if cls.id not in self._attributes:
            found = self._attributes[cls.id] = {}
            for bindings in list(self.bindings_in(cls).values()):
                for method in (b.definition for b in bindings if b.definition is not None):
                    for name, assigned in _attributes_set_in(method, self):
                        found.setdefault(name, []).extend(assigned)
        return self._attributes[cls.id]

    def byte_offset(self, offset: int) -> int:
        """Return an offset in code points as one in bytes, as nodes and bindings have."""
        if self._is_plain:
            return min(offset, len(self._bytes))
        in_bytes, in_points = self._line_starts
        line = bisect_right(in_points, offset) - 1
        return in_bytes[line] + len(self.text[in_points[line] : offset].encode("utf-8", "surrogatepass"))

    @cached_property
    def _declared(self) -> list[tuple[Node, Node, str]]:
        return list(declared_in(self.root))

    @cached_property
    def _declared_outside(self) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        for scope, _, name in self._declared:
            found.setdefault(scope.id, []).append(name)
        return found

    @cached_property
    def _declared_inside(self) -> dict[int, list[tuple[Node, str]]]:
        found: dict[int, list[tuple[Node, str]]] = {}
        for scope, outer, name in self._declared:
            found.setdefault(outer.id, []).append((scope, name))
        return found

    def offset_of(self, byte_offset: int) -> int:
        """Return an offset in bytes as one in code points."""
        if self._is_plain:
            return byte_offset
        in_bytes, in_points = self._line_starts
        line = bisect_right(in_bytes, byte_offset) - 1
        return in_points[line] + len(self._bytes[in_bytes[line] : byte_offset].decode("utf-8", "surrogatepass"))

    def stands_alone(self, byte_offset: int) -> bool:
        """Return whether nothing but white space precedes an offset in bytes on its line."""
        return not self._bytes[self._bytes.rfind(b"\n", 0, byte_offset) + 1 : byte_offset].strip()

    @cached_property
    def _line_starts(self) -> tuple[list[int], list[int]]:
        """Where each line starts, in bytes and in code points: no offset needs the whole text again."""
        in_bytes, in_points = [0], [0]
        for line in self._bytes.split(b"\n"):
            in_bytes.append(in_bytes[-1] + len(line) + 1)
            in_points.append(in_points[-1] + len(line.decode("utf-8", "surrogatepass")) + 1)
        return in_bytes[:-1], in_points[:-1]


def _attributes_set_in(method: Node, buffer: Buffer) -> Iterator[tuple[str, list[Binding]]]:
    parameters = field(method, "parameters")
    if method.type != "function_definition" or parameters is None or not parameters.named_children:
        return
    instance = f"{text_of(parameters.named_children[0])}."
    for name, bindings in buffer.bindings_in(method).items():
        if name.startswith(instance):
            yield name.removeprefix(instance), bindings


def _is_outside(part: Node | None, scope: Node) -> bool:
    """Return whether a part of a definition (defaults, annotations, bases) is evaluated outside its scope."""
    fields = ("parameters", "return_type", "superclasses", "type_parameters")
    return part is not None and any(scope.child_by_field_name(field) == part for field in fields)


def _has_function(scopes: list[Scope]) -> bool:
    return any(scope.kind != "class_definition" for scope in scopes)


def _is_declaration(node: Node) -> bool:
    """Return whether an identifier is the name of a parameter, a keyword argument or a definition, not a use."""
    parent = node.parent
    assert parent is not None
    if parent.type in ("list_splat_pattern", "dictionary_splat_pattern") and parent.parent is not None:
        node, parent = parent, parent.parent
    if parent.type in ("typed_parameter", "keyword_pattern"):
        return parent.named_children[0] == node
    return parent.child_by_field_name("name") == node or parent.type in _DECLARATIONS


def _import_path(node: Node) -> str | None:
    """Return the module path an identifier in an import means, "" if it means none, None outside imports."""
    dotted_name = node.parent
    statement: Node | None = node
    while statement is not None and statement.type not in ("import_statement", "import_from_statement"):
        statement = statement.parent if statement.type in ("identifier", "dotted_name", "aliased_import") else None
    if statement is None or dotted_name is None:
        return None
    if dotted_name.type == "aliased_import":  # the alias itself
        target = next((b.target for b in bound_by_import(statement) if b.position == node.start_byte), "")
        return "" if target.startswith(".") else target
    path = dotted_up_to(node, dotted_name)
    if statement.type == "import_statement":
        return path
    module = statement.child_by_field_name("module_name")
    if module is None or module.type == "relative_import":
        return ""
    return path if dotted_name == module else f"{text_of(module)}.{path}"
