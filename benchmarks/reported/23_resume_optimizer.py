import tempfile
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from mlx.utils import tree_flatten, tree_unflatten

folder = Path(tempfile.mkdtemp())
model = nn.Linear(4, 2)
optimizer = optim.Adam(learning_rate=1e-3)
optimizer.init(model.trainable_parameters())
model.save_weights(str(folder / "weights.safetensors"))
mx.savez(str(folder / "optimizer.npz"), **optimizer.state)
flat = dict(tree_flatten(optimizer.state))
mx.save_safetensors(str(folder / "optimizer.safetensors"), flat)

resumed = optim.Adam(learning_rate=1e-3)
resumed.state = tree_unflatten(list(mx.load(str(folder / "optimizer.safetensors")).items()))
resumed.load_state_dict(flat)
print(resumed.step, resumed.learning_rate)
