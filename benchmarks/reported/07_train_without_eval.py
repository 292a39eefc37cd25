import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np

model = nn.Sequential(nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = optim.Adam(learning_rate=1e-3)


def batch(rng, size=512):
    x = rng.standard_normal((size, 256)).astype(np.float32)
    return mx.array(x), mx.array(x.sum(axis=-1, keepdims=True))


def loss_fn(model, x, y):
    return nn.losses.mse_loss(model(x), y)


step = nn.value_and_grad(model, loss_fn)
rng = np.random.default_rng(0)
for epoch in range(40):
    x, y = batch(rng)
    loss, grads = step(model, x, y)
    optimizer.update(model, grads)
print(loss.item())
