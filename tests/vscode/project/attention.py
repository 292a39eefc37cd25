import mlx.core as mx
import mlx.nn as nn


class Attention(nn.Module):
    def __init__(self, dims: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dims, 3 * dims)
        self.out = nn.Linear(dims, dims)

    def __call__(self, x):
        B, T, D = x.shape
        qkv = self.qkv(x)
        q, k, v = mx.split(qkv, 3, axis=-1)
        q = q.reshape(B, T, self.heads, -1).transpose(0, 2, 1, 3)
        k = k.reshape(B, T, self.heads, -1).transpose(0, 2, 1, 3)
        v = v.reshape(B, T, self.heads, -1).transpose(0, 2, 1, 3)
        scores = q @ k.transpose(0, 1, 3, 2) * k.shape[-1] ** -0.5
        y = mx.softmax(scores, axis=-1) @ v
        y = y.transpose(0, 2, 1, 3).reshape(B, T, D)
        return self.out(y)


x = mx.random.normal((4, 128, 512))
y = Attention(512, 8)(x)
