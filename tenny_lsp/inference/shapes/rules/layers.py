"""Rules of the layers of ``mlx.nn`` and of its functions that are not activations."""

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

from tenny_lsp.inference.shapes.broadcasting import (
    axis_of,
    broadcast,
    number_of,
    operand,
    operands,
    same,
    unknowns,
    with_dimension,
)
from tenny_lsp.inference.shapes.dimension import UNKNOWN, quotient_without_rest
from tenny_lsp.inference.shapes.rule import Value, rule
from tenny_lsp.inference.shapes.rules.attention import check_mask
from tenny_lsp.inference.shapes.rules.convolution import (
    check_channels,
    convolution,
    pooled,
    transposed_convolution,
    upsampled,
)
from tenny_lsp.inference.shapes.rules.elementwise import activation
from tenny_lsp.inference.shapes.rules.indexing import expect_places
from tenny_lsp.inference.shapes.values import Array, Shape, is_int, is_number

#: The arguments of a layer's constructor by name; unknown ones are ``UNKNOWN``.
Given: TypeAlias = dict[str, Value]
LayerCheck: TypeAlias = Callable[..., Value]
#: Full name → the parameters of the constructor, and the function of these and of the call's arguments.
LAYERS: dict[str, tuple[inspect.Signature, LayerCheck]] = {}
_LINEAR = "input_dims output_dims"


def layer(names: str, parameters: str) -> Callable[[LayerCheck], LayerCheck]:
    """Register a function as the rule of the layers of these names; ``parameters`` as in ``dims bias=True``."""
    listed = [part.partition("=") for part in parameters.split()]
    signature = inspect.Signature(
        [
            inspect.Parameter(
                name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=_DEFAULTS.get(default, inspect.Parameter.empty)
            )
            for name, _, default in listed
        ]
    )

    def register(check: LayerCheck) -> LayerCheck:
        for name in names.split():
            LAYERS[f"mlx.nn.{name}"] = signature, check
        return check

    return register


#: The defaults that rules need; those of other parameters are written ``?``.
_DEFAULTS: dict[str, Any] = {"?": UNKNOWN, "None": None, "0": 0, "1": 1, "-1": -1, "512": 512, "affine": "affine"}
_GROUPS = "group_size=None bits=None mode=affine"


def constructed(name: str, arguments: tuple[Value, ...], keywords: dict[str, Value]) -> Given:
    """Return the arguments of a layer's constructor by name; all unknown where they do not fit."""
    signature, _ = LAYERS[name]
    try:
        bound = signature.bind(*arguments, **keywords)
    except TypeError:
        return dict.fromkeys(signature.parameters, UNKNOWN)
    bound.apply_defaults()
    return dict(bound.arguments)


def layer_result(name: str, given: Given, arguments: tuple[Value, ...], keywords: dict[str, Value]) -> Value:
    """Return what a call of a layer gives; unknown where there is no rule or its arguments do not fit.

    Raises:
        ShapeError: The call is certain to raise.
    """
    if name not in LAYERS:
        return UNKNOWN
    check = LAYERS[name][1]
    try:
        inspect.signature(check).bind(given, *arguments, **keywords)
    except TypeError:
        return UNKNOWN
    return check(given, *arguments, **keywords)


def layer_attribute(name: str, given: Given, attribute: str) -> Value:
    """Return the weight of a layer as its constructor makes it, of unknown dtype; unknown for all else."""
    short = name.removeprefix("mlx.nn.")
    if short == "Sequential" and attribute == "layers":
        return tuple(given.values())
    if attribute != "weight":
        return UNKNOWN
    if short == "Embedding":
        return Array((number_of(given["num_embeddings"]), number_of(given["dims"])), None)
    if short == "Linear":
        return Array((number_of(given["output_dims"]), number_of(given["input_dims"])), None)
    return UNKNOWN


def beside_weights(dtype: str | None) -> str | None:
    """Return the dtype of a product with weights, which may be of any real floating-point dtype of at most 32 bits."""
    return "float32" if dtype == "float32" else None


