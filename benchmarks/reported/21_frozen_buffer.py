import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten


class RotaryLayer(nn.Module):
    def __init__(self, dims, length):
        super().__init__()
        self.proj = nn.Linear(dims, dims)
        self.register_buffer("positions", mx.arange(length))
        self._table = mx.sin(mx.arange(length)[:, None] * mx.ones((dims,)))

    def __call__(self, x):
        return self.proj(x) + self._table[: x.shape[1]]


layer = RotaryLayer(8, 32)
nn.init.constant(0.0)(layer.proj.bias)
for p in layer.parameters():
    p.requires_grad = False
layer.freeze()
total = sum(p.numel() for _, p in tree_flatten(layer.parameters()))
print(total, layer(mx.zeros((1, 4, 8))).shape, tree_flatten(layer.trainable_parameters()))
