import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim

model = nn.Linear(8, 1)
x = mx.random.normal((16, 8))
y = 100 * x.sum(axis=1, keepdims=True)
schedule = optim.CosineAnnealingLR(0.1, 100)
optimizer = optim.SGD(schedule, momentum=0.9)


def loss_fn(model, x, y):
    return nn.losses.mse_loss(model(x), y)


loss_and_grad = nn.value_and_grad(model, loss_fn)
for step in range(5):
    loss, grads = loss_and_grad(model, x, y)
    optim.clip_grad_norm(grads, max_norm=1.0)
    optimizer.update(model, grads)
    mx.eval(model.parameters(), optimizer.state)
    print(step, loss.item(), optimizer.learning_rate.item())

loss, grads = loss_and_grad(model, x, y)
grads = optim.clip_grad_norm(grads, 1.0)
optimizer.update(model, grads)
mx.eval(model.parameters(), optimizer.state)
