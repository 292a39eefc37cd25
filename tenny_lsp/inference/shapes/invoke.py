"""Evaluate calls: of MLX's functions and layers, of the file's functions and classes, of some of Python's."""

from tenny_lsp.inference.meaning import External, LocalClass
from tenny_lsp.inference.members import bases
from tenny_lsp.inference.shapes.arguments import arguments_of, bound, parameters_of
from tenny_lsp.inference.shapes.attributes import method_value
from tenny_lsp.inference.shapes.dimension import UNKNOWN, Unknown
from tenny_lsp.inference.shapes.frames import (
    NEVER,
    ApiName,
    Callee,
    Either,
    Frame,
    Gradient,
    Layer,
    Made,
    Never,
    element_of,
    has_never,
    join_all,
)
from tenny_lsp.inference.shapes.gradients import GRADIENTS, differentiated, gradient
from tenny_lsp.inference.shapes.objects import method_of
from tenny_lsp.inference.shapes.protocol import Given, Shapes
from tenny_lsp.inference.shapes.quantizing import CONVERTERS, check_layer, converted, quantized, to_quantized
from tenny_lsp.inference.shapes.rule import Value
from tenny_lsp.inference.shapes.rules.layers import LAYERS, as_linear, constructed, layer_result
from tenny_lsp.inference.shapes.table import rule_of
from tenny_lsp.inference.shapes.values import BOOL, FLOAT, INT, Array, Items, dimension_of, is_number
from tenny_lsp.source.syntax import SCOPES, Node, field, text_of

_SEQUENTIAL = "mlx.nn.Sequential"
_PLAIN = {"float": FLOAT, "bool": BOOL, "isinstance": BOOL, "hasattr": BOOL, "callable": BOOL, "round": INT}


def call_value(shapes: Shapes, frame: Frame, node: Node) -> Value:
    """Return the value of a call."""
    function = field(node, "function")
    if function is None:
        return UNKNOWN
    if function.type == "attribute":
        found = _method_call(shapes, frame, node, function)
        if not isinstance(found, Unknown):
            return found
    called = shapes.value(frame, function)
    if isinstance(called, Never):
        return NEVER
    given = arguments_of(shapes, frame, node)
    if given is None:
        return _starred_call(shapes, called)
    if isinstance(called, Unknown):
        return _python_call(frame, function, given)
    return invoked(shapes, called, given)


def invoked(shapes: Shapes, called: Value, given: Given) -> Value:
    """Return what a call of a value gives.

    Raises:
        ShapeError: It is certain to raise.
    """
    if has_never((tuple(given[0]), tuple(given[1].values()))):
        return NEVER
    if isinstance(called, Either):
        return join_all(shapes.invoked(choice, given) for choice in called.choices)
    if isinstance(called, ApiName) and called.name in GRADIENTS:
        return differentiated(called.name, given)
    if isinstance(called, ApiName) and called.name == "mlx.nn.quantize":
        return quantized(shapes, given)
    if isinstance(called, ApiName) and called.name in CONVERTERS:
        return converted(called.name, given)
    if isinstance(called, Gradient):
        return gradient(shapes, called, given)
    if isinstance(called, ApiName):
        return _api_call(called.name, given)
    if isinstance(called, Layer):
        return _layer_call(shapes, called, given)
    if isinstance(called, Made):
        method = method_value(shapes, called, "__call__")
        return invoked(shapes, method, given) if isinstance(method, Callee) else UNKNOWN
    if isinstance(called, Callee):
        is_class = called.node.type == "class_definition"
        return _made(shapes, called, given) if is_class else _run(shapes, called, given)
    return UNKNOWN


def _starred_call(shapes: Shapes, called: Value) -> Value:
    """Return what a call gives of whose arguments nothing is known."""
    if isinstance(called, Made):
        called = method_value(shapes, called, "__call__")
    if isinstance(called, ApiName) and called.name in LAYERS:
        return Layer(called.name, tuple(dict.fromkeys(constructed(called.name, (), {"": UNKNOWN}), UNKNOWN).items()))
    if not isinstance(called, Callee):
        return UNKNOWN
    if called.node.type == "class_definition":
        init = method_of(shapes.generic(called.home, called.node), called.node, "__init__")
        return UNKNOWN if init is None else _made_by(called, init, _nothing_known(init, 1))
    if called.node.type != "function_definition":
        return UNKNOWN
    return _run_with(shapes, called, _nothing_known(called.node, 0 if called.receiver is None else 1))


