"""Evaluate ``self``, and find the methods of a class."""

import re

from tenny_lsp.inference.shapes.dimension import UNKNOWN
from tenny_lsp.inference.shapes.frames import Frame, Made
from tenny_lsp.inference.shapes.protocol import Shapes
from tenny_lsp.inference.shapes.rule import Value
from tenny_lsp.source.syntax import Node, field, text_of


def any_object(shapes: Shapes, frame: Frame, cls: Node) -> Value:
    """Return ``self``: any object of a class; unknown where another class of the file derives from it."""
    name = field(cls, "name")
    pattern = rb"class\s+\w+\s*\([^)]*\b%s\b" % re.escape(text_of(name).encode()) if name is not None else rb""
    if re.search(pattern, frame.home.buffer.root.text or b""):
        return UNKNOWN
    init = method_of(frame, cls, "__init__")
    return Made(frame.home, cls, shapes.generic(frame.home, init) if init is not None else None)


def method_of(frame: Frame, cls: Node, name: str) -> Node | None:
    """Return the only definition of a method in a class's own text."""
    found = [b.definition for b in frame.home.buffer.bindings_in(cls).get(name, ())]
    is_one = len(found) == 1 and found[0] is not None and found[0].type == "function_definition"
    return found[0] if is_one else None
