import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim


class Tower(nn.Module):
    def __init__(self, width, dims):
        super().__init__()
        self.proj = nn.Linear(width, dims)
        self.temperature = mx.array(2.0)

    def __call__(self, x):
        z = self.proj(x)
        return z / mx.linalg.norm(z, axis=-1, keepdims=True)


def contrast(model, a, b):
    logits = model(a) @ model(b).T * mx.exp(model.temperature)
    labels = mx.arange(logits.shape[0])
    rows = nn.losses.cross_entropy(logits, labels, reduction="mean")
    columns = nn.losses.cross_entropy(logits.T, labels, reduction="mean")
    return (rows + columns) / 2


mx.random.seed(0)
model = Tower(10, 4)
optimizer = optim.Adam(learning_rate=1e-2)
a = mx.random.normal((8, 10))
b = a + 0.1 * mx.random.normal((8, 10))
step = nn.value_and_grad(model, contrast)
for _ in range(5):
    loss, grads = step(a, b)
    optimizer.update(model, grads)
    mx.eval(model.parameters(), optimizer.state)
print("loss", round(loss.item(), 4))
hidden = mx.stack([model(a), model(b)])
similarity = hidden[0] @ hidden[1].T
print("matched", (similarity.argmax(axis=1) == mx.arange(8)).sum().item())
gram = hidden @ hidden.swapaxes(-1, -2)
print(gram.shape)
