from functools import partial

import mlx.core as mx
import mlx.optimizers as optim

x = mx.linspace(-1, 1, 50)
y = 3 * x**2 - x + 0.5
params = {"a": mx.array(0.0), "b": mx.array(0.0), "c": mx.array(0.0)}
optimizer = optim.Adam(learning_rate=0.1)
optimizer.init(params)


def loss_fn(params):
    prediction = params["a"] * x**2 + params["b"] * x + params["c"]
    return mx.mean(mx.square(prediction - y))


@partial(mx.compile, inputs=optimizer.state, outputs=optimizer.state)
def step(params):
    loss, grads = mx.value_and_grad(loss_fn)(params)
    return loss, optimizer.apply_gradients(grads, params)


for i in range(100):
    loss, params = step(params)
    mx.eval(loss, params, optimizer.state)
hessian = mx.grad(lambda v: mx.grad(lambda u: (u**3).sum())(v).sum())(mx.array([1.0, 2.0]))
print(loss.item() < 0.1, {name: round(value.item(), 1) for name, value in params.items()}, hessian)
