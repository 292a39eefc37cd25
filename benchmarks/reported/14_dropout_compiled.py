from functools import partial

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim

model = nn.Sequential(nn.Linear(16, 64), nn.Dropout(0.5), nn.Linear(64, 2))
opt = optim.Adam(learning_rate=1e-3)
mx.eval(model.parameters())
state = [model.state, opt.state, mx.random.state]


def loss_fn(x, y):
    return nn.losses.cross_entropy(model(x), y, reduction="mean")


@partial(mx.compile, inputs=state, outputs=state)
def step(x, y):
    loss, grads = nn.value_and_grad(model, loss_fn)(x, y)
    opt.update(model, grads)
    return loss


x = mx.random.normal((32, 16))
y = mx.random.randint(0, 2, (32,))
for i in range(4):
    loss = step(x, y)
    mx.eval(state)
    print(f"{i} {loss.item():.3f}")
model.eval()
print(mx.argmax(model(x), axis=-1)[:5])