def _with_last(x: Array, size: Any) -> Array:
    return Array((*x.shape[:-1], size) if x.shape else None, beside_weights(x.dtype))


@layer("Linear", f"{_LINEAR} bias=?")
@layer("QuantizedLinear", f"{_LINEAR} bias=? {_GROUPS}")
@layer("QQLinear", f"{_LINEAR} group_size=? bits=? mode=?")
@layer("ShardedToAllLinear", f"{_LINEAR} bias=? group=?")
@layer("QuantizedShardedToAllLinear", f"{_LINEAR} bias=? group_size=? bits=? mode=? group=?")
def linear(given: Given, x: Any) -> Value:
    """The last dimension becomes that of the output."""
    found = operand(x)
    if found.shape:
        wanted = number_of(given["input_dims"])
        same(found.shape[-1], wanted, f"The layer takes {wanted} features, not {found.shape[-1]}")
    return _with_last(found, number_of(given["output_dims"]))


@layer("AllToShardedLinear", f"{_LINEAR} bias=? group=?")
@layer("QuantizedAllToShardedLinear", f"{_LINEAR} bias=? group_size=? bits=? mode=? group=?")
def sharded(given: Given, x: Any) -> Value:
    """The last dimension becomes one device's part of the output."""
    return _with_last(operand(x), UNKNOWN)


@layer("Bilinear", "input1_dims input2_dims output_dims bias=?")
def bilinear(given: Given, x1: Any, x2: Any) -> Value:
    """The last dimension becomes that of the output."""
    found = operand(x1)
    return Array(_with_last(found, number_of(given["output_dims"])).shape, None)


@layer("Embedding", "num_embeddings dims")
@layer("QuantizedEmbedding", f"num_embeddings dims {_GROUPS}")
def embedding(given: Given, x: Any) -> Value:
    """A dimension more, of the vectors."""
    expect_places(x)
    shape = operand(x).shape
    return Array((*shape, number_of(given["dims"])) if shape is not None else None, None)


def as_linear(given: Given, x: Any) -> Value:
    """Return what an embedding gives as a linear layer: the last dimension becomes the number of embeddings."""
    return _with_last(operand(x), number_of(given["num_embeddings"]))


@layer("RMSNorm", "dims eps=?")
@layer("LayerNorm", "dims eps=? affine=? bias=?")
@layer("GroupNorm", "num_groups dims eps=? affine=? pytorch_compatible=?")
@layer("InstanceNorm", "dims eps=? affine=?")
@layer("BatchNorm", "num_features eps=? momentum=? affine=? track_running_stats=?")
@layer("Dropout Dropout2d Dropout3d", "p=?")
def normalised(given: Given, x: Any) -> Value:
    """The shape as it is."""
    found = operand(x)
    return Array(found.shape, beside_weights(found.dtype))


@layer("Identity", "a=? b=? c=? d=?")
def identity(given: Given, x: Any) -> Value:
    """The array as it is."""
    return operand(x)


@layer("CELU ELU", "alpha=?")
@layer("GELU", "approx=?")
@layer("LeakyReLU", "negative_slope=?")
@layer("HardTanh", "min_val=? max_val=?")
@layer("Hardswish LogSigmoid Mish ReLU ReLU2 ReLU6 SELU SiLU Sigmoid Softplus Softsign Tanh", "")
@layer("Softshrink", "lambd=?")
def activated(given: Given, x: Any) -> Value:
    """The shape as it is."""
    return activation(x)


@layer("PReLU", "num_parameters=1 init=?")
def prelu_layer(given: Given, x: Any) -> Value:
    """Array and slopes broadcast."""
    shape = broadcast(operand(x).shape, (number_of(given["num_parameters"]),))
    return Array(None if shape is not None and 0 in shape else shape, None)


@layer("HardShrink", "lambd=?")
@layer("LogSoftmax Softmax Softmin", "")
def same_shape(given: Given, x: Any) -> Value:
    """The shape as it is."""
    return along_axis(x)


@layer("Step", "threshold=?")
def step_layer(given: Given, x: Any) -> Value:
    """The shape as it is."""
    return Array(operand(x).shape, None)


