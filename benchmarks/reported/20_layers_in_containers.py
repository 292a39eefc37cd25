import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten


class Stack(nn.Module):
    def __init__(self, dims, depth):
        super().__init__()
        self.layers = [nn.Linear(dims, dims) for _ in range(depth)]
        self.heads = {"value": nn.Linear(dims, 1), "policy": nn.Linear(dims, 4)}
        self.norms = tuple(nn.LayerNorm(dims) for _ in range(depth))
        self._adapter = nn.Linear(dims, dims)

    def __call__(self, x):
        for layer, norm in zip(self.layers, self.norms):
            x = nn.gelu(layer(norm(x)))
        x = x + self._adapter(x)
        return self.heads["value"](x), self.heads["policy"](x)


model = Stack(16, 2)
value, policy = model(mx.random.normal((3, 16)))
for name, p in tree_flatten(model.parameters()):
    print(name, p.shape)
