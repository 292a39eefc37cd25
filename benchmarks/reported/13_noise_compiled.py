from functools import partial

import mlx.core as mx


@mx.compile
def add_noise(x):
    return x + 0.1 * mx.random.normal(x.shape)


@partial(mx.compile, inputs=mx.random.state, outputs=mx.random.state)
def add_fresh_noise(x):
    return x + 0.1 * mx.random.normal(x.shape)


@mx.compile
def add_noise_of(x, key):
    return x + 0.1 * mx.random.normal(x.shape, key=key)


image = mx.zeros((4, 4))
for key in mx.random.split(mx.random.key(7), 3):
    print(add_noise(image)[0, 0], add_fresh_noise(image)[0, 0], add_noise_of(image, key)[0, 0])
