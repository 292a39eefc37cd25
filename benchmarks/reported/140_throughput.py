import time

import mlx.core as mx
import mlx.nn as nn
import numpy as np


def mlp(dims=256):
    return nn.Sequential(nn.Linear(dims, 4 * dims), nn.GELU(), nn.Linear(4 * dims, dims))


def forward_time(model, x, repeats=5):
    mx.eval(model(x))
    start = time.perf_counter()
    for _ in range(repeats):
        y = model(x)
        mx.synchronize()
    return (time.perf_counter() - start) / repeats


@mx.compile
def perturbed(x, strength):
    return (mx.tanh(x * strength) ** 2).mean()


model = mlp()
data = np.random.default_rng(0).normal(size=(20000, 256)).astype(np.float32)
print("seconds a pass", forward_time(model, mx.array(data[:2048])))

total = 0.0
for start in range(0, 4096, 512):
    batch = mx.array(data)[start : start + 512]
    total += model(batch).square().mean().item()
print("mean", total / 8)

x = mx.array(data[:64])
curve = [perturbed(x, 0.1 * i).item() for i in range(8)]
print("curve", curve[-1])
last = mx.eval(model(x))
print(last.shape)
