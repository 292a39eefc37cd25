"""Evaluate attributes: of arrays, and of objects of the file's classes."""

import re
from collections import Counter

from tenny_lsp.inference.definitions import is_property
from tenny_lsp.inference.meaning import LocalClass, Plain
from tenny_lsp.inference.members import bases
from tenny_lsp.inference.shapes.dimension import UNKNOWN, Expression, Unknown, product, symbol
from tenny_lsp.inference.shapes.frames import NEVER, Callee, Frame, Layer, Made, Never, join_all
from tenny_lsp.inference.shapes.objects import method_of
from tenny_lsp.inference.shapes.protocol import Shapes
from tenny_lsp.inference.shapes.rule import Value
from tenny_lsp.inference.shapes.rules.layers import layer_attribute
from tenny_lsp.inference.shapes.rules.manipulation import matrix_transpose, transpose
from tenny_lsp.inference.shapes.table import rule_of
from tenny_lsp.inference.shapes.values import BOOL, FLOAT, INT, Array, Dtype, Items, ShapeError
from tenny_lsp.inference.shapes.variables import api_value, binding_value, function_value
from tenny_lsp.source.scope import Binding
from tenny_lsp.source.syntax import Node, field, text_of, up_to

#: What may give a layer weights of another shape, or put another layer in its place.
_CHANGED = re.compile(r"quantize|strict\s*=|\.update\w*\(|\.apply|fuse|setattr|lora", re.IGNORECASE)


def attribute_value(shapes: Shapes, frame: Frame, node: Node) -> Value:
    """Return the value of an attribute."""
    owner, attribute = field(node, "object"), field(node, "attribute")
    if owner is None or attribute is None:
        return UNKNOWN
    known = api_value(frame, node)
    if not isinstance(known, Unknown):
        return known
    name, value = text_of(attribute), shapes.value(frame, owner)
    if isinstance(value, Never):
        return NEVER
    if isinstance(value, Array):
        return _of_array(value, name)
    if isinstance(value, Made):
        return method_value(shapes, value, name)
    if isinstance(value, Layer):
        is_changed = _is_set_elsewhere(shapes, frame, name) or _CHANGED.search(frame.home.buffer.text) is not None
        return UNKNOWN if is_changed else layer_attribute(value.name, dict(value.given), name)
    if isinstance(value, Expression) and value.symbol is not None and not value.is_int:
        return _of_symbol(shapes, frame, value, name, node)
    return UNKNOWN


def _of_array(array: Array, name: str) -> Value:
    shape = array.shape
    if name == "shape":
        return shape if shape is not None else Items(INT)
    if name == "ndim":
        return INT if shape is None else len(shape)
    if name == "size":
        return product(shape) if shape is not None else INT
    if name == "dtype":
        return Dtype(array.dtype) if array.dtype is not None else UNKNOWN
    try:
        if name == "T":
            return transpose(array)
        if name == "mT":
            return matrix_transpose(array)
    except ShapeError:
        return UNKNOWN
    rule = rule_of(f"mlx.core.{name}") if name in ("real", "imag") else None
    return rule(array) if rule is not None else UNKNOWN


def _of_symbol(shapes: Shapes, frame: Frame, value: Expression, name: str, node: Node) -> Value:
    """Return an attribute of something unknown that has a name: the number ``args.hidden_size``."""
    owner = value.symbol
    assert owner is not None
    if _is_set_elsewhere(shapes, frame, name):
        return UNKNOWN
    meaning = frame.home.meaning(node)
    if isinstance(meaning, Plain) and meaning.name in ("float", "bool"):
        return FLOAT if meaning.name == "float" else BOOL
    return symbol(name, (owner.key, name), is_int=meaning == Plain("int"))


_CALLED = re.compile(rb"([\w\x80-\xff]+)\(")
#: An attribute of anything but ``self`` that is set.
_SET = re.compile(rb"(?<!\bself)\.(\w+)\s*(?:[-+*/%&|^]|//|\*\*)?=(?!=)")


def _is_set_elsewhere(shapes: Shapes, frame: Frame, name: str) -> bool:
    """Return whether a file sets an attribute of that name of anything but ``self``.

    A module is taken as its constructor makes it: what only a function does that nothing in the file calls, such as
    splitting a model between devices, does not count.
    """
    return name in shapes.fact(("set", frame.home), lambda: _set_in(frame.home.buffer.root))


def _set_in(root: Node) -> frozenset[str]:
    """Return the attributes that the text sets of anything but ``self``, in functions that something in it calls."""
    text = root.text or b""
    calls = Counter(_CALLED.findall(text))
    found: set[str] = set()
    for place in _SET.finditer(text):
        node = root.descendant_for_byte_range(place.start(), place.end())
        function = up_to(node, "function_definition") if node is not None else None
        called = field(function, "name")
        if called is None or calls[called.text or b""] > 1:
            found.add(place[1].decode())
    return frozenset(found)


def method_value(shapes: Shapes, made: Made, name: str) -> Value:
    """Return an attribute or a method of an object of a file's class."""
    return shapes.memoised((made, name), lambda: _of_made(shapes, made, made.cls, name))


def _of_made(shapes: Shapes, made: Made, cls: Node, name: str) -> Value:
    frame = shapes.generic(made.home, cls)
    definition = method_of(frame, cls, name)
    if definition is not None:
        method = function_value(shapes, frame, definition, made)
        if isinstance(method, Callee) and is_property(definition):
            return shapes.invoked(method, ([], {}))
        return method
    bindings = made.home.buffer.attributes_in(cls).get(name, [])
    if bindings:
        return _assigned(shapes, made, name, bindings)
    if made.home.buffer.bindings_in(cls).get(name):
        return UNKNOWN
    return _inherited(shapes, made, cls, name)


def _inherited(shapes: Shapes, made: Made, cls: Node, name: str) -> Value:
    """Return a method that the only base of a class of the same file defines; attributes of bases are unknown."""
    found = list(bases(LocalClass(made.home, cls)))
    base = found[0] if len(found) == 1 else None
    if not isinstance(base, LocalClass) or base.home is not made.home or base.node == cls:
        return UNKNOWN
    definition = method_of(shapes.generic(made.home, base.node), base.node, name)
    if definition is None or is_property(definition):
        return UNKNOWN
    return function_value(shapes, shapes.generic(made.home, base.node), definition, made)


def _assigned(shapes: Shapes, made: Made, name: str, bindings: list[Binding]) -> Value:
    """Return what ``__init__`` assigns to an attribute; unknown where it is assigned elsewhere too."""
    init = made.init
    if init is None or _is_set_elsewhere(shapes, init, name):
        return UNKNOWN
    node = init.node
    if not all(node.start_byte <= binding.position < node.end_byte for binding in bindings):
        return UNKNOWN
    text = made.cls.text or b""
    if re.search(rb"self\.%s(?:\.(?:append|insert|extend|pop)\(|\[[^\]]*\]\s*=[^=])" % re.escape(name.encode()), text):
        return UNKNOWN
    return join_all(binding_value(shapes, init, binding) for binding in bindings)
