import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from mlx.nn.utils import average_gradients
from mlx.utils import tree_map

world = mx.distributed.init()
model = nn.Linear(4, 1)
optimizer = optim.SGD(learning_rate=0.1)
batch = 64 // world.size
per_rank = 64 // world.size()
x = mx.random.normal((per_rank, 4))


def loss_fn(model, x):
    return model(x).square().mean()


loss, grads = nn.value_and_grad(model, loss_fn)(model, x)
grads = mx.distributed.all_sum(grads)
grads = average_gradients(grads)
mean = mx.distributed.all_reduce(loss) / world.size()
optimizer.update(model, grads)
mean = mx.distributed.all_sum(loss) / world.size()
mx.eval(model.parameters(), mean)
if world.rank() == 0:
    print(mean.item())
