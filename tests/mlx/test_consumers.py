"""What data/consumers.toml says takes an array and nothing else does so: every row is run."""

from collections.abc import Callable

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest

from tenny_lsp.mlx_api.consumers import load_consumers

X, IMAGE, PLACES = mx.ones((2, 4, 4)), mx.ones((1, 4, 4, 4)), mx.zeros((2, 4, 4), mx.int32)
HEADS = mx.ones((1, 2, 4, 4))
#: What is no array, however much it may hold.
OTHERS = {
    "float": 0.5, "int": 1, "bool": True, "list": [[1.0, 2.0]], "tuple": ((1.0,),), "dict": {"a": 1}, "str": "text",
    "None": None, "NumPy's": np.ones((2, 4, 4), np.float32),
}  # fmt: skip
ENCODER = nn.TransformerEncoder(1, 4, 2)
#: Name → the call with arrays; ``f(X)`` for all that are not named here.
ARGUMENTS: dict[str, tuple[object, ...]] = {
    "mlx.core.addmm": (X, X, X), "mlx.core.matmul": (X, X), "mlx.core.inner": (X, X), "mlx.core.outer": (X, X),
    "mlx.core.argpartition": (X, 0), "mlx.core.partition": (X, 0), "mlx.core.clip": (X, 0, 1),
    "mlx.core.conv1d": (X, mx.ones((2, 3, 4))), "mlx.core.conv2d": (IMAGE, mx.ones((2, 3, 3, 4))),
    "mlx.core.diag": (X[0],), "mlx.core.einsum": ("bij,bjk->bik", X, X), "mlx.core.expand_dims": (X, 0),
    "mlx.core.moveaxis": (X, 0, 1), "mlx.core.swapaxes": (X, 0, 1), "mlx.core.pad": (X, 1),
    "mlx.core.median": (X,), "mlx.core.quantize": (mx.ones((2, 64)),), "mlx.core.repeat": (X, 2),
    "mlx.core.reshape": (X, (-1,)), "mlx.core.roll": (X, 1), "mlx.core.split": (X, 2), "mlx.core.take": (X, 0),
    "mlx.core.take_along_axis": (X, PLACES, 0), "mlx.core.tile": (X, 2), "mlx.core.topk": (X, 1),
    "mlx.core.unflatten": (X, 0, (1, -1)), "mlx.core.fast.layer_norm": (X, None, None, 1e-5),
    "mlx.core.fast.rms_norm": (X, mx.ones(4), 1e-5), "mlx.core.fast.scaled_dot_product_attention": (HEADS,) * 3,
    "mlx.core.fast.rope": (HEADS, 4), "mlx.nn.MultiHeadAttention": (X, X, X), "mlx.nn.Bilinear": (X, X),
    "mlx.nn.TransformerEncoder": (X, None), "mlx.nn.QuantizedLinear": (mx.ones((2, 64)),), "mlx.nn.RoPE": (HEADS,),
    "mlx.core.concatenate": ([X],), "mlx.core.stack": ([X],),
    **dict.fromkeys(["mlx.nn.Conv2d", "mlx.nn.ConvTranspose2d", "mlx.nn.AvgPool2d", "mlx.nn.MaxPool2d"], (IMAGE,)),
}  # fmt: skip
KEYWORDS: dict[str, dict[str, object]] = {
    "mlx.core.fast.rope": {"traditional": False, "base": 1.0, "scale": 1.0, "offset": 0},
    "mlx.core.fast.scaled_dot_product_attention": {"scale": 1.0},
}
LAYERS: dict[str, tuple[object, ...]] = {
    "Linear": (4, 2), "Bilinear": (4, 4, 2), "GroupNorm": (2, 4), "MultiHeadAttention": (4, 2), "GRU": (4, 2),
    "LSTM": (4, 2), "RNN": (4, 2), "TransformerEncoder": (1, 4, 2), "QuantizedLinear": (64, 64),
    **dict.fromkeys(["Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d"], (4, 2, 2)),
    **dict.fromkeys(["AvgPool1d", "AvgPool2d", "MaxPool1d", "MaxPool2d"], (2,)),
}  # fmt: skip
ROWS = [(name, position) for name, positions in load_consumers().items() for position in sorted(positions)]


def called(name: str) -> Callable[..., object]:
    found: object = {"core": mx, "nn": nn}[name.split(".")[1]]
    for part in name.split(".")[2:]:
        found = getattr(found, part)
    short = name.rpartition(".")[2]
    return found(*LAYERS.get(short, (4,))) if isinstance(found, type) else found


@pytest.mark.parametrize(("name", "position"), ROWS, ids=[f"{name}-{position}" for name, position in ROWS])
def test_an_argument_that_takes_an_array_takes_nothing_else(name: str, position: str) -> None:
    function, given, named = called(name), ARGUMENTS.get(name, (X,)), KEYWORDS.get(name, {})
    mx.eval(function(*given, **named))
    for other in OTHERS.values():
        arguments = list(given)
        arguments[0 if position == "items" else int(position)] = [other] if position == "items" else other
        with pytest.raises(Exception):  # noqa: B017
            mx.eval(function(*arguments, **named))
