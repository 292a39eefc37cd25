import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim

group = mx.distributed.init()
model = nn.Linear(4, 1)
optimizer = optim.SGD(learning_rate=0.1)
x = mx.random.normal((8, 4))
y = x.sum(axis=1, keepdims=True)


def loss_fn(model, x, y):
    return nn.losses.mse_loss(model(x), y)


loss_and_grad = nn.value_and_grad(model, loss_fn)
for step in range(3):
    loss, grads = loss_and_grad(model, x[group.rank :: group.size()], y[group.rank :: group.size()])
    grads = nn.average_gradients(grads)
    optimizer.update(model, grads)
    mx.eval(model.parameters(), optimizer.state)
    if group.rank == 0:
        print(step, loss.item())
loss = mx.distributed.all_sum(loss) / group.size()
if mx.distributed.is_available:
    print(loss.item())
