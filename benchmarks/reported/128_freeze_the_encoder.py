import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from mlx.utils import tree_flatten


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.proj = nn.Linear(16, 32)

    def __call__(self, x):
        return nn.gelu(self.proj(x))


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.dropout = nn.Dropout(0.2)
        self.decoder = nn.Linear(32, 4)

    def __call__(self, x):
        return self.decoder(self.dropout(self.encoder(x)))


def loss_fn(model, x, y):
    return nn.losses.cross_entropy(model(x), y, reduction="mean")


model = Classifier()
model.encoder.requires_grad = False
print("trainable", sum(p.size for _, p in tree_flatten(model.trainable_parameters())))
optimizer, step = optim.SGD(learning_rate=0.1, momentum=0.9), nn.value_and_grad(model, loss_fn)
x, y = mx.random.normal((8, 16)), mx.random.randint(0, 4, (8,))
before = model.encoder.proj.weight
for _ in range(3):
    _, grads = step(model, x, y)
    optimizer.update(model, grads)
    mx.eval(model.parameters(), optimizer.state)
model.training = False
print(mx.argmax(model(x), axis=-1), mx.abs(model.encoder.proj.weight - before).max())
model.freeze()
model.unfreeze(keys=["decoder.bias"])
print([name for name, _ in tree_flatten(model.trainable_parameters())])
