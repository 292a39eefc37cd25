import os
import tempfile

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from mlx.utils import tree_flatten, tree_unflatten


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(6, 6)
        self.out = nn.Linear(6, 2)

    def __call__(self, x):
        return self.out(nn.tanh(self.body(x)))


def save(folder, model, optimizer, step):
    model.save_weights(os.path.join(folder, "model.safetensors"))
    mx.save_safetensors(os.path.join(folder, "optimizer.safetensors"), optimizer.state)
    weights = dict(tree_flatten(model.parameters()))
    mx.save_safetensors(os.path.join(folder, "best.safetensors"), weights, metadata={"step": step})


def load(folder, model, optimizer):
    weights = mx.load(os.path.join(folder, "best.safetensors"))
    renamed = [("model." + k, v) for k, v in weights.items()]
    model.load_weights(renamed, strict=False)
    state = mx.load(os.path.join(folder, "optimizer.safetensors"))
    optimizer.state = tree_unflatten(list(state.items()))


mx.random.seed(0)
folder = tempfile.mkdtemp()
model, fresh, optimizer = Net(), Net(), optim.Adam(learning_rate=1e-3)
optimizer.init(model.trainable_parameters())
mx.savez(os.path.join(folder, "inputs.npz"), {"x": mx.ones((1, 6))})
x = mx.load(os.path.join(folder, "inputs.npz"))["x"]
save(folder, model, optimizer, 100)
load(folder, fresh, optimizer)
print("same", bool(mx.allclose(model(x), fresh(x))), optimizer.step.item())
model.save_weights(os.path.join(folder, "final.pt"))
print(sorted(os.listdir(folder))[0])
