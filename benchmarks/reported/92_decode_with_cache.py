import mlx.core as mx
import mlx.nn as nn


class Layer(nn.Module):
    def __init__(self, dims, heads):
        super().__init__()
        self.heads, self.scale = heads, (dims // heads) ** -0.5
        self.proj = nn.Linear(dims, 3 * dims, bias=False)
        self.out = nn.Linear(dims, dims, bias=False)
        self.rope = nn.RoPE(dims // heads)

    def __call__(self, x, cache=None, mask=None):
        B, T, _ = x.shape
        q, k, v = mx.split(self.proj(x), 3, axis=-1)
        q, k, v = (a.reshape(B, T, self.heads, -1).transpose(0, 2, 1, 3) for a in (q, k, v))
        offset = 0 if cache is None else cache[0].shape[2]
        q = self.rope(q)
        k = self.rope(k, offset=offset)
        if cache is not None:
            k = mx.concatenate([cache[0], k], axis=2)
            v = mx.concatenate([cache[1], v], axis=2)
        y = mx.fast.scaled_dot_product_attention(q, k, v, scale=self.scale, mask=mask)
        return self.out(y.transpose(0, 2, 1, 3).reshape(B, T, -1)), (k, v)


mx.random.seed(0)
layer = Layer(32, 4)
tokens = mx.random.normal((1, 10, 32))
full, _ = layer(tokens, mask="causal")
y, cache = layer(tokens[:, :6], mask="causal")
rest = []
for i in range(6, 8):
    y, cache = layer(tokens[:, i : i + 1], cache)
    rest.append(y)
print("step", bool(mx.allclose(mx.concatenate(rest, axis=1), full[:, 6:8], atol=1e-4)))
mask = nn.MultiHeadAttention.create_additive_causal_mask(2)
chunk, cache = layer(tokens[:, 8:], cache, mask)
print("chunk", bool(mx.allclose(chunk, full[:, 8:], atol=1e-4)))