@layer("GLU", "axis=-1")
def glu_layer(given: Given, x: Any) -> Value:
    """Half of the axis."""
    return glu(x, given["axis"])


@layer("RoPE", "dims traditional=? base=? scale=?")
def rope(given: Given, x: Any, offset: Any = 0) -> Value:
    """The array as it is."""
    return operand(x)


@layer("SinusoidalPositionalEncoding", "dims min_freq=? max_freq=? scale=? cos_first=? full_turns=?")
def positional(given: Given, x: Any) -> Value:
    """A dimension more, of the encoding."""
    shape = operand(x).shape
    half = quotient_without_rest(number_of(given["dims"]), 2)
    size = number_of(given["dims"]) if half is not UNKNOWN and is_int(given["dims"]) else UNKNOWN
    return Array((*shape, size) if shape is not None else None, None)


@layer("ALiBi", "")
def alibi(given: Given, attention_scores: Any, offset: Any = 0, mask: Any = None) -> Value:
    """The scores, broadcast with what is added."""
    return Array(unknowns(operand(attention_scores).ndim) if operand(attention_scores).ndim == 4 else None, None)


@layer("MultiHeadAttention", "dims num_heads query_input_dims=None key_input_dims=None value_input_dims=None "
       "value_dims=None value_output_dims=None bias=?")  # fmt: skip
def multi_head(given: Given, queries: Any, keys: Any, values: Any, mask: Any = None) -> Value:
    """The shape of the queries, with the dimensions of the output."""
    found, heads = operand(queries), number_of(given["num_heads"])
    length, others = found.dimension(1), operand(keys).dimension(1)
    check_mask(mask, (found.dimension(0), heads, length, others), None)
    last = given["dims"] if given["value_output_dims"] is None else given["value_output_dims"]
    shape = found.shape if found.shape is not None and len(found.shape) == 3 else (UNKNOWN,) * 3
    return Array((*shape[:-1], number_of(last)), None)


_TRANSFORMER = "dims num_heads mlp_dims=? dropout=? activation=? norm_first=? checkpoint=?"


@layer("TransformerEncoderLayer", _TRANSFORMER)
@layer("TransformerEncoder", f"num_layers {_TRANSFORMER}")
def encoder(given: Given, x: Any, mask: Any) -> Value:
    """The shape as it is."""
    return Array(operand(x).shape, None)


@layer("TransformerDecoderLayer", _TRANSFORMER)
@layer("TransformerDecoder", f"num_layers {_TRANSFORMER}")
def decoder(given: Given, x: Any, memory: Any, x_mask: Any, memory_mask: Any) -> Value:
    """The shape as it is."""
    return Array(operand(x).shape, None)


@layer("Transformer", "dims=512 num_heads=? num_encoder_layers=? num_decoder_layers=? mlp_dims=? dropout=? "
       "activation=? custom_encoder=? custom_decoder=? norm_first=? checkpoint=?")  # fmt: skip
def transformer(given: Given, src: Any, tgt: Any, src_mask: Any, tgt_mask: Any, memory_mask: Any) -> Value:
    """The shape of the target."""
    return Array(operand(tgt).shape if given["custom_decoder"] is UNKNOWN else None, None)


@layer("RNN", "input_size hidden_size bias=? nonlinearity=?")
@layer("GRU", "input_size hidden_size bias=?")
def recurrent(given: Given, x: Any, hidden: Any = None) -> Value:
    """The last dimension becomes that of the hidden state."""
    return Array(_hidden(operand(x), given, (hidden,)), None)


@layer("LSTM", "input_size hidden_size bias=?")
def lstm(given: Given, x: Any, hidden: Any = None, cell: Any = None) -> Value:
    """Hidden states and cells: the last dimension becomes that of the hidden state."""
    shape = _hidden(operand(x), given, (hidden, cell))
    return Array(shape, None), Array(shape, None)


