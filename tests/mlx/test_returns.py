"""What data/returns.toml says is what MLX returns: every row is run."""

from collections.abc import Callable
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import pytest

from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.mlx_api.returns import load_returns

X1, X2, X3, X4, X5 = (mx.zeros((2, *[4] * (n - 1))) if n > 1 else mx.zeros(4) for n in range(1, 6))
IDS = mx.zeros((2, 3), mx.int32)
MASK = nn.MultiHeadAttention.create_additive_causal_mask(4)
LINEAR, EMBEDDING = nn.Linear(64, 64), nn.Embedding(8, 64)
WIDE = mx.zeros((2, 64))

#: Class or function → what its instance, or it, is called with; ``X2`` for all that are not named here.
CALLS: dict[str, Callable[[], object]] = {
    **{f"{kind}Pool{n}d": lambda kind=kind, n=n: getattr(nn, f"{kind}Pool{n}d")(2)([X3, X4, X5][n - 1])
       for kind in ("Avg", "Max") for n in (1, 2, 3)},
    **{f"{kind}{n}d": lambda kind=kind, n=n: getattr(nn, f"{kind}{n}d")(4, 4, 2)([X3, X4, X5][n - 1])
       for kind in ("Conv", "ConvTranspose") for n in (1, 2, 3)},
    **{name: lambda name=name: getattr(nn, name)(4)(X3)
       for name in ("BatchNorm", "InstanceNorm", "LayerNorm", "RMSNorm")},
    "Embedding": lambda: nn.Embedding(3, 4)(IDS),
    "Embedding.as_linear": lambda: EMBEDDING.as_linear(WIDE),
    "QuantizedEmbedding.as_linear": lambda: EMBEDDING.to_quantized().as_linear(WIDE),
    "GroupNorm": lambda: nn.GroupNorm(2, 4)(X3),
    "GRU": lambda: nn.GRU(4, 4)(X3),
    "RNN": lambda: nn.RNN(4, 4)(X3),
    "LSTM": lambda: nn.LSTM(4, 4)(X3),
    "MultiHeadAttention": lambda: nn.MultiHeadAttention(4, 2)(X3, X3, X3),
    "MultiHeadAttention.create_additive_causal_mask": lambda: MASK,
    "QQLinear": lambda: nn.QQLinear(64, 64, mode="nvfp4")(WIDE),
    "QuantizedEmbedding": lambda: EMBEDDING.to_quantized()(IDS),
    "QuantizedLinear": lambda: LINEAR.to_quantized()(WIDE),
    "RoPE": lambda: nn.RoPE(4)(X4),
    "SinusoidalPositionalEncoding": lambda: nn.SinusoidalPositionalEncoding(4)(X1),
    "Transformer": lambda: nn.Transformer(4, 2, 1, 1, 4)(X3, X3, MASK, MASK, None),
    "TransformerDecoder": lambda: nn.TransformerDecoder(1, 4, 2)(X3, X3, MASK, None),
    "TransformerDecoderLayer": lambda: nn.TransformerDecoderLayer(4, 2)(X3, X3, MASK, None),
    "TransformerEncoder": lambda: nn.TransformerEncoder(1, 4, 2)(X3, MASK),
    "TransformerEncoderLayer": lambda: nn.TransformerEncoderLayer(4, 2)(X3, MASK),
    "hard_shrink": lambda: nn.hard_shrink(X2),
    "Linear.to_quantized": LINEAR.to_quantized,
    "QuantizedLinear.from_linear": lambda: nn.QuantizedLinear.from_linear(LINEAR),
    "Embedding.to_quantized": EMBEDDING.to_quantized,
    "QuantizedEmbedding.from_embedding": lambda: nn.QuantizedEmbedding.from_embedding(EMBEDDING),
    "broadcast_arrays": lambda: mx.broadcast_arrays(X2, X2),
    "broadcast_shapes": lambda: mx.broadcast_shapes((2, 3), (3,)),
    "divmod": lambda: mx.divmod(X2, X2),
    "quantize": lambda: mx.quantize(mx.zeros((64, 64))),
    "split": lambda: mx.split(X2, 2),
    "array.split": lambda: X2.split(2),
    **{f"Module.{name}": getattr(LINEAR, name)
       for name in ("children", "leaf_modules", "modules", "named_modules", "parameters", "trainable_parameters")},
}  # fmt: skip


def called(name: str) -> object:
    """Returns what calling the row's callable gives."""
    short = name.removeprefix("mlx.core.").removeprefix("mlx.nn.")
    if short in CALLS:
        return CALLS[short]()
    thing = getattr(nn, short)
    return thing()(X2) if isinstance(thing, type) else thing(X2)


def described(value: object) -> str:
    """Returns a value's type as an annotation says it."""
    if isinstance(value, mx.array):
        return "mlx.core.array"
    if isinstance(value, list | tuple):
        inner = [described(part) for part in value]
        if isinstance(value, list):
            return f"list[{inner[0]}]"
        return "tuple[int, ...]" if set(inner) == {"int"} else f"tuple[{', '.join(inner)}]"
    if isinstance(value, nn.Module):
        return f"mlx.nn.{type(value).__name__}"
    return type(value).__name__


@pytest.mark.parametrize("name", load_returns())
def test_every_row_is_what_comes(name: str, mlx_index: ApiIndex) -> None:
    said = load_returns()[name]

    assert mlx_index.resolve(name) is not None
    assert described(called(name)) in (said, said.replace("mlx.nn.Module", "mlx.nn.Linear"))


def test_methods_that_return_a_module_return_their_own(mlx_index: ApiIndex) -> None:
    given = {
        "update": ({},),
        "update_modules": ({},),
        "apply": (lambda x: x,),
        "apply_to_modules": (lambda n, m: None,),
    }
    owner = mlx_index.resolve("mlx.nn.Module")
    assert owner is not None
    methods = [name for name, entry in mlx_index.members(owner) if {s.returns for s in entry.signatures} == {"Module"}]

    assert len(methods) >= 8
    for name in set(methods) - {"load_weights"}:
        assert getattr(LINEAR, name)(*given.get(name, ())) is LINEAR, name
    assert LINEAR.load_weights([], strict=False) is LINEAR


def test_what_load_gives_depends_on_the_file_s_name(tmp_path: Path) -> None:
    mx.save(f"{tmp_path}/x.npy", X2)
    mx.savez(f"{tmp_path}/x.npz", x=X2)
    mx.save_safetensors(f"{tmp_path}/x.safetensors", {"x": X2})

    assert isinstance(mx.load(f"{tmp_path}/x.npy"), mx.array)
    for name in ("x.npz", "x.safetensors"):
        loaded = mx.load(f"{tmp_path}/{name}")
        assert isinstance(loaded, dict) and isinstance(loaded["x"], mx.array)
