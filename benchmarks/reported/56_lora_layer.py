import math

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten


class LoRALinear(nn.Module):
    def __init__(self, linear, rank=8, scale=20.0):
        super().__init__()
        output_dims, input_dims = linear.weight.shape
        self.linear = linear
        bound = 1 / math.sqrt(input_dims)
        self.lora_a = mx.random.uniform(low=-bound, high=bound, shape=(input_dims, rank))
        self.lora_b = mx.zeros(shape=(rank, output_dims))
        self.scale = scale

    def __call__(self, x):
        return self.linear(x) + (self.scale * (x @ self.lora_a) @ self.lora_b).astype(x.dtype)


model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
model.freeze()
model.layers = [LoRALinear(m) if isinstance(m, nn.Linear) else m for m in model.layers]
names = [name for name, _ in tree_flatten(model.trainable_parameters())]
print(names, model(mx.ones((2, 16))).shape)