def _nothing_known(function: Node, skips: int) -> dict[str, Value]:
    return {name: UNKNOWN for name, _, _ in (parameters_of(function) or [])[skips:]}


def _api_call(name: str, given: Given) -> Value:
    if name == _SEQUENTIAL:
        return Layer(name, tuple((str(i), layer) for i, layer in enumerate(given[0])))
    if name in LAYERS:
        layer = Layer(name, tuple(constructed(name, tuple(given[0]), given[1]).items()))
        check_layer(layer)
        return layer
    if name in ("mlx.core.compile", "mlx.core.checkpoint", "mlx.nn.utils.checkpoint") and len(given[0]) == 1:
        return given[0][0]
    rule = rule_of(name)
    return rule(*given[0], **given[1]) if rule is not None else UNKNOWN


def _layer_call(shapes: Shapes, layer: Layer, given: Given) -> Value:
    if layer.name != _SEQUENTIAL:
        return layer_result(layer.name, dict(layer.given), tuple(given[0]), given[1])
    if len(given[0]) != 1 or given[1]:
        return UNKNOWN
    value = given[0][0]
    for _, part in layer.given:
        value = invoked(shapes, part, ([value], {}))
    return value


def _made(shapes: Shapes, cls: Callee, given: Given) -> Value:
    """Return the object that a call of a class makes."""
    frame = shapes.generic(cls.home, cls.node)
    init = method_of(frame, cls.node, "__init__")
    if init is None:
        parents = list(bases(LocalClass(cls.home, cls.node)))
        is_plain = not given[0] and not given[1] and all(not isinstance(parent, LocalClass) for parent in parents)
        return Made(cls.home, cls.node, None) if is_plain else UNKNOWN
    values = bound(shapes, frame, init, given, skips=1)
    if values is None:
        return UNKNOWN
    return _made_by(cls, init, values)


def _made_by(cls: Callee, init: Node, values: dict[str, Value]) -> Made:
    return Made(cls.home, cls.node, Frame(cls.home, init, tuple(sorted(values.items(), key=lambda item: item[0]))))


def _run(shapes: Shapes, function: Callee, given: Given) -> Value:
    """Return what a run of a function returns."""
    values = _values(shapes, function, given)
    return _run_with(shapes, function, values) if values is not None else UNKNOWN


def frame_of(shapes: Shapes, called: Value, given: Given) -> Frame | None:
    """Return the run of a function of a file that a call makes; None where another thing is called."""
    if isinstance(called, Gradient):  # it calls the function with the same arguments
        called = called.function
    if isinstance(called, Made):
        called = method_value(shapes, called, "__call__")
    if not isinstance(called, Callee) or called.node.type == "class_definition":
        return None
    values = _values(shapes, called, given)
    return _frame(called, values) if values is not None else None


def _values(shapes: Shapes, function: Callee, given: Given) -> dict[str, Value] | None:
    """Return the values of a function's parameters in a call; None where the arguments do not fit."""
    defined_in = function.outer or shapes.generic(function.home, function.home.buffer.root)
    return bound(shapes, defined_in, function.node, given, skips=1 if function.receiver is not None else 0)


def _frame(function: Callee, values: dict[str, Value]) -> Frame:
    """Return the run of a function with these values of its parameters."""
    parameters = field(function.node, "parameters")
    if function.receiver is not None and parameters is not None and parameters.named_children:
        values[text_of(parameters.named_children[0])] = function.receiver
    arguments = tuple(sorted(values.items(), key=lambda item: item[0]))
    return Frame(function.home, function.node, arguments, function.outer)


def _run_with(shapes: Shapes, function: Callee, values: dict[str, Value]) -> Value:
    """Return what a run of a function with these values of its parameters returns."""
    node = function.node
    frame = _frame(function, values)
    body = field(node, "body")
    if node.type == "lambda" and body is not None:
        return shapes.run(frame, lambda: shapes.value(frame, body))
    return shapes.run(frame, lambda: returned(shapes, frame))


