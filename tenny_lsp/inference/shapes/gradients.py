"""Evaluate ``mx.grad`` and ``value_and_grad``: what they make, and what that gives."""

from tenny_lsp.inference.shapes.dimension import UNKNOWN
from tenny_lsp.inference.shapes.frames import Callee, Gradient, has_never
from tenny_lsp.inference.shapes.protocol import Given, Shapes
from tenny_lsp.inference.shapes.rule import Value
from tenny_lsp.inference.shapes.values import Array, Number, ShapeError, is_number, shape_text
from tenny_lsp.source.syntax import field, text_of

#: Full name → the place and the name of the argument that is differentiated.
GRADIENTS = {
    "mlx.core.grad": (0, "fun"),
    "mlx.core.value_and_grad": (0, "fun"),
    "mlx.nn.value_and_grad": (1, "fn"),
}
_CODE = "gradient-of-array"


def differentiated(name: str, given: Given) -> Value:
    """Return the function that ``mx.grad`` or a ``value_and_grad`` makes of another."""
    place, keyword = GRADIENTS[name]
    positional, keywords = given
    function = positional[place] if place < len(positional) else keywords.get(keyword, UNKNOWN)
    is_of_first = len(positional) <= place + 1 and not keywords.keys() & {"argnums", "argnames"}
    return Gradient(name, function, is_of_first and place == 0) if isinstance(function, Callee) else UNKNOWN


def gradient(shapes: Shapes, made: Gradient, given: Given) -> Value:
    """Return what a call of such a function gives.

    Raises:
        ShapeError: The function does not return a scalar when it is called so.
    """
    first = given[0][0] if made.is_of_first and given[0] else UNKNOWN
    if isinstance(first, int | float | complex):  # what is annotated as a number may be given an array
        raise ShapeError("The gradient is taken of an array, and this is a Python number: give `mx.array` of it", _CODE)
    returned = shapes.invoked(made.function, given)
    if has_never(returned):
        return returned
    is_grad = made.name == "mlx.core.grad"
    value = returned[0] if isinstance(returned, tuple) and returned and not is_grad else returned
    why = _why_not_scalar(made, value, given)
    if why:
        called = _name_of(made.function)
        raise ShapeError(f"Only a scalar array has a gradient, and {called} returns {why}", _CODE)
    found = first if isinstance(first, Array) else UNKNOWN
    return found if is_grad else (returned, found)


def _why_not_scalar(made: Gradient, value: Value, given: Given) -> str:
    """Return what a value is that is certain to be no scalar array; empty where it may be one."""
    if isinstance(value, Array) and value.shape:
        return f"an array of shape {shape_text(value.shape)}"
    if isinstance(value, tuple) and made.name == "mlx.core.grad":
        return "several values, of which `mx.value_and_grad` takes the first"
    # An annotation ``float`` may stand beside a parameter that is given arrays.
    parameters = field(made.function.node, "parameters")
    is_annotated = parameters is not None and ":" in text_of(parameters)
    is_annotated = is_annotated or any(isinstance(one, Number) for one in (*given[0], *given[1].values()))
    return "a Python number" if is_number(value) and not is_annotated else ""


def _name_of(function: Callee) -> str:
    name = field(function.node, "name")
    return f"`{text_of(name)}`" if name is not None else "the function"
