import mlx.core as mx

key = mx.random.PRNGKey(0)
key, sub = mx.random.split(key)
x = mx.random.normal((5, 3), key=sub)
w = mx.random.normal((3,), key=key)


def predict(w, x):
    return mx.tanh(x @ w)


def loss(w, x, y):
    return ((predict(w, x) - y) ** 2).mean(), y.mean()


y = mx.ones((5,))
(value, aux), grad = mx.value_and_grad(loss, has_aux=True)(w, x, y)
out, tangent = mx.jvp(predict, (w, x), (w, x))
single = mx.vmap(predict, in_axes=(None, 0))(w, x)
fast = mx.jit(predict)
x = x.at[0].set(1.0)
x = x.at[0].add(1.0)
hessian_row = mx.grad(lambda w: mx.grad(lambda w: predict(w, x).sum())(w)[0])(w)
print(value, aux, grad, single, fast(w, x), hessian_row)
