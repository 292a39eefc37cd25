import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten


class Layers:
    def __init__(self, layers):
        self.layers = layers

    def __iter__(self):
        return iter(self.layers)


class Tower(nn.Module):
    def __init__(self, dims=16, depth=3):
        super().__init__()
        self.blocks = Layers([nn.Linear(dims, dims) for _ in range(depth)])
        self.norms = [nn.RMSNorm(dims) for _ in range(depth)]
        self.scale = mx.ones((dims,))

    def __call__(self, x):
        for block, norm in zip(self.blocks, self.norms):
            x = x + block(norm(x))
        return x * self.scale


tower = Tower()
tower.apply_to_modules(lambda name, module: print(name))
for name, parameter in tower.named_parameters():
    print(name, parameter.shape)
print(len(tree_flatten(tower.trainable_parameters())), tower(mx.ones((2, 16))).shape)
