import mlx.core as mx
import mlx.nn as nn


class Attention(nn.Module):
    def __init__(self, dims=64, heads=4):
        super().__init__()
        self.heads = heads
        self.scale = (dims // heads) ** -0.5
        self.qkv = nn.Linear(dims, 3 * dims, bias=False)
        self.out = nn.Linear(dims, dims, bias=False)
        self.rope = nn.RoPE(dims // heads, base=500000.0)

    def __call__(self, x, mask=None, cache=None):
        batch, length, dims = x.shape
        q, k, v = mx.split(self.qkv(x), 3, axis=-1)
        q = self.rope(q.reshape(batch, length, self.heads, -1)).transpose(0, 2, 1, 3)
        k = k.reshape(batch, length, self.heads, -1).transpose(0, 2, 1, 3)
        v = v.reshape(batch, length, self.heads, -1).transpose(0, 2, 1, 3)
        k = self.rope(k)
        if cache is not None:
            k = mx.concatenate([cache[0], k], axis=2)
            v = mx.concatenate([cache[1], v], axis=2)
        h = mx.fast.scaled_dot_product_attention(q, k, v, scale=self.scale, mask=mask)
        return self.out(h.transpose(0, 2, 1, 3).reshape(batch, length, dims)), (k, v)


mx.random.seed(0)
layer = Attention()
tokens = mx.random.normal((1, 9, 64))
causal = nn.MultiHeadAttention.create_additive_causal_mask
whole, _ = layer(tokens, causal(9))
start, cache = layer(tokens[:, :6], causal(6))
rest = tokens[:, 6:]
more, cache = layer(rest, causal(rest.shape[1]), cache)
print(more.shape, cache[0].shape)
