"""Evaluate names: the bindings that reach them, and the parameters of functions."""

import re

from tenny_lsp.inference.collections import MUTATES
from tenny_lsp.inference.definitions import decorators
from tenny_lsp.inference.evaluator import home_of
from tenny_lsp.inference.meaning import Api, LocalModule, Plain
from tenny_lsp.inference.names import meaning_of_binding, reaching_bindings
from tenny_lsp.inference.shapes.branches import taken
from tenny_lsp.inference.shapes.demands import demand_on, refined
from tenny_lsp.inference.shapes.dimension import UNKNOWN, symbol
from tenny_lsp.inference.shapes.frames import (
    ApiName,
    Callee,
    Frame,
    Key,
    Made,
    is_unknown,
    join_all,
    unpacked,
    without_symbols_of,
)
from tenny_lsp.inference.shapes.parameters import parameter_value
from tenny_lsp.inference.shapes.protocol import Shapes
from tenny_lsp.inference.shapes.rule import Value
from tenny_lsp.inference.shapes.values import BOOL, FLOAT, INT, Array, Dtype, Items
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.source.scope import Binding
from tenny_lsp.source.syntax import Node, field, text_of, up_to

_NUMBERS = {"int": INT, "float": FLOAT, "bool": BOOL}
_CONSTANTS = {"pi": FLOAT, "e": FLOAT, "inf": FLOAT, "nan": FLOAT, "euler_gamma": FLOAT, "newaxis": None}


def name_value(shapes: Shapes, frame: Frame, node: Node, *, before: bool = False) -> Value:
    """Return the value of a name where it is used."""
    bindings = reaching_bindings(frame.home, text_of(node), node, before=before)
    if bindings is None:
        return api_value(frame, node)
    bindings = taken(frame, bindings, node.start_byte)
    found = join_all(_carried(frame, binding, binding_value(shapes, frame, binding), node) for binding in bindings)
    if isinstance(found, Array) and found.shape is None and len(bindings) > 1 and not any(b.loops for b in bindings):
        # Wherever the same bindings reach, the array is the same.
        places = tuple(sorted(binding.position for binding in bindings))
        if frame.node.start_byte <= places[0] < frame.node.end_byte:
            return refined(frame, found, demand_on(shapes, frame, text_of(node), places), places[0])
    return found


def api_value(frame: Frame, node: Node) -> Value:
    """Return the value of an expression that names something of MLX's."""
    meaning = frame.home.meaning(node)
    return value_of_entry(meaning.entry) if isinstance(meaning, Api) and meaning.receiver is None else UNKNOWN


def value_of_entry(entry: ApiEntry) -> Value:
    """Return the value of a name of MLX's: a dtype, a constant, a function, a class."""
    if entry.kind in ("function", "method", "class"):
        return ApiName(entry.name)
    if entry.annotation == "Dtype" or entry.annotation.endswith(".Dtype"):
        return Dtype(entry.short_name.rstrip("_"))
    return _CONSTANTS.get(entry.short_name, UNKNOWN) if entry.name.startswith("mlx.core.") else UNKNOWN


def _carried(frame: Frame, binding: Binding, value: Value, use: Node) -> Value:
    """Return a value where it is used: what an earlier turn of a loop has left may have other sizes."""
    shared = [loop for loop in binding.loops if use.start_byte in loop]
    if not shared:
        return value
    is_later = binding.since > use.start_byte
    is_uncertain = any(use.start_byte not in branch for branch in binding.branches)
    return without_symbols_of(value, frame.home, shared[0]) if is_later or is_uncertain else value


def binding_value(shapes: Shapes, frame: Frame, binding: Binding) -> Value:
    """Return the value that one binding gives its name, in the frame of the scope that it stands in."""
    own = frame_of(shapes, frame, binding)
    return shapes.memoised((own, binding.position), lambda: _binding_value(shapes, own, binding))


def frame_of(shapes: Shapes, frame: Frame, binding: Binding) -> Frame:
    """Return the frame that a binding belongs to: this one, or one around it."""
    found: Frame | None = frame
    while found is not None:
        # A function is bound in the scope around it, though its name stands in it: recursion is no deeper nesting.
        if found.node.start_byte <= binding.position < found.node.end_byte and found.node != binding.definition:
            return found
        found = found.outer
    return shapes.generic(frame.home, frame.home.buffer.root)


