from functools import partial

import mlx.core as mx


@partial(mx.compile, shapeless=True)
def flatten_rows(x):
    return x.reshape(x.shape[0] * x.shape[1], -1)


@partial(mx.compile, shapeless=True)
def mean_square(x):
    return (x * x).sum(axis=-1) / x.shape[-1]


@partial(mx.compile, shapeless=True)
def gated(x):
    return x.flatten(0, 1) * mx.sigmoid(x.flatten(0, 1))


def smooth(x):
    print("tracing")
    return x + 0.1 * mx.tanh(x)


print(flatten_rows(mx.ones((2, 3, 4))).shape, flatten_rows(mx.ones((4, 3, 4))).shape)
print(mean_square(mx.ones((1, 4))), mean_square(mx.ones((1, 8))))
print(gated(mx.ones((2, 3, 4))).shape, gated(mx.ones((4, 3, 4))).shape)
x = mx.ones((8,))
for _ in range(5):
    x = mx.compile(lambda v: smooth(v))(x)
    mx.eval(x)
