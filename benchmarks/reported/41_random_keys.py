import mlx.core as mx


def init(key, shape):
    return mx.random.normal(shape, key=key) * 0.02


key = mx.random.key(0)
w1 = init(key, (4, 4))
w2 = init(key, (4, 4))
k1, k2, k3 = mx.random.split(key, 3)
w3, w4 = init(k1, (4, 4)), init(k2, (4, 4))
noise = mx.random.normal(0.0, 1.0, (4, 4))
uniform = mx.random.uniform(-1, 1, (4, 4), key=k3)
rolls = mx.random.randint(0, 6, size=(10,))
chosen = mx.random.choice(mx.arange(10), 3)
order = mx.random.permutation(10)
mx.random.manual_seed(42)
print(w3.std(), w4.std(), uniform.min(), order[:3], rolls[:2], chosen.shape, noise.shape)