def returned(shapes: Shapes, frame: Frame) -> Value:
    """Return what a function returns in a frame: what its return statements agree on."""
    found: list[Value] = []
    waiting = [field(frame.node, "body")]
    if any(child.type == "async" for child in frame.node.children):
        return UNKNOWN
    while waiting:
        node = waiting.pop()
        if node is None or node.type in SCOPES:
            continue
        if node.type in ("yield", "ERROR"):
            return UNKNOWN
        if node.type == "return_statement":
            found.append(shapes.value(frame, node.named_children[0]) if node.named_children else None)
        else:
            waiting += node.named_children
    return join_all(found) if found else None


def _method_call(shapes: Shapes, frame: Frame, node: Node, function: Node) -> Value:
    """Return what a method of an array or of a layer gives; unknown for all other functions."""
    owner, attribute = field(function, "object"), field(function, "attribute")
    if owner is None or attribute is None:
        return UNKNOWN
    name = text_of(attribute)
    if owner.type == "subscript" and (value := field(owner, "value")) is not None and value.type == "attribute":
        updated = _updated(shapes, frame, value)
        if not isinstance(updated, Unknown):
            return updated
    receiver = shapes.value(frame, owner)
    if isinstance(receiver, Never):
        return NEVER
    is_embedding = isinstance(receiver, Layer) and receiver.name.endswith("Embedding")
    is_converted = isinstance(receiver, Layer) and name == "to_quantized"
    if not isinstance(receiver, Array) and not (is_embedding and name == "as_linear") and not is_converted:
        return UNKNOWN
    given = arguments_of(shapes, frame, node)
    if given is None or has_never((tuple(given[0]), tuple(given[1].values()))):
        return UNKNOWN if given is None else NEVER
    if isinstance(receiver, Layer) and is_converted:
        return to_quantized(receiver, given)
    if isinstance(receiver, Layer):
        return as_linear(dict(receiver.given), *given[0][:1]) if len(given[0]) == 1 else UNKNOWN
    rule = rule_of(f"mlx.core.array.{name}") if frame.home.index.resolve(f"mlx.core.array.{name}") else None
    return rule(receiver, *given[0], **given[1]) if rule is not None else UNKNOWN


def _updated(shapes: Shapes, frame: Frame, at: Node) -> Value:
    """Return what ``x.at[…].add(…)`` gives: an array like ``x``."""
    owner, attribute = field(at, "object"), field(at, "attribute")
    if owner is None or attribute is None or text_of(attribute) != "at":
        return UNKNOWN
    value = shapes.value(frame, owner)
    return value if isinstance(value, Array | Never) else UNKNOWN


def _python_call(frame: Frame, function: Node, given: Given) -> Value:
    """Return what a call of one of Python's own functions gives."""
    meaning = frame.home.meaning(function)
    if not isinstance(meaning, External):
        return UNKNOWN
    name, arguments = meaning.name, given[0]
    if has_never(tuple(arguments)):
        return NEVER
    if name == "zip":
        return Items(tuple(element_of(argument) for argument in arguments))
    if name == "range":
        return Items(INT)
    if not arguments:
        return UNKNOWN
    first = arguments[0]
    if name == "enumerate":
        return Items((INT, element_of(first)))
    if name in ("list", "tuple"):
        return first if isinstance(first, tuple | Items) else UNKNOWN
    if name == "reversed":
        return first[::-1] if isinstance(first, tuple) else first if isinstance(first, Items) else UNKNOWN
    if name == "len":
        return len(first) if isinstance(first, tuple) else first.dimension(0) if isinstance(first, Array) else INT
    if name == "int":
        return int(first) if isinstance(first, int | float) else _whole(first)
    if name == "abs":
        return _api_call("mlx.core.abs", given) if isinstance(first, Array) else UNKNOWN
    return _PLAIN.get(name, UNKNOWN)


def _whole(value: Value) -> Value:
    dimension = dimension_of(value)
    return INT if isinstance(dimension, Unknown) or not is_number(value) else dimension
