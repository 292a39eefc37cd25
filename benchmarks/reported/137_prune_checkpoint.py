import os
import tempfile

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from mlx.utils import tree_flatten


def strip_adapters(path):
    weights = mx.load(path)
    kept = {name: value for name, value in weights.items() if "lora" not in name}
    mx.save_safetensors(path, kept)
    return {name: value for name, value in weights.items() if "lora" in name}


def batches(rows, size=16):
    for start in range(0, len(rows), size):
        yield mx.array(np.stack([np.float32(row) for row in rows[start : start + size]]))


def resume(folder, model):
    optimizer = optim.Adam(learning_rate=1e-3)
    optimizer.state = mx.load(os.path.join(folder, "optimizer.safetensors"))
    return optimizer


mx.random.seed(0)
folder = tempfile.mkdtemp()
model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 1))
optimizer = optim.Adam(learning_rate=1e-3)
step = nn.value_and_grad(model, lambda model, x: model(x).square().mean())
for x in batches(np.random.rand(32, 8).tolist()):
    loss, grads = step(model, x)
    optimizer.update(model, grads)
mx.save_safetensors(os.path.join(folder, "optimizer.safetensors"), dict(tree_flatten(optimizer.state)))
model.save_weights(os.path.join(folder, "checkpoint.safetensors"))
optimizer = resume(folder, model)
optimizer.update(model, grads)
merged = os.path.join(folder, "merged.safetensors")
mx.save_safetensors(merged, {"base": mx.ones((64, 64)), "lora_a": mx.full((64, 4), 2.0)})
print(strip_adapters(merged)["lora_a"].sum().item(), len(optimizer.state))
