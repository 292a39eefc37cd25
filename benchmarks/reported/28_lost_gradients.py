import mlx.core as mx
import mlx.nn as nn
import numpy as np

model = nn.Linear(3, 1)


def log_loss(model, x, y):
    loss = mx.mean((model(x)[:, 0] - y) ** 2)
    print(f"loss {float(loss):.3f}")
    return loss


def numpy_loss(model, x, y):
    out = np.log1p(np.abs(np.array(model(x))))
    return mx.mean((mx.array(out)[:, 0] - y) ** 2)


def mean_distance(points):
    squared = points.square().sum(axis=-1)
    return mx.where(squared > 0, mx.sqrt(squared), 0.0).mean()


def safe_distance(points):
    squared = points.square().sum(axis=-1)
    return mx.sqrt(mx.maximum(squared, 1e-12)).mean()


x, y = mx.random.uniform(shape=(6, 3)), mx.ones((6,))
value, lost = nn.value_and_grad(model, numpy_loss)(model, x, y)
value, grads = nn.value_and_grad(model, log_loss)(model, x, y)
points = mx.array([[0.0, 0.0], [3.0, 4.0]])
print(value, lost["bias"], mx.grad(mean_distance)(points), mx.grad(safe_distance)(points))
