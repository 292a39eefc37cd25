"""Random calls of MLX's layers, for the rules of shapes and dtypes to be compared with MLX; see ``shape_calls``."""

from collections.abc import Callable
from random import Random
from typing import Any, TypeAlias

import mlx.core as mx

from benchmarks.shape_calls import FLOATS, array, axis, maybe, shape

#: The constructor's arguments and keywords, and the call's arguments.
LayerCall: TypeAlias = tuple[list[Any], dict[str, Any], list[Any]]
LayerMaker: TypeAlias = Callable[[Random], LayerCall]
#: Name in ``mlx.nn`` → what makes its calls.
LAYER_MAKERS: dict[str, LayerMaker] = {}


def makes(names: str) -> Callable[[LayerMaker], LayerMaker]:
    """Register a maker for layers, given with spaces between their names."""

    def register(maker: LayerMaker) -> LayerMaker:
        for name in names.split():
            assert name not in LAYER_MAKERS, name
            LAYER_MAKERS[name] = maker
        return maker

    return register


def _features(r: Random, size: int, low: int = 0) -> mx.array:
    wanted = size if r.random() < 0.95 else size + 1
    return array(r, of=(*shape(r, low, 3), wanted), dtypes=[*FLOATS, mx.float32])


@makes("Linear ShardedToAllLinear AllToShardedLinear")
def linear(r: Random) -> LayerCall:
    n = r.randint(1, 4)
    return [n, r.randint(1, 5)], maybe(r, bias=False), [_features(r, n)]


@makes("QuantizedLinear QuantizedAllToShardedLinear QuantizedShardedToAllLinear")
def quantized(r: Random) -> LayerCall:
    n = r.choice([64, 128])
    return [n, r.choice([32, 64])], maybe(r, bias=False), [_features(r, n, 1)]


@makes("Bilinear")
def bilinear(r: Random) -> LayerCall:
    one, other = r.randint(1, 3), r.randint(1, 3)
    outer = shape(r, 1, 2)
    return [one, other, r.randint(1, 3)], {}, [array(r, of=(*outer, n), dtypes=FLOATS) for n in (one, other)]


@makes("Embedding")
def embedding(r: Random) -> LayerCall:
    return [8, r.randint(1, 5)], {}, [mx.zeros(shape(r), r.choice([mx.int32, mx.uint32]))]


@makes("QuantizedEmbedding")
def quantized_embedding(r: Random) -> LayerCall:
    return [8, 64], {}, [mx.zeros(shape(r), mx.int32)]


@makes("RMSNorm LayerNorm InstanceNorm BatchNorm")
def norm(r: Random) -> LayerCall:
    n = r.randint(1, 4)
    return [n], {}, [_features(r, n, 1)]


@makes("GroupNorm")
def group_norm(r: Random) -> LayerCall:
    n = r.randint(1, 3)
    return [n, 2 * n], maybe(r, pytorch_compatible=True), [_features(r, 2 * n, 1)]


@makes("Dropout Dropout2d Dropout3d")
def dropout(r: Random) -> LayerCall:
    return [], maybe(r, p=r.choice([0.0, 0.3])), [array(r, 3, 4, FLOATS)]


@makes("Identity")
def identity(r: Random) -> LayerCall:
    return [], {}, [array(r)]


@makes("CELU ELU GELU LeakyReLU HardTanh Hardswish LogSigmoid Mish ReLU ReLU2 ReLU6 SELU SiLU Sigmoid Softplus "
       "Softsign Tanh Softshrink HardShrink PReLU Step")  # fmt: skip
def activation(r: Random) -> LayerCall:
    return [], {}, [array(r, dtypes=[*FLOATS, mx.float32, mx.int32])]


@makes("Softmax Softmin LogSoftmax")
def softmax(r: Random) -> LayerCall:
    return [], {}, [array(r, 1, dtypes=FLOATS)]


@makes("GLU")
def glu(r: Random) -> LayerCall:
    one = array(r, 1, dtypes=FLOATS)
    return [], maybe(r, axis=axis(r, one.ndim)), [one]


@makes("RoPE")
def rope(r: Random) -> LayerCall:
    return [8], maybe(r, traditional=True), [array(r, of=(*shape(r, 1, 2), 2, 8), dtypes=FLOATS)]


