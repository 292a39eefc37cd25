from functools import partial

import mlx.core as mx


def init(key, sizes):
    params = []
    for i, (n_in, n_out) in enumerate(zip(sizes[:-1], sizes[1:])):
        w = mx.random.normal((n_in, n_out), key=key) * 0.1
        params.append({"w": w, "b": mx.zeros((n_out,))})
    return params


def forward(params, x):
    for layer in params[:-1]:
        x = mx.tanh(x @ layer["w"] + layer["b"])
    return x @ params[-1]["w"] + params[-1]["b"]


def loss_fn(params, x, y):
    out = forward(params, x)
    return ((out - y) ** 2).mean(), out


def noisy(row):
    return row + mx.random.normal(row.shape)


@partial(mx.compile, static_argnums=(1,))
def power(x, n):
    return x**n


params = init(mx.random.key(0), [8, 8, 8, 1])
print("same weights", bool(mx.array_equal(params[0]["w"], params[1]["w"])))
x, y = mx.random.normal((16, 8), key=mx.random.key(1)), mx.ones((16, 1))
step = mx.value_and_grad(loss_fn, has_aux=True)
(loss, out), grads = step(params, x, y)
print("loss", loss.item(), out.shape)
noise = mx.vmap(noisy)(mx.zeros((4, 8)))
print("rows alike", bool(mx.array_equal(noise[0], noise[1])))
print("power", power(x, 2).sum().item())
grid = mx.random.normal((4,), key=0)
print(grid.shape)
