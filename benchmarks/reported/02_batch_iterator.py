import mlx.core as mx
import numpy as np


def batches(x, y, size):
    order = mx.random.permutation(x.shape[0])
    for start in range(0, x.size(0), size):
        index = order[start : start + size]
        yield x[index], y[index]


data = np.random.rand(100, 12).astype(np.float32)
labels = np.random.randint(0, 3, size=100)
x = mx.from_numpy(data)
y = mx.array(labels)
for xb, yb in batches(x, y, 25):
    print(xb.shape, yb.shape, yb.dtype)