@makes("SinusoidalPositionalEncoding")
def positional(r: Random) -> LayerCall:
    return [r.choice([2, 4, 6, 3])], {}, [array(r, dtypes=FLOATS)]


@makes("ALiBi")
def alibi(r: Random) -> LayerCall:
    return [], {}, [mx.ones((r.randint(1, 2), 4, r.randint(1, 3), r.randint(3, 4)))]


@makes("MultiHeadAttention")
def multi_head(r: Random) -> LayerCall:
    b, n, m = r.randint(1, 2), r.randint(1, 4), r.randint(1, 4)
    k = mx.ones((b, m, 8))
    sizes = tuple(r.choice([size, size, 1, 3]) for size in (b, 2, n, m)[r.randint(0, 4) :])
    masks = [[], [mx.zeros(sizes, r.choice([mx.float32, mx.bool_]))]]
    return [8, 2], maybe(r, bias=True, value_output_dims=4), [mx.ones((b, n, 8)), k, k, *r.choice(masks)]


def _transformer_call(r: Random) -> list[Any]:
    return [mx.ones((r.randint(1, 2), r.randint(1, 3), 8)), None]


@makes("TransformerEncoderLayer")
def encoder_layer(r: Random) -> LayerCall:
    return [8, 2], maybe(r, norm_first=False), _transformer_call(r)


@makes("TransformerEncoder")
def encoder(r: Random) -> LayerCall:
    return [1, 8, 2], {}, _transformer_call(r)


@makes("TransformerDecoderLayer")
def decoder_layer(r: Random) -> LayerCall:
    x = mx.ones((2, r.randint(1, 3), 8))
    return [8, 2], {}, [x, mx.ones((2, r.randint(1, 3), 8)), None, None]


@makes("TransformerDecoder")
def decoder(r: Random) -> LayerCall:
    return [1, *decoder_layer(r)[0]], {}, decoder_layer(r)[2]


@makes("Transformer")
def transformer(r: Random) -> LayerCall:
    return [8, 2, 1, 1, 8], {}, [*decoder_layer(r)[2][1::-1], None, None, None]


@makes("RNN GRU LSTM")
def recurrent(r: Random) -> LayerCall:
    n = r.randint(1, 4)
    return [n, r.randint(1, 4)], {}, [mx.ones((*shape(r, 0, 1), r.randint(1, 3), n), r.choice(FLOATS))]


@makes("Upsample")
def upsample(r: Random) -> LayerCall:
    axes = r.randint(1, 3)
    x = mx.ones((1, *(r.randint(1, 4) for _ in range(axes)), 2))
    factor = r.choice([2, 1.5, 3.0, tuple(r.choice([1, 2, 2.5]) for _ in range(axes)), 0.5])
    return [factor], maybe(r, mode=r.choice(["nearest", "linear"])), [x]


def _spatial(axes: int) -> None:
    def each(r: Random, high: int) -> Any:
        return (
            r.choice([r.randint(1, high), tuple(r.randint(1, high) for _ in range(axes))])
            if axes > 1
            else r.randint(1, high)
        )

    def conv(r: Random) -> LayerCall:
        channels = r.randint(1, 3)
        x = mx.ones((r.randint(1, 2), *(r.randint(1, 7) for _ in range(axes)), channels), r.choice(FLOATS))
        more = maybe(r, stride=each(r, 2), padding=each(r, 2), dilation=each(r, 2), bias=False)
        return [channels, r.randint(1, 4), each(r, 3)], more, [x]

    def pool(r: Random) -> LayerCall:
        x = mx.ones((r.randint(1, 2), *(r.randint(2, 7) for _ in range(axes)), r.randint(1, 3)), r.choice(FLOATS))
        return [each(r, 3)], maybe(r, stride=each(r, 3), padding=r.randint(0, 1)), [x]

    LAYER_MAKERS[f"Conv{axes}d"] = LAYER_MAKERS[f"ConvTranspose{axes}d"] = conv
    LAYER_MAKERS[f"AvgPool{axes}d"] = LAYER_MAKERS[f"MaxPool{axes}d"] = pool


for _axes in (1, 2, 3):
    _spatial(_axes)
