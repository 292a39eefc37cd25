"""Tell which models `tenny_lsp.worker.llama` can read with, and lay out their weights; imports no NumPy."""

from typing import Any

import mlx.core as mx
from mlx.nn.layers.embedding import Embedding
from mlx.nn.layers.linear import Linear
from mlx.nn.layers.positional_encoding import RoPE
from mlx.utils import tree_flatten
from mlx_lm.models import llama
from mlx_lm.tuner.lora import LoRALinear

from tenny_lsp.worker.openblas import products

#: What linear layers may be.
_LINEAR = (Linear, LoRALinear)
#: A layer of more outputs stays as it is stored: transposed, ``sgemm`` takes twice as long for it on some processors.
_MOST_TRANSPOSED = 16_384


def is_plain_llama(model: Any) -> bool:
    """Return whether a model is a plain Llama in float32, with or without LoRA, where OpenBLAS is loaded."""
    if type(model) is not llama.Model or products() is None:
        return False
    weights: dict[str, mx.array] = dict(tree_flatten(model.parameters()))
    linear = [module for name, module in model.named_modules() if name.endswith(("_proj", "lm_head"))]
    return (
        all(array.dtype == mx.float32 for array in weights.values())
        and type(model.model.embed_tokens) is Embedding
        and all(type(module) in _LINEAR for module in linear)
        and all(_is_plain(block) for block in model.model.layers)
    )


def transpose_weights(model: Any) -> None:
    """Store the weights of linear layers transposed, one after the other; their shapes stay.

    ``sgemv`` reads them half as fast again then, and ``sgemm`` as fast as before.
    """
    for module in model.modules():
        if type(module) is Linear and module.weight.shape[0] <= _MOST_TRANSPOSED:
            module.weight = mx.contiguous(module.weight.T).T
            mx.eval(module.weight)


def _is_plain(block: Any) -> bool:
    rope = block.self_attn.rope
    return (
        not block.use_sliding and type(rope) is RoPE and not rope.traditional and rope.dims == block.self_attn.head_dim
    )