def _binding_value(shapes: Shapes, frame: Frame, binding: Binding) -> Value:
    definition = binding.definition
    if binding.is_import:
        return imported(shapes, frame, binding)
    if definition is not None and definition.type == "function_definition":
        return function_value(shapes, frame, definition, None)
    if definition is not None and definition.type == "class_definition":
        return class_value(frame, definition)
    if definition is not None:
        return parameter_value(shapes, frame, binding, number_or(frame, binding, UNKNOWN))
    if binding.value is None:
        return UNKNOWN
    value = unpacked(shapes.value(frame, binding.value), binding.steps)
    if isinstance(value, tuple | Items) and _is_mutated(binding):
        value = UNKNOWN
    if isinstance(value, Array) and value.shape is None:
        demand = demand_on(shapes, frame, binding.name, (binding.position,))
        value = refined(frame, value, demand, _first_of_its_kind(frame, binding))
    return named(frame, binding, value)


def _first_of_its_kind(frame: Frame, binding: Binding) -> int:
    """Return the place of the first of the bindings of which one run of the function meets just one.

    Those are the bindings of a name in different branches of one ``if``: their dimensions may share their names.
    """
    own = binding.branches[-1] if binding.branches else None
    if own is None or own.kind != "if":
        return binding.position
    bindings = frame.home.buffer.bindings_in(frame.node).get(binding.name, [])
    group = [other for other in bindings if other.branches and other.branches[-1].statement == own.statement]
    is_exclusive = len({other.branches[-1] for other in group}) == len(group)
    # What an inner function binds by nonlocal is read in this frame, and so are its own names, which are not listed.
    return min((other.position for other in group), default=binding.position) if is_exclusive else binding.position


def class_value(frame: Frame, definition: Node) -> Value:
    """Return the class that a definition is, as something that makes objects."""
    return UNKNOWN if decorators(definition) else Callee(frame.home, definition)


def _is_mutated(binding: Binding) -> bool:
    """Return whether a list may be longer or shorter than it was made."""
    if binding.value is not None and binding.value.type in ("tuple", "attribute", "expression_list"):
        return False
    scope = up_to(binding.value, "function_definition", "module") if binding.value is not None else None
    text = (scope.text or b"") if scope is not None else b""
    return (
        re.search(
            rb"\b%s(?:%s|\.(?:pop|remove|clear|reverse|sort)\()"
            % (re.escape(binding.name.encode()), MUTATES.replace(rb"\[|", rb"\[[^\]]*\]\s*=[^=]|")),
            text,
        )
        is not None
    )


def named(frame: Frame, binding: Binding, value: Value) -> Value:
    """Return a value; a number that nothing else names is called after its variable."""
    if frame.is_generic and (is_unknown(value) or value == INT) and binding.name != "_":
        meaning = meaning_of_binding(frame.home, binding)
        if meaning == Plain("int"):
            is_whole = binding.value is not None and not binding.steps
            place = binding.value.start_byte if binding.value is not None and is_whole else binding.position
            return symbol(binding.name.rpartition(".")[2], Key(frame.home, place))
    return number_or(frame, binding, value)


def number_or(frame: Frame, binding: Binding, value: Value) -> Value:
    """Return a value; of an unknown one its kind, where its annotation or its value says it."""
    if not is_unknown(value):
        return value
    meaning = meaning_of_binding(frame.home, binding)
    if isinstance(meaning, Plain):
        return _NUMBERS.get(meaning.name, UNKNOWN) if meaning.name != "None" else None
    return Array() if frame.home.is_array(meaning) else UNKNOWN


def imported(shapes: Shapes, frame: Frame, binding: Binding) -> Value:
    """Return the value of an import: something of MLX's, or of another file."""
    meaning = frame.home.imported(binding.target)
    if isinstance(meaning, Api):
        return value_of_entry(meaning.entry)
    module, _, name = binding.target.rpartition(".")
    owner = frame.home.imported(module) if module.strip(".") else None
    if not isinstance(owner, LocalModule):
        return UNKNOWN
    home = home_of(owner)
    bindings = home.buffer.bindings_in(home.buffer.root).get(name, [])
    frame = shapes.generic(home, home.buffer.root)
    return binding_value(shapes, frame, bindings[0]) if len(bindings) == 1 else UNKNOWN


#: Decorators that leave what a call returns as it is.
_TRANSPARENT = {"mlx.core.compile", "mlx.core.checkpoint"}


def function_value(shapes: Shapes, frame: Frame, definition: Node, receiver: Made | None) -> Value:
    """Return the function that a definition is; unknown under a decorator that may change what it returns."""
    for decorator in decorators(definition):
        text = text_of(decorator)
        called = field(decorator, "function") if decorator.type == "call" else decorator
        value = shapes.value(frame, called) if called is not None else UNKNOWN
        is_compiled = isinstance(value, ApiName) and value.name in _TRANSPARENT
        is_partial = "mx.compile" in text and text.startswith(("partial(", "functools.partial("))
        if not (is_compiled or is_partial or text in ("staticmethod", "property")):
            return UNKNOWN
        if text == "staticmethod":
            receiver = None
    return Callee(frame.home, definition, receiver, frame if up_to(frame.node, "function_definition") else None)
