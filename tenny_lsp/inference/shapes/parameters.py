"""Evaluate parameters: from this run's arguments, annotations, the calls in the file, and how they are used."""

from collections.abc import Iterator

from tenny_lsp.inference.definitions import class_of, decorators
from tenny_lsp.inference.meaning import LocalClass
from tenny_lsp.inference.members import bases
from tenny_lsp.inference.names import reaching_bindings
from tenny_lsp.inference.shapes.arguments import arguments_of, bound
from tenny_lsp.inference.shapes.declared import annotated_shape, commented_shape
from tenny_lsp.inference.shapes.demands import demand_on, refined
from tenny_lsp.inference.shapes.dimension import UNKNOWN, Dimension, Expression, Unknown, symbol
from tenny_lsp.inference.shapes.frames import ApiName, Frame, Key, Layer, is_unknown, join_all
from tenny_lsp.inference.shapes.objects import any_object
from tenny_lsp.inference.shapes.protocol import Shapes
from tenny_lsp.inference.shapes.rule import Value
from tenny_lsp.inference.shapes.values import BOOL, FLOAT, INT, Array, Shape
from tenny_lsp.source.scope import Binding
from tenny_lsp.source.syntax import Node, every, field, text_of, up_to


def parameter_value(shapes: Shapes, frame: Frame, binding: Binding, declared: Value) -> Value:
    """Return the value of a parameter: what this run was called with, or what is known for every run.

    Args:
        shapes (Shapes): Evaluates expressions.
        frame (Frame): The run.
        binding (Binding): The parameter.
        declared (Value): What its annotation says.
    """
    function = up_to(binding.definition, "function_definition", "lambda") if binding.definition is not None else None
    if function is None or binding.steps or function != frame.node:
        return UNKNOWN
    if frame.arguments is not None:
        return dict(frame.arguments).get(binding.name, UNKNOWN)
    owner = class_of(function)
    if owner is not None and _is_first(function, binding):
        names = {text_of(decorator) for decorator in decorators(function)}
        return UNKNOWN if names & {"staticmethod", "classmethod"} else any_object(shapes, frame, owner)
    if text_of(field(function, "name") or function) == "__init__":
        made = _from_calls(shapes, frame, function, binding)
        is_object = isinstance(made, Expression) and made.symbol is not None and not made.is_int
        if is_object and declared != INT:
            return made  # a configuration that is handed on
    if declared == INT:
        return symbol(binding.name, Key(frame.home, binding.position))
    if declared in (FLOAT, BOOL):
        return declared
    name = field(function, "name")
    called: Value = UNKNOWN
    if name is not None and text_of(name) != "__init__":
        called = _from_calls(shapes, frame, function, binding)
    known = declared if isinstance(declared, Array) and not isinstance(called, Array) else called
    if not is_unknown(known) and not isinstance(known, Array):
        return known
    if is_unknown(known) or (isinstance(known, Array) and known.shape is None):
        known = _as_declared(frame, function, binding, known)
    found = _as_unpacked(shapes, frame, function, binding, known)
    demand = demand_on(shapes, frame, binding.name, (binding.position,))
    if not isinstance(found, Array) and demand.ndim is not None and _is_array(shapes, frame, function, binding):
        found = Array()
    return refined(frame, found, demand, binding.position)


def _as_declared(frame: Frame, function: Node, binding: Binding, known: Value) -> Value:
    """Return a parameter with the dimensions that its annotation or the comment beside it gives."""
    shape = annotated_shape(frame, function, binding)
    if shape is None and isinstance(known, Array):
        shape = commented_shape(frame, function, binding)
    return Array(shape, known.dtype if isinstance(known, Array) else None) if shape is not None else known


def _is_first(function: Node, binding: Binding) -> bool:
    parameters = field(function, "parameters")
    named_children = parameters.named_children if parameters is not None else []
    return bool(named_children) and named_children[0] == binding.definition


