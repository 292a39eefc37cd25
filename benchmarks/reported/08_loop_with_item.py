import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim

model = nn.Linear(10, 2)
optimizer = optim.SGD(learning_rate=0.1, momentum=0.9)
inputs = mx.random.normal((64, 10))
targets = mx.random.randint(0, 2, (64,))


def loss_fn(model, inputs, targets):
    return nn.losses.cross_entropy(model(inputs), targets)


loss_and_grad = nn.value_and_grad(model, loss_fn)
for step in range(5):
    loss, grads = loss_and_grad(model, inputs, targets)
    optimizer.zero_grad()
    optimizer.update(model, grads)
    mx.eval(model.parameters(), optimizer.state)
    if step % 2 == 0:
        print(step, loss.item())
