import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np


class Velocity(nn.Module):
    def __init__(self, dims=2, hidden=32):
        super().__init__()
        self.inp = nn.Linear(dims + 1, hidden)
        self.out = nn.Linear(hidden, dims)
        self.bias = mx.random.normal((dims,), 0.0, 0.02)

    def __call__(self, x, t):
        return self.out(nn.silu(self.inp(mx.concatenate([x, t], axis=-1)))) + self.bias


def loss_fn(model, data, noise, t):
    point = (1 - t) * noise + t * data
    return ((model(point, t) - (data - noise)) ** 2).mean()


def jitter(point):
    return point + 0.05 * mx.random.normal(point.shape)


np.random.seed(7)
centres = mx.array(np.random.choice([-1.0, 1.0], (256, 2)).astype(np.float32))
model = Velocity()
optimizer = optim.Adam(learning_rate=1e-2)
grad_fn = nn.value_and_grad(model, loss_fn)
key = mx.random.key(7)
noises = []
for _ in range(5):
    data = mx.vmap(jitter)(centres)
    noise = mx.random.normal(data.shape, key=key)
    t = mx.random.uniform(shape=(data.shape[0], 1))
    loss, grads = grad_fn(model, data, noise, t)
    optimizer.update(model, grads)
    mx.eval(model.parameters(), optimizer.state)
    noises.append(noise)
print(loss.item())
