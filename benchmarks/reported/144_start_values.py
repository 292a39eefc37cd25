import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim


class Head(nn.Module):
    def __init__(self, dims, classes):
        super().__init__()
        self.fc = nn.Linear(dims, classes)
        nn.init.normal(std=0.001)(self.fc.weight)

    def __call__(self, x):
        return self.fc(x)


class Net(nn.Module):
    def __init__(self, dims=16, classes=3):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(dims, 64), nn.ReLU(), nn.Linear(64, 64))
        self.head = Head(64, classes)

    def features(self, x):
        for layer in self.body:
            x = layer(x)
        return x

    def __call__(self, x):
        return self.head(nn.relu(self.features(x)))


def small_biases(module):
    if isinstance(module, nn.Linear):
        module.bias = mx.zeros_like(module.bias)


mx.random.seed(0)
net = Net()
net.apply(small_biases)
x, y = mx.random.normal((10, 16)), mx.random.randint(0, 3, (10,))
optimizer = optim.Adam(learning_rate=1e-3)
step = nn.value_and_grad(net, lambda net, x, y: nn.losses.cross_entropy(net(x), y, reduction="mean"))
for _ in range(5):
    loss, grads = step(net, x, y)
    optimizer.update(net, grads)
    print(loss.item())
