import os
import tempfile

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten


class LoRALinear(nn.Module):
    def __init__(self, linear, rank=4):
        super().__init__()
        self.linear = linear
        self.lora_a = mx.random.normal((linear.weight.shape[1], rank)) * 0.02
        self.lora_b = mx.zeros((rank, linear.weight.shape[0]))

    def __call__(self, x):
        return self.linear(x) + 2.0 * (x @ self.lora_a) @ self.lora_b


class Net(nn.Module):
    def __init__(self, dims=32):
        super().__init__()
        self.layers = [nn.Linear(dims, dims) for _ in range(3)]

    def __call__(self, x):
        for layer in self.layers:
            x = nn.relu(layer(x))
        return x


def attach(model):
    model.freeze()
    for name, module in model.named_modules():
        if name.startswith("layers."):
            setattr(model, name, LoRALinear(module))
    model.freeze()
    return model


adapters = os.path.join(tempfile.mkdtemp(), "adapters.safetensors")
model = attach(Net())
mx.save_safetensors(adapters, dict(tree_flatten(model.trainable_parameters())))
resumed = attach(Net())
resumed.load_weights(adapters)
print([name for name, _ in tree_flatten(resumed.trainable_parameters())])
