import os
import tempfile

import mlx.core as mx
import mlx.nn as nn
import numpy as np


class Mlp(nn.Module):
    def __init__(self, dims=32):
        super().__init__()
        self.fc1 = nn.Linear(dims, dims)
        self.fc2 = nn.Linear(dims, dims)

    def __call__(self, x):
        return self.fc2(nn.relu(self.fc1(x)))


def to_mlx(state):
    converted = {}
    for name, value in state.items():
        if value.ndim == 2:
            value = value.T
        converted[name] = mx.array(value)
    return converted


rng = np.random.default_rng(4)
state = {
    f"model.{layer}.{part}": rng.normal(0, 0.2, shape).astype(np.float32)
    for layer in ("fc1", "fc2")
    for part, shape in (("weight", (32, 32)), ("bias", (32,)))
}
folder = tempfile.mkdtemp()
path = os.path.join(folder, "converted.safetensors")
mx.save_safetensors(path, to_mlx(state), metadata={"format": "mlx", "layers": 2})
weights, metadata = mx.load(path, return_metadata=True)
model = Mlp()
model.load_weights(list(weights.items()), strict=False)
average = Mlp()
average.load_weights([(name.removeprefix("model."), 0.5 * value) for name, value in weights.items()])
x = mx.ones((1, 32))
print(model(x).sum().item(), average(x).sum().item(), metadata)
