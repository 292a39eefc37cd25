import time

import mlx.core as mx
import mlx.nn as nn

model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64))
x = mx.random.normal((32, 64))
mx.eval(model.parameters(), x)

start = time.perf_counter()
for _ in range(20):
    y = model(x)
print("forward", time.perf_counter() - start)

start = time.perf_counter()
for _ in range(20):
    mx.eval(model(x))
print("evaluated", time.perf_counter() - start)

losses = []
total = mx.array(0.0)
for step in range(20):
    loss = nn.losses.mse_loss(model(x), x)
    losses.append(loss.item())
    total += loss
print(total / len(losses), sum(losses) / len(losses))
print(mx.metal.get_peak_memory())
