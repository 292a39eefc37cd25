import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from mlx.utils import tree_flatten


class Classifier(nn.Module):
    def __init__(self, width, classes):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(8, width), nn.ReLU(), nn.Dropout(0.5), nn.Linear(width, width))
        self.head = nn.Linear(width, classes)

    def __call__(self, x):
        return self.head(nn.relu(self.backbone(x)))


def loss_fn(model, x, y):
    return nn.losses.cross_entropy(model(x), y, reduction="mean")


mx.random.seed(0)
model = Classifier(16, 3)
mx.eval(model.parameters())
nn.init.glorot_uniform()(model.head.weight)
model.backbone.requires_grad = False
print("trained", sum(p.size for _, p in tree_flatten(model.trainable_parameters())))
print("head", round(model.head.weight.abs().sum().item(), 4))

x = mx.random.normal((64, 8))
y = mx.random.randint(0, 3, (64,))
optimizer = optim.AdamW(learning_rate=1e-2, weight_decay=0.01)
step = nn.value_and_grad(model, loss_fn)
for epoch in range(3):
    loss, grads = step(model, x, y)
    optimizer.update(model.parameters(), grads)
    mx.eval(model.parameters(), optimizer.state)
print("loss", round(loss.item(), 4))

model.eval
print("eval", [round(loss_fn(model, x, y).item(), 4) for _ in range(2)])
first = model.backbone[0]
print(first.weight.shape)
