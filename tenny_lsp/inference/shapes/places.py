"""Answer what an editor asks of shapes: what the array under a cursor is, and those of the lines on the screen."""

from collections.abc import Iterator
from dataclasses import dataclass

from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.inference.names import reaching_bindings
from tenny_lsp.inference.shapes.engine import ShapeEngine
from tenny_lsp.inference.shapes.frames import Layer, Made
from tenny_lsp.inference.shapes.values import Array
from tenny_lsp.source.syntax import Node, field, text_of, up_to

_CALLED = {"function_definition", "class_definition", "keyword_argument", "import_statement", "import_from_statement"}
_TARGETS = {"pattern_list", "tuple_pattern", "list_pattern"}


@dataclass(frozen=True, slots=True)
class FoundArray:
    """An array in the text.

    Args:
        array (Array): Its shape and dtype, as far as they are known.
        name (str): The variable that holds it; empty for a call.
        start (int): Where the name or the call starts, in code points.
        end (int): Where it ends.
        source (str): The expression that gives the variable its value; empty where there are several, or none.
    """

    array: Array
    name: str
    start: int
    end: int
    source: str = ""


class ShapeQueries:
    """Answers questions about the arrays of one file as it is now.

    Args:
        evaluator (Evaluator): Evaluates the file.
    """

    def __init__(self, evaluator: Evaluator) -> None:
        self._home = evaluator
        self._engine = ShapeEngine()

    def array_at(self, offset: int) -> FoundArray | None:
        """Return the array that the variable at an offset holds; None where nothing is known of it, or it is none."""
        node = self._home.buffer.identifier_at(offset)
        if node is None or node.parent is None or node.parent.type in ("attribute", "dotted_name", "aliased_import"):
            return None
        if node.parent.type in _CALLED and field(node.parent, "name") == node:
            return None
        return self._of_name(node)

    def unknown_at(self, offset: int) -> FoundArray | None:
        """Return the array that the name at an offset holds if nothing is known of it but that it is one."""
        node = self._home.buffer.identifier_at(offset)
        if node is None:
            return None
        at = self._home.buffer.offset_of
        return FoundArray(Array(), text_of(node), at(node.start_byte), at(node.end_byte), self._source(node))

    def arrays_in(self, start: int, end: int) -> Iterator[FoundArray]:
        """Yield the arrays of the variables assigned between two offsets, and of the layers' calls there.

        A call that is assigned as it stands is left out, for its variable tells it.
        """
        buffer = self._home.buffer
        for node in _within(buffer.root, buffer.byte_offset(start), buffer.byte_offset(end)):
            found: FoundArray | None = None
            if node.type == "identifier" and _is_target(node):
                found = self._of_name(node)
            elif node.type == "call" and (node.parent is None or node.parent.type != "assignment"):
                found = self._of_call(node)
            if found is not None:
                yield found

    def _of_name(self, node: Node) -> FoundArray | None:
        function = up_to(node, "function_definition")
        bindings = self._home.buffer.bindings_in(function).get(text_of(node), []) if function is not None else []
        places = {one.position: one for one in bindings if one.definition is not None}
        declared, body = places.get(node.start_byte), field(function, "body")
        if declared is not None and body is not None:  # a parameter, which is no expression
            value = self._engine.of_binding(self._home, declared, body)
        else:
            value = self._engine.value(self._engine.generic(self._home, node), node)
        return self._found(value, node, text_of(node), self._source(node))

    def _source(self, node: Node) -> str:
        bindings = reaching_bindings(self._home, text_of(node), node) or []
        value = bindings[0].value if len(bindings) == 1 else None
        is_whole = value is not None and not bindings[0].steps and value.type != "augmented_assignment"
        return " ".join(text_of(value).split()) if value is not None and is_whole else ""

    def _of_call(self, node: Node) -> FoundArray | None:
        function = field(node, "function")
        frame = self._engine.generic(self._home, node)
        if function is None or not isinstance(self._engine.value(frame, function), Layer | Made):
            return None
        return self._found(self._engine.value(frame, node), node, "", "")

    def _found(self, value: object, node: Node, name: str, source: str) -> FoundArray | None:
        if not isinstance(value, Array) or (value.shape is None and value.dtype is None):
            return None
        buffer = self._home.buffer
        return FoundArray(value, name, buffer.offset_of(node.start_byte), buffer.offset_of(node.end_byte), source)


def _is_target(node: Node) -> bool:
    """Return whether an identifier is what an assignment binds."""
    outer = node.parent
    while outer is not None and outer.type in _TARGETS:
        node, outer = outer, outer.parent
    return outer is not None and outer.type in ("assignment", "augmented_assignment") and field(outer, "left") == node


def _within(root: Node, start: int, end: int) -> Iterator[Node]:
    """Yield the named nodes that lie in a part of the text, in its order."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.end_byte < start or node.start_byte > end:
            continue
        yield node
        waiting += reversed(node.named_children)
