"""Find what the use of a variable demands of its shape: what is called with it takes arrays of so many dimensions.

In ``h = self.norm(h)`` … ``B, T, D = h.shape`` the array that ``norm`` is called with has three dimensions, or the code
raises. Only what always runs counts; a loop is taken to run at least once.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tenny_lsp.inference.names import reaching_bindings
from tenny_lsp.inference.shapes.arguments import parameters_of
from tenny_lsp.inference.shapes.dimension import UNKNOWN, Dimension, Unknown, symbol
from tenny_lsp.inference.shapes.frames import ApiName, Callee, Frame, Key, Layer, Made
from tenny_lsp.inference.shapes.protocol import Shapes
from tenny_lsp.inference.shapes.rule import Value
from tenny_lsp.inference.shapes.values import Array, is_number
from tenny_lsp.source.scope import Binding
from tenny_lsp.source.syntax import Node, field, text_of

_CONDITIONAL = {
    "if_statement", "elif_clause", "else_clause", "while_statement", "try_statement", "except_clause",
    "match_statement",
    "conditional_expression", "boolean_operator", "lambda", "list_comprehension", "generator_expression",
    "dictionary_comprehension", "set_comprehension", "function_definition", "class_definition", "assert_statement",
}  # fmt: skip
#: Layers that return as many dimensions as they get, and those of them that keep the last dimension, too.
_LINEAR = {"mlx.nn.Linear", "mlx.nn.QuantizedLinear"}
_KEEPING = {"mlx.nn.RMSNorm", "mlx.nn.LayerNorm", "mlx.nn.Dropout", "mlx.nn.GELU", "mlx.nn.SiLU", "mlx.nn.ReLU"}
#: With so many dimensions a function is tried that may keep them.
_PROBED = 3


@dataclass(frozen=True, slots=True)
class Demand:
    """What is demanded of an array.

    Args:
        ndim (int, optional): The number of its dimensions.
        names (tuple[str, ...]): What they are called where they are unpacked.
        last (Dimension): The last of them.
    """

    ndim: int | None = None
    names: tuple[str, ...] = ()
    last: Dimension = UNKNOWN

    def and_also(self, other: "Demand") -> "Demand":
        """Return what both demand together."""
        ndim = self.ndim if self.ndim is not None else other.ndim
        last = other.last if isinstance(self.last, Unknown) else self.last
        return Demand(ndim, self.names or other.names, last)


_NOTHING = Demand()


def demand_on(shapes: Shapes, frame: Frame, name: str, sources: tuple[int, ...]) -> Demand:
    """Return what the uses of a variable in a function demand of the value that these bindings give it.

    Args:
        shapes (Shapes): Evaluates expressions.
        frame (Frame): The run of the function.
        name (str): The variable.
        sources (tuple[int, ...]): The places of the bindings.
    """
    found: Demand = shapes.memoised(("demand", frame, name, sources), lambda: _demand_on(shapes, frame, name, sources))
    return found if isinstance(found, Demand) else _NOTHING


def _demand_on(shapes: Shapes, frame: Frame, name: str, sources: tuple[int, ...]) -> Value:
    found = _NOTHING
    for use in _uses(frame, name, sources):
        found = found.and_also(_of_use(shapes, frame, use))
        if found.ndim is not None and not isinstance(found.last, Unknown):
            break
    return found


def _uses(frame: Frame, name: str, sources: tuple[int, ...]) -> Iterator[Node]:
    """Yield the uses of a variable that always see one of these bindings."""
    body = field(frame.node, "body")
    if body is None or frame.node.type != "function_definition":
        return
    pattern = re.compile(rb"\b%s\b" % re.escape(name.encode()))
    for statement in _reached(body, max(sources)):
        for place in pattern.finditer(statement.text or b""):
            start = statement.start_byte + place.start()
            node = statement.descendant_for_byte_range(start, start + len(name))
            if node is None or node.type != "identifier" or start <= max(sources):
                continue
            if _is_conditional(node, frame.node, sources):
                continue
            if _always_reach(reaching_bindings(frame.home, name, node) or [], sources, start):
                yield node


def _always_reach(bindings: list[Binding], sources: tuple[int, ...], place: int) -> bool:
    """Return whether a use sees the value of one of these bindings, in the first turn of a loop at least."""
    own = [binding for binding in bindings if binding.position in sources]
    others = [binding for binding in bindings if binding.position not in sources and binding.since <= place]
    return len(own) == len(sources) and all(_is_exclusive(one, other) for one in own for other in others)


def _is_exclusive(one: Binding, other: Binding) -> bool:
    """Return whether two bindings stand in different branches of one ``if``, so that neither replaces the other."""
    return any(
        left.statement == right.statement and left != right and left.kind == "if"
        for left in one.branches
        for right in other.branches
    )


def _reached(body: Node, start: int) -> Iterator[Node]:
    """Yield the statements of a block behind a place, up to the first that may return."""
    for statement in body.named_children:
        if statement.end_byte < start:
            continue
        yield statement
        if b"return" in (statement.text or b"") and statement.type not in ("return_statement", "expression_statement"):
            return


def _is_conditional(node: Node, function: Node, sources: tuple[int, ...]) -> bool:
    """Return whether a node runs only under a condition that the bindings do not stand under."""
    outer = node.parent
    while outer is not None and outer != function:
        if outer.type in _CONDITIONAL and not all(outer.start_byte <= s < outer.end_byte for s in sources):
            return True
        outer = outer.parent
    return False


def _of_use(shapes: Shapes, frame: Frame, node: Node) -> Demand:
    """Return what the use of an expression demands of it."""
    outer = node.parent
    if outer is None:
        return _NOTHING
    if outer.type == "attribute" and field(outer, "object") == node:
        return _of_attribute(outer)
    call = outer.parent if outer.type == "argument_list" else outer.parent and outer.parent.parent
    if outer.type == "argument_list" and call is not None and call.type == "call":
        return _of_argument(shapes, frame, call, outer.named_children.index(node), "")
    keyword = field(outer, "name") if outer.type == "keyword_argument" else None
    if keyword is not None and call is not None and call.type == "call":
        return _of_argument(shapes, frame, call, -1, text_of(keyword))
    if outer.type == "parenthesized_expression":
        return _of_use(shapes, frame, outer)
    left, right = field(outer, "left"), field(outer, "right")
    if outer.type == "binary_operator" and left is not None and right is not None:
        # What is multiplied with a number keeps its shape.
        is_kept = is_number(shapes.value(frame, right if left == node else left))
        return _of_use(shapes, frame, outer) if is_kept else _NOTHING
    if outer.type == "assignment" and left is not None and left.type == "identifier" and field(outer, "right") == node:
        return demand_on(shapes, frame, text_of(left), (left.start_byte,))
    return _NOTHING


def _of_attribute(attribute: Node) -> Demand:
    """Return what ``B, T, D = x.shape`` and ``x.transpose(0, 2, 1)`` demand of ``x``."""
    name, outer = field(attribute, "attribute"), attribute.parent
    if name is None or outer is None:
        return _NOTHING
    left = field(outer, "left")
    targets = left.named_children if left is not None and left.type == "pattern_list" else []
    if text_of(name) == "shape" and targets and all(target.type == "identifier" for target in targets):
        return Demand(len(targets), tuple(text_of(target) for target in targets))
    listed = field(outer, "arguments") if outer.type == "call" else None
    axes = listed.named_children if text_of(name) == "transpose" and listed is not None else []
    is_plain = len(axes) > 1 and all(axis.type in ("integer", "unary_operator") for axis in axes)
    return Demand(len(axes)) if is_plain else _NOTHING


def _of_argument(shapes: Shapes, frame: Frame, call: Node, place: int, keyword: str) -> Demand:
    """Return what a call demands of one of its arguments."""
    function = field(call, "function")
    called = shapes.value(frame, function) if function is not None else UNKNOWN
    if isinstance(called, Made):
        called = shapes.method(called, "__call__")
    if isinstance(called, Layer):
        return _of_layer(shapes, frame, called, call) if place == 0 else _NOTHING
    if isinstance(called, ApiName) and called.name == "mlx.core.fast.scaled_dot_product_attention" and 0 <= place < 3:
        return Demand(4)
    found = _of_function(shapes, called, place, keyword) if isinstance(called, Callee) else _NOTHING
    if found.ndim is not None or place != 0:
        return found
    return found.and_also(_of_result(shapes, frame, called, call))


def _of_result(shapes: Shapes, frame: Frame, called: Value, call: Node) -> Demand:
    """Return what is demanded of the only argument of a call by what is done with the result."""
    listed = field(call, "arguments")
    if listed is None or len(listed.named_children) != 1 or not isinstance(called, Callee | ApiName):
        return _NOTHING
    probe = Array(tuple(symbol("probe", ("probe", i)) for i in range(_PROBED)))
    result = shapes.invoked(called, ([probe], {}))
    if not isinstance(result, Array) or result.shape is None or probe.shape is None:
        return _NOTHING
    if result.shape == probe.shape:
        return _of_use(shapes, frame, call)
    is_kept = result.shape[:-1] == probe.shape[:-1]
    return Demand(_of_use(shapes, frame, call).ndim) if is_kept else _NOTHING


def _of_function(shapes: Shapes, called: Callee, place: int, keyword: str) -> Demand:
    """Return what a function of a file demands of one of its arguments."""
    if called.node.type != "function_definition":
        return _NOTHING
    parameters = parameters_of(called.node)
    if parameters is None:
        return _NOTHING
    skips = 0 if called.receiver is None else 1
    listed = [name for name, star, _ in parameters[skips:] if star == "" or (star == "keyword" and keyword)]
    target = keyword if keyword in listed else listed[place] if 0 <= place < len(listed) else ""
    arguments: list[tuple[str, Value]] = [(name, UNKNOWN) for name, _, _ in parameters]
    if skips and parameters:  # a method without self
        arguments[0] = (parameters[0][0], called.receiver)
    inner = Frame(called.home, called.node, tuple(sorted(arguments, key=lambda item: item[0])), called.outer)
    bindings = called.home.buffer.bindings_in(called.node).get(target, [])
    positions = [binding.position for binding in bindings if binding.definition is not None]
    return demand_on(shapes, inner, target, (positions[0],)) if positions else _NOTHING


def _of_layer(shapes: Shapes, frame: Frame, layer: Layer, call: Node) -> Demand:
    """Return what a layer demands of its input, by itself and by what is done with its output."""
    given = dict(layer.given)
    name = layer.name.removeprefix("mlx.nn.")
    if name.startswith("Conv") and name.endswith("d"):
        return Demand(int(name[-2]) + 2)
    if name == "MultiHeadAttention":
        return Demand(3)
    if layer.name in _LINEAR:
        return replace(_of_use(shapes, frame, call), names=(), last=_size(given.get("input_dims")))
    if layer.name in _KEEPING:
        after = _of_use(shapes, frame, call)
        last = _size(given.get("dims"))
        return replace(after, last=after.last if isinstance(last, Unknown) else last)
    if name in ("Embedding", "QuantizedEmbedding"):
        after = _of_use(shapes, frame, call)
        return Demand(after.ndim - 1 if after.ndim else None, after.names[:-1])
    return _NOTHING


def _size(value: Value) -> Dimension:
    return value if isinstance(value, int) or hasattr(value, "terms") else UNKNOWN


def refined(frame: Frame, value: Value, demand: Demand, place: int) -> Value:
    """Return an array with what is demanded of it: its number of dimensions, their names, the last of them.

    Args:
        frame (Frame): The run of the function; only in the one that stands for all runs dimensions get names.
        value (Value): The array as it is known.
        demand (Demand): What is demanded.
        place (int): Where it is bound, which makes its names its own.
    """
    if not isinstance(value, Array) or (demand.ndim is None and isinstance(demand.last, Unknown)):
        return value
    shape = value.shape
    if shape is None:
        if demand.ndim is None:
            return value
        names = demand.names if len(demand.names) == demand.ndim and frame.is_generic else ()
        shape = (
            tuple(symbol(name, (Key(frame.home, place), i)) if name != "_" else UNKNOWN for i, name in enumerate(names))
            or (UNKNOWN,) * demand.ndim
        )
    if shape and not isinstance(demand.last, Unknown) and not isinstance(shape[-1], int):
        is_local = isinstance(shape[-1], Unknown) or value.shape is None
        shape = (*shape[:-1], demand.last) if is_local else shape
    return Array(shape, value.dtype)
