import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from mlx.utils import tree_map


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.l1 = nn.Linear(4, 16)
        self.l2 = nn.Linear(16, 1)

    def __call__(self, x):
        return self.l2(nn.relu(self.l1(x)))


def loss_fn(model, x, y):
    return nn.losses.mse_loss(model(x), y)


def average(grads, group):
    total = mx.distributed.all_sum(grads)
    return tree_map(lambda g: g / group.size(), total)


group = mx.distributed.init()
mx.random.seed(0)
x = mx.random.normal((64, 4))
y = x.sum(axis=-1, keepdims=True)
part = 64 // group.size
start = group.rank() * part
x, y = x[start : start + part], y[start : start + part]
model, optimizer = Net(), optim.SGD(learning_rate=0.05)
step = nn.value_and_grad(model, loss_fn)
for _ in range(5):
    loss, grads = step(model, x, y)
    optimizer.update(model, average(grads, group))
    mx.eval(model.parameters(), optimizer.state)
if group.rank == 0:
    print("loss", round(loss.item(), 4))
