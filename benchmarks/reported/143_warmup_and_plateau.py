import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim


class Regressor(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(6, 32), nn.Linear(32, 32)]
        self.out = nn.Linear(32, 1)

    def __call__(self, x):
        for layer in self.layers:
            x = nn.silu(layer(x))
        return self.out(x).squeeze(-1)


def fit(model, x, y, steps=40, patience=5):
    parts = [optim.linear_schedule(1e-4, 1e-2, 10), optim.cosine_decay(1e-2, steps - 10)]
    optimizer = optim.AdamW(learning_rate=optim.join_schedules(parts, [10]))
    step = nn.value_and_grad(model, lambda model, x, y: nn.losses.mse_loss(model(x), y))
    best, waited, rates = float("inf"), 0, []
    for _ in range(steps):
        loss, grads = step(model, x, y)
        optim.clip_grad_norm(grads, max_norm=0.1)
        optimizer.update(model, grads)
        mx.eval(model.parameters(), optimizer.state)
        rates.append(optimizer.learning_rate.item())
        waited = 0 if loss.item() < best else waited + 1
        best = min(best, loss.item())
        if waited > patience:
            optimizer.learning_rate = 0.5 * optimizer.learning_rate
    return best, rates


mx.random.seed(0)
x = mx.random.normal((64, 6))
y = x.sum(axis=1)
model = Regressor()
best, rates = fit(model, x, y)
head = optim.SGD(learning_rate=0.01)
loss, grads = nn.value_and_grad(model.out, lambda out, h: out(h).square().mean())(model.out, mx.ones((4, 32)))
head.apply_gradients(grads, model.out.trainable_parameters())
print(best, rates[-1], model(x).shape)
