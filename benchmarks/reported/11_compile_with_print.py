import mlx.core as mx


@mx.compile
def soft_threshold(x, limit):
    shrunk = mx.maximum(mx.abs(x) - limit, 0)
    print("largest", shrunk.max().item())
    return mx.sign(x) * shrunk


@mx.compile
def relu_or_zero(x):
    if x.sum() > 0:
        return mx.maximum(x, 0)
    return mx.zeros_like(x)


@mx.compile
def right(x, limit):
    return mx.where(x.sum() > 0, mx.maximum(x, limit), mx.zeros_like(x))


x = mx.random.normal((10,))
print(soft_threshold(x, 0.1))
print(relu_or_zero(x))
print(right(x, 0.2).sum().item())
