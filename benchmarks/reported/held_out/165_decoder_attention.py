"""Causal self-attention with rotary embeddings and a key/value cache."""

import mlx.core as mx
import mlx.nn as nn


class Attention(nn.Module):
    def __init__(self, dims: int, heads: int):
        super().__init__()
        self.heads = heads
        self.head_dim = dims // heads
        self.scale = self.head_dim**-0.5
        self.q_proj = nn.Linear(dims, dims, bias=False)
        self.k_proj = nn.Linear(dims, dims, bias=False)
        self.v_proj = nn.Linear(dims, dims, bias=False)
        self.o_proj = nn.Linear(dims, dims, bias=False)
        self.rope = nn.RoPE(self.head_dim)

    def __call__(self, x, mask=None, cache=None):
        batch, length, _ = x.shape
        split = (batch, length, self.heads, -1)
        queries = self.q_proj(x).reshape(split)
        keys = self.k_proj(x).reshape(split)
        if cache is None:
            queries, keys = self.rope(queries), self.rope(keys)
        queries = queries.transpose(0, 2, 1, 3)
        keys = keys.transpose(0, 2, 1, 3)
        values = self.v_proj(x).reshape(split).transpose(0, 2, 1, 3)

        if cache is not None:
            past_keys, past_values = cache
            queries, keys = self.rope(queries), self.rope(keys)
            keys = mx.concatenate([past_keys, keys], axis=2)
            values = mx.concatenate([past_values, values], axis=2)

        out = mx.fast.scaled_dot_product_attention(
            queries, keys, values, scale=self.scale, mask=mask
        )
        out = out.transpose(0, 2, 1, 3).reshape(batch, length, -1)
        return self.o_proj(out), (keys, values)


def causal_mask(length: int, dtype: mx.Dtype = mx.float32) -> mx.array:
    """Additive mask: 0 on and below the diagonal, -inf above it."""
    upper = 1.0 - mx.tril(mx.ones((length, length), dtype=dtype))
    return upper * float("-inf")