def _from_calls(shapes: Shapes, frame: Frame, function: Node, binding: Binding) -> Value:
    """Return what the calls in the file give a parameter; unknown where there are none."""
    found: list[Value] = []
    skips = 0 if class_of(function) is None else 1
    defaults = shapes.generic(frame.home, function.parent or function)
    for place, call in shapes.calls_of(frame.home, function):
        given = arguments_of(shapes, place, call)
        values = bound(shapes, defaults, function, given, skips=skips) if given is not None else None
        found.append(values.get(binding.name, UNKNOWN) if values is not None else UNKNOWN)
    return join_all(found) if found else UNKNOWN


def _as_unpacked(shapes: Shapes, frame: Frame, function: Node, binding: Binding, known: Value) -> Value:
    """Return a parameter with the dimensions that the function itself unpacks from its shape."""
    found = _unpacked(frame, function, binding)
    if found is None or (not isinstance(known, Array) and not _is_array(shapes, frame, function, binding)):
        opaque = symbol(binding.name, Key(frame.home, binding.position), is_int=False)
        return known if isinstance(known, Array) else opaque
    if not isinstance(known, Array) or known.shape is None:
        return Array(found, known.dtype if isinstance(known, Array) else None)
    if len(known.shape) != len(found):
        return Array(None, known.dtype)  # one of the calls raises
    return Array(tuple(map(_known_one, known.shape, found)), known.dtype)


def _known_one(one: Dimension, other: Dimension) -> Dimension:
    return other if isinstance(one, Unknown) else one


def _unpacked(frame: Frame, function: Node, binding: Binding) -> Shape | None:
    """Return the dimensions that ``B, T, D = x.shape`` gives a parameter, in a statement that always runs."""
    for left, right in _assignments(function):
        owner, attribute = field(right, "object"), field(right, "attribute")
        if owner is None or attribute is None or text_of(attribute) != "shape" or owner.type != "identifier":
            continue
        if text_of(owner) != binding.name or left.type not in ("pattern_list", "tuple_pattern"):
            continue
        sources = reaching_bindings(frame.home, binding.name, owner) or []
        is_plain = all(target.type == "identifier" for target in left.named_children)
        if is_plain and [source.position for source in sources] == [binding.position]:
            return tuple(_dimension(frame, target) for target in left.named_children)
    return None


def _assignments(function: Node) -> Iterator[tuple[Node, Node]]:
    """Yield both sides of the assignments of a function that always run, up to the first return."""
    body = field(function, "body")
    for statement in body.named_children if body is not None else ():
        if b"return" in (statement.text or b"") and statement.type != "expression_statement":
            return
        inner = statement.named_children[0] if statement.type == "expression_statement" else None
        left, right = field(inner, "left"), field(inner, "right")
        if inner is not None and inner.type == "assignment" and left is not None and right is not None:
            yield left, right


def _dimension(frame: Frame, target: Node) -> Dimension:
    return symbol(text_of(target), Key(frame.home, target.start_byte)) if text_of(target) != "_" else UNKNOWN


def _is_array(shapes: Shapes, frame: Frame, function: Node, binding: Binding) -> bool:
    """Return whether a parameter is certain to be an array: a module's own, or one that MLX is called with."""
    owner, name = class_of(function), field(function, "name")
    if owner is not None and name is not None and text_of(name) == "__call__":
        parents = bases(LocalClass(frame.home, owner))
        if any(getattr(getattr(parent, "entry", None), "name", "") == "mlx.nn.Module" for parent in parents):
            return True
    for node in every(function):
        listed = field(node, "arguments") if node.type == "call" else None
        given = listed.named_children if listed is not None else []
        if not any(child.type == "identifier" and text_of(child) == binding.name for child in given):
            continue
        called = field(node, "function")
        value = shapes.value(frame, called) if called is not None else UNKNOWN
        if isinstance(value, Layer) or (isinstance(value, ApiName) and not value.name.endswith((".array", ".eval"))):
            return True
    return False
