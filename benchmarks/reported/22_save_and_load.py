import tempfile
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten

folder = Path(tempfile.mkdtemp())
model = nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 2))
weights = model.state_dict()
mx.save_safetensors(str(folder / "nested.safetensors"), model.parameters())
mx.save_safetensors(str(folder / "flat.safetensors"), dict(tree_flatten(model.parameters())))
model.save_weights(str(folder / "model.safetensors"))
model.save_weights(str(folder / "model.pt"))
model.load_weights(str(folder / "flat.safetensors"))
loaded = mx.load(str(folder / "flat.safetensors"))
model.load_weights(list(loaded.items()), strict=True)
print(sorted(loaded), weights is not None)
