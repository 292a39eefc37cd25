import tempfile
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_flatten, tree_unflatten

model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
path = str(Path(tempfile.mkdtemp()) / "model.safetensors")
model.save_weights(path)
weights = mx.load(path)
model.update(weights)
model.load_weights(list(weights.items()))
other = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
other.load_weights(weights)
other.load_weights(path, strict=False)
np.savez(path + ".npz", **dict(tree_flatten(model.parameters())))
model.set_dtype(mx.bfloat16)
first = np.array(model.layers[0].weight)
print(first.shape)
model.eval()
print(model(mx.ones((1, 4), dtype=mx.bfloat16)).dtype)
