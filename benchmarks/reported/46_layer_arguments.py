import mlx.core as mx
import mlx.nn as nn


class Block(nn.Module):
    def __init__(self, dims, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(normalized_shape=dims)
        self.norm2 = nn.LayerNorm(dims, eps=1e-6)
        self.attn = nn.MultiheadAttention(dims, heads)
        self.up = nn.Linear(in_features=dims, out_features=4 * dims)
        self.down = nn.Linear(4 * dims, dims)
        self.act = nn.GELU(approximate="tanh")

    def __call__(self, x, mask=None):
        h = self.norm1(x)
        x = x + self.attn(h, h, h, mask=mask)
        return x + self.down(self.act(self.up(self.norm2(x))))


class Tower(nn.Module):
    def __init__(self, depth, dims):
        super().__init__()
        self.blocks = nn.ModuleList([Block(dims, 4) for _ in range(depth)])
        self.scale = nn.Parameter(mx.ones((dims,)))

    def __call__(self, x):
        for block in self.blocks:
            x = block(x)
        return x * self.scale


print(Tower(2, 32)(mx.zeros((1, 5, 32))).shape)
