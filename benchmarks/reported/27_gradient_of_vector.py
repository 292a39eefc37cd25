import mlx.core as mx


def squares(x):
    return x**2


def total(x):
    return (x**2).sum()


def residual(w, x, y):
    return mx.mean((x @ w - y) ** 2), x @ w


x = mx.array([1.0, 2.0, 3.0])
g = mx.grad(squares)(x)
jacobian = mx.vmap(mx.grad(lambda v: v**2))(x)
counts = mx.array([1, 2, 3])
h = mx.grad(total)(counts)
k = mx.grad(total)(3.0)
(loss, pred), grads = mx.value_and_grad(residual)(mx.zeros((2,)), mx.ones((4, 2)), mx.ones((4,)))
print(g, jacobian, h, k, loss, grads)
