"""Find the layers that ``nn.quantize`` and quantised layers cannot cut into groups."""

from collections.abc import Iterator

from tenny_lsp.inference.shapes.dimension import UNKNOWN
from tenny_lsp.inference.shapes.frames import Layer, Made
from tenny_lsp.inference.shapes.protocol import Given, Shapes
from tenny_lsp.inference.shapes.rule import Value
from tenny_lsp.inference.shapes.rules.quantized import check_groups
from tenny_lsp.inference.shapes.values import ShapeError

#: Layers with a ``to_quantized``, and which of their arguments is the last dimension of the weight.
_QUANTIZABLE = {"mlx.nn.Linear": "input_dims", "mlx.nn.Embedding": "dims"}
_QUANTIZED = {"mlx.nn.QuantizedLinear": "input_dims", "mlx.nn.QuantizedEmbedding": "dims"}
#: How deep modules are looked for in each other.
_DEEPEST = 6


def check_layer(layer: Layer) -> None:
    """Check that the weight of a quantised layer can be cut into groups.

    Raises:
        ShapeError: It cannot.
    """
    if layer.name in _QUANTIZED:
        given = dict(layer.given)
        check_groups(given[_QUANTIZED[layer.name]], given["group_size"], given["bits"], given["mode"])


def to_quantized(layer: Layer, given: Given) -> Value:
    """Return what ``layer.to_quantized(…)`` gives.

    Raises:
        ShapeError: Its weight cannot be cut into groups.
    """
    options = dict(zip(("group_size", "bits", "mode"), given[0], strict=False)) | given[1]
    if layer.name in _QUANTIZABLE:
        size = dict(layer.given)[_QUANTIZABLE[layer.name]]
        check_groups(size, options.get("group_size"), options.get("bits"), options.get("mode", "affine"))
    return UNKNOWN


def quantized(shapes: Shapes, given: Given) -> Value:
    """Return what ``nn.quantize(model, …)`` gives: nothing.

    Raises:
        ShapeError: A layer of the model is certain to be quantised and cannot be.
    """
    options = dict(zip(("model", "group_size", "bits"), given[0], strict=False)) | given[1]
    if options.get("class_predicate") is not None:
        return None
    for name, layer in _layers_in(shapes, options.get("model", UNKNOWN), "", 0):
        try:
            to_quantized(layer, ([], {key: value for key, value in options.items() if key != "model"}))
        except ShapeError as error:
            raise ShapeError(f"{error}: the layer `{name}`", error.code) from None
    return None


def _layers_in(shapes: Shapes, value: Value, name: str, depth: int) -> Iterator[tuple[str, Layer]]:
    """Yield the layers that are certain to be in a module, with the names by which they are found there."""
    if isinstance(value, Layer) and value.name == "mlx.nn.Sequential":
        parts = [(f"layers.{place}", part) for place, part in value.given]
    elif isinstance(value, Layer):
        if depth:  # what is no part of another module stays as it is
            yield name, value
        return
    elif isinstance(value, tuple):
        parts = [(str(place), part) for place, part in enumerate(value)]
    elif isinstance(value, Made):
        parts = [(key, shapes.method(value, key)) for key in _attributes_of(value)]
    else:
        return
    for key, part in parts if depth < _DEEPEST else ():
        yield from _layers_in(shapes, part, f"{name}.{key}" if name else key, depth + 1)


def _attributes_of(made: Made) -> Iterator[str]:
    """Yield the attributes that every object of a class has."""
    found = made.home.buffer.attributes_in(made.cls).items()
    for name, bindings in sorted(found, key=lambda item: item[1][0].position):
        if len(bindings) == 1 and not bindings[0].branches and not bindings[0].loops and not name.startswith("_"):
            yield name
