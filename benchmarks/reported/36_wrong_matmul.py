import mlx.core as mx
import mlx.nn as nn


def project(x, w):
    return x @ w.T


w = mx.random.normal((64, 32))
x = mx.random.normal((10, 32))
print(project(x, w).shape, mx.addmm(mx.zeros((64,)), x, w.T).shape)
y = x @ w
layer = nn.Linear(64, 16)
out = layer(x)
bias = mx.zeros((10,))
shifted = x + bias
column = x + bias[:, None]
joined = mx.concatenate([x, y], axis=0)
batched = mx.einsum("bij,bjk->bik", mx.ones((2, 3, 4)), mx.ones((2, 4, 5)))
print(column.shape, joined.shape, batched.shape, mx.outer(bias, bias).shape, out.shape, shifted.shape)
