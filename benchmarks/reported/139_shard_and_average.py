import os
import tempfile

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from mlx.utils import tree_map

world = mx.distributed.init()
mx.set_default_device("cpu")


def shard(x):
    return x[world.rank() :: world.size()]


def average(grads):
    total = mx.distributed.all_sum(grads)
    return tree_map(lambda g: g / world.size(), total)


def save(model, folder):
    if world.rank == 0:
        model.save_weights(os.path.join(folder, "weights.safetensors"))


mx.random.seed(0)
folder = tempfile.mkdtemp()
model = nn.Linear(4, 1)
optimizer = optim.SGD(learning_rate=0.05)
step = nn.value_and_grad(model, lambda model, x, y: nn.losses.mse_loss(model(x), y))
x = shard(mx.random.normal((32, 4)))
y = x.sum(axis=1, keepdims=True)
for epoch in range(10):
    loss, grads = step(model, x, y)
    optimizer.update(model, average(grads))
    mx.eval(model.parameters(), optimizer.state)
save(model, folder)
print(loss.item(), os.listdir(folder))
