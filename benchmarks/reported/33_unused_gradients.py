import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim

model = nn.Linear(6, 1)
optimizer = optim.SGD(learning_rate=0.05)
x = mx.random.normal((64, 6))
y = x.sum(axis=1, keepdims=True)
before = mx.array(model.weight)


def loss_fn(x, y):
    return ((model(x) - y) ** 2).mean()


loss_and_grad = nn.value_and_grad(model, loss_fn)
for _ in range(10):
    loss, grads = loss_and_grad(x, y)
    mx.eval(model.parameters(), optimizer.state)
print(loss.item())

for _ in range(10):
    loss, grads = loss_and_grad(x, y)
    new = optimizer.apply_gradients(grads, model)
    mx.eval(new, optimizer.state)
    updated = nn.Linear(6, 1).update(new)
print(loss.item(), updated.weight.shape)
