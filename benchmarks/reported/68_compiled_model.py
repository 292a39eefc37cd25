from functools import partial

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim

model = nn.Linear(4, 1)
optimizer = optim.Adam(learning_rate=0.1)
state = [model.state, optimizer.state]


def loss_fn(model, x, y):
    return nn.losses.mse_loss(model(x), y)


@partial(mx.compile, inputs=state, outputs=state)
def step(x, y):
    loss, grads = nn.value_and_grad(model, loss_fn)(model, x, y)
    optimizer.update(model, grads)
    return loss


@mx.compile
def predict(x):
    return model(x)


x = mx.random.normal((32, 4))
y = x.sum(axis=1, keepdims=True)
before = predict(x)
for _ in range(50):
    loss = step(x, y)
    mx.eval(state)
after = predict(x)
print(mx.abs(after - before).max(), mx.abs(after - y).max(), loss)