def _hidden(x: Array, given: Given, states: tuple[Value, ...]) -> Shape | None:
    if x.shape is None or len(x.shape) < 2 or any(state is not None for state in states):
        return None
    return (*x.shape[:-1], number_of(given["hidden_size"]))


def _conv_layers(axes: int) -> None:
    @layer(f"Conv{axes}d", "in_channels out_channels kernel_size stride=1 padding=0 dilation=1 groups=1 bias=?")
    def conv(given: Given, x: Any) -> Value:
        weight = _weight(given, axes)
        check_channels(operand(x), given["in_channels"], axes)
        found: Value = convolution(x, weight, given["stride"], given["padding"], given["dilation"], UNKNOWN, axes)
        return Array(found.shape, beside_weights(operand(x).dtype))

    if axes == 3:
        LAYERS["mlx.nn.Conv3d"] = _signature_of_conv3d(), conv

    @layer(f"ConvTranspose{axes}d",
           "in_channels out_channels kernel_size stride=1 padding=0 dilation=1 output_padding=0 bias=?")  # fmt: skip
    def conv_transpose(given: Given, x: Any) -> Value:
        check_channels(operand(x), given["in_channels"], axes)
        found: Value = transposed_convolution(
            x, _weight(given, axes), given["stride"], given["padding"], given["dilation"], given["output_padding"],
            UNKNOWN, axes,
        )  # fmt: skip
        return Array(found.shape, beside_weights(operand(x).dtype))

    @layer(f"AvgPool{axes}d MaxPool{axes}d", "kernel_size stride=None padding=0")
    def pool(given: Given, x: Any) -> Value:
        return pooled(operand(x), given["kernel_size"], given["stride"], given["padding"], axes)


def _signature_of_conv3d() -> inspect.Signature:
    """Return the parameters of ``Conv3d``, which has no groups."""
    signature = LAYERS["mlx.nn.Conv3d"][0]
    return signature.replace(parameters=[p for p in signature.parameters.values() if p.name != "groups"])


def _weight(given: Given, axes: int) -> Array:
    kernel = given["kernel_size"]
    sizes = kernel if isinstance(kernel, tuple) and len(kernel) == axes else (kernel,) * axes
    spatial = tuple(number_of(size) if is_int(size) else UNKNOWN for size in sizes)
    return Array((number_of(given["out_channels"]), *spatial, UNKNOWN), "float32")


for _axes in (1, 2, 3):
    _conv_layers(_axes)


@layer("Upsample", "scale_factor mode=? align_corners=? antialias=?")
def upsample(given: Given, x: Any) -> Value:
    """The spatial axes multiplied."""
    return upsampled(operand(x), given["scale_factor"])


@rule("mlx.nn.glu")
def glu(x: Any, axis: Any = -1) -> Value:
    """Half of the axis."""
    found = operand(x)
    position = axis_of(axis, found.ndim)
    if found.shape is None or position is None:
        return Array(unknowns(found.ndim), None)
    half = quotient_without_rest(found.shape[position], 2)
    return Array(with_dimension(found.shape, position, half), beside_weights(found.dtype))


@rule("mlx.nn.softmax", "mlx.nn.softmin", "mlx.nn.log_softmax")
def along_axis(x: Any, axis: Any = -1) -> Value:
    """The shape as it is; an empty dimension may become one of size 1."""
    shape = operand(x).shape
    return Array(None if shape is not None and 0 in shape else shape, beside_weights(operand(x).dtype))


@rule("mlx.nn.hard_shrink", "mlx.nn.softshrink")
def shrink(x: Any, lambd: Any = 0.5) -> Value:
    """The shape as it is."""
    return Array(operand(x).shape, beside_weights(operand(x).dtype))


@rule("mlx.nn.prelu")
def prelu(x: Any, alpha: Any) -> Value:
    """Array and slopes broadcast."""
    shape = operands(x, alpha)[0]
    return Array(None if shape is not None and 0 in shape else shape, None)


@rule("mlx.nn.step")
def step(x: Any, threshold: Any = 0.0) -> Value:
    """The shape as it is."""
    return Array(operand(x).shape if is_number(threshold) else None, None)
