"""Sentence encoder: one masked attention layer and attention pooling."""

import mlx.core as mx
import mlx.nn as nn


class SelfAttention(nn.Module):
    """Bidirectional attention over a padded batch."""

    def __init__(self, dims: int, heads: int):
        super().__init__()
        self.heads = heads
        self.scale = (dims // heads) ** -0.5
        self.qkv = nn.Linear(dims, 3 * dims)
        self.out = nn.Linear(dims, dims)

    def __call__(self, x, attention_mask):
        """attention_mask is (B, L) with 1 for a token and 0 for padding."""
        B, L, D = x.shape
        q, k, v = (
            part.reshape(B, L, self.heads, -1).transpose(0, 2, 1, 3)
            for part in mx.split(self.qkv(x), 3, axis=-1)
        )
        mask = attention_mask[:, None, None, :]
        y = mx.fast.scaled_dot_product_attention(q, k, v, scale=self.scale, mask=mask)
        return self.out(y.transpose(0, 2, 1, 3).reshape(B, L, D))


class BiasedAttention(nn.Module):
    """Attention with a distance penalty (ALiBi) for half-precision models."""

    def __init__(self, dims: int, slope: float = 0.5):
        super().__init__()
        self.slope = slope
        self.scale = dims**-0.5

    def __call__(self, q, k, v):
        positions = mx.arange(q.shape[2])
        distance = mx.abs(positions[:, None] - positions[None, :])
        bias = -self.slope * distance.astype(mx.float32)
        return mx.fast.scaled_dot_product_attention(q, k, v, scale=self.scale, mask=bias)


class AttentionPool(nn.Module):
    """Weight the tokens by a learned score and add them up."""

    def __init__(self, dims: int):
        super().__init__()
        self.score = nn.Linear(dims, 1)

    def __call__(self, hidden):
        weights = mx.softmax(self.score(hidden))
        return (weights * hidden).sum(axis=1)
