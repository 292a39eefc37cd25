import mlx.core as mx
import numpy as np


def difference(before, after):
    return mx.abs(after - before).max(axis=-1)


def squared_index_sum(count):
    index = mx.arange(count)
    return (index * index).sum().item()


def polar_grid(rows, columns):
    y, x = mx.meshgrid(mx.linspace(-1, 1, rows), mx.linspace(-1, 1, columns))
    return mx.sqrt(x**2 + y**2), mx.arctan2(y, x)


def smooth(signal, width=5):
    half = width // 2
    padded = mx.pad(signal, (half, half), mode="edge")
    result = mx.zeros_like(signal)
    for i in range(signal.size):
        result[i] = padded[i : i + width].mean()
    return result


rng = np.random.default_rng(0)
first = mx.array(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8))
second = mx.array(np.maximum(np.array(first), 1) - 1)
change = difference(first, second)
radius, angle = polar_grid(24, 32)
print(change.max().item(), squared_index_sum(100000), radius.shape)
print(smooth(mx.sin(mx.linspace(0, 6.28, 3000))).max().item())
