import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from mlx.utils import tree_map

model = nn.Linear(256, 256)
optimizer = optim.AdamW(learning_rate=1e-4)
mx.eval(model.parameters())


def loss_fn(model, x):
    return model(x).square().mean()


loss_and_grad = nn.value_and_grad(model, loss_fn)
accumulated = tree_map(mx.zeros_like, model.parameters())
for micro in range(64):
    x = mx.random.normal((512, 256))
    loss, grads = loss_and_grad(model, x)
    accumulated = tree_map(lambda a, g: a + g / 64, accumulated, grads)
optimizer.update(model, accumulated)
mx.eval(model.parameters(), optimizer.state)

accumulated = tree_map(mx.zeros_like, model.parameters())
for micro in range(8):
    loss, grads = loss_and_grad(model, mx.random.normal((16, 256)))
    accumulated = tree_map(mx.add, accumulated, grads)
    mx.eval(accumulated, loss)
print(loss.item())
