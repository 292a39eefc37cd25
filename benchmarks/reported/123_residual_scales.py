import mlx.core as mx
import mlx.nn as nn
import numpy as np


class Block(nn.Module):
    def __init__(self, dims):
        super().__init__()
        self.norm = nn.RMSNorm(dims)
        self.up = nn.Linear(dims, 2 * dims, bias=False)
        self.down = nn.Linear(2 * dims, dims, bias=False)

    def __call__(self, x):
        return x + self.down(nn.silu(self.up(self.norm(x))))


class Stack(nn.Module):
    def __init__(self, dims=64, depth=3):
        super().__init__()
        self.blocks = [Block(dims) for _ in range(depth)]
        self.set_dtype(mx.bfloat16)
        self.scales = mx.ones((depth,))

    def __call__(self, x):
        first = x
        for i, block in enumerate(self.blocks):
            x = block(self.scales[i] * x + 0.1 * first)
        return x


def padding_bias(lengths, longest):
    keep = (mx.arange(longest)[None] < lengths[:, None]).astype(mx.float16)
    return (1.0 - keep) * -1e9


mx.random.seed(0)
model = Stack()
hidden = model(mx.random.normal((2, 5, 64)).astype(mx.bfloat16))
scores = mx.zeros((2, 5), dtype=mx.float16) + padding_bias(mx.array([5, 3]), 5)
weights = mx.softmax(scores.astype(mx.float32), axis=-1)
pooled = (weights[..., None] * hidden).sum(axis=1)
pooled = np.array(pooled.astype(mx.bfloat16))
print(pooled.shape, hidden.shape)
