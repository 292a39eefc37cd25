import math

import mlx.core as mx
import mlx.nn as nn


class Attention(nn.Module):
    def __init__(self, dims, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dims, 3 * dims, bias=False)
        self.out = nn.Linear(dims, dims, bias=False)

    def __call__(self, x, mask=None):
        B, T, D = x.shape
        q, k, v = mx.split(self.qkv(x), 3, axis=-1)
        q, k, v = (a.reshape(B, T, self.heads, -1).swapaxes(1, 2) for a in (q, k, v))
        scale = 1 / math.sqrt(q.shape[-1])
        y = mx.fast.scaled_dot_product_attention(q, k, v, scale=scale, mask=mask)
        return self.out(y.swapaxes(1, 2).reshape(B, T, D))


mx.random.seed(4)
attention = Attention(32, 4)
lengths = mx.array([6, 3])
x = mx.random.normal((2, 6, 32))
changed = mx.concatenate([x[:, :5], x[:, 5:] * 10], axis=1)

causal = mx.tril(mx.ones((6, 6), dtype=mx.int32))
before = attention(x, causal)[:, :5]
after = attention(changed, causal)[:, :5]
print("future hidden", bool(mx.allclose(before, after, atol=1e-5)))

padding = mx.arange(6)[None, :] >= lengths[:, None]
pooled = attention(x, padding[:, None, None, :])
print("pooled", round(pooled[1, 0].sum().item(), 4))
rope = nn.RoPE(8, traditional=False)
q = rope(mx.random.normal((2, 4, 6, 8)))
short = mx.fast.scaled_dot_product_attention(q, q, q)
print(short.shape)
