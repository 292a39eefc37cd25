from functools import partial

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim

model = nn.Linear(8, 1)
optimizer = optim.SGD(learning_rate=0.01)
state = [model.state, optimizer.state]


def loss_fn(model, x, y):
    return nn.losses.mse_loss(model(x), y)


@partial(mx.compile, inputs=state, outputs=state)
def step(x, y):
    loss, grads = nn.value_and_grad(model, loss_fn)(model, x, y)
    optimizer.update(model, grads)
    mx.eval(model.parameters(), optimizer.state)
    return loss


x = mx.random.normal((16, 8))
y = mx.random.normal((16, 1))
for _ in range(3):
    loss = step(x, y)
    mx.eval(state, loss)
print(loss.item())
