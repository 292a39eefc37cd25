import time

import mlx.core as mx
import numpy as np


def shuffled(x, y):
    x = mx.random.permutation(x)
    y = mx.random.permutation(y)
    return x, y


def batches(x, y, size):
    for start in range(0, x.shape[0], size):
        yield x[start : start + size], y[start : start + size]


def norms(x):
    return [mx.sqrt((row * row).sum()).item() for row in x]


np.random.seed(11)
x = mx.random.normal((20000, 16))
y = (x[:, 0] > 0).astype(mx.int32)
print("first", round(x[0, 0].item(), 4))
seen, right = 0, 0
xs, ys = shuffled(x, y)
for xb, yb in batches(xs, ys, 256):
    right += ((xb[:, 0] > 0) == yb).sum()
    seen += yb.size
    mx.eval(right)
print("right", right.item() == seen)
start = time.perf_counter()
lengths = norms(x)
print("long", len(lengths), "quick", time.perf_counter() - start < 0.1)
