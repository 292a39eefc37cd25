import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim


def make_schedule(peak, warmup, total):
    rise = optim.linear_schedule(0.0, peak, warmup)
    fall = optim.cosine_decay(peak, total - warmup, end=peak / 10)
    return optim.join_schedules([rise, fall], [warmup, total])


class Regressor(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(5, 20), nn.Linear(20, 1)]

    def __call__(self, x):
        return self.layers[1](mx.tanh(self.layers[0](x)))


def loss_fn(model, x, y):
    return nn.losses.mse_loss(model(x), y)


mx.random.seed(0)
x = mx.random.normal((50, 5))
y = x[:, :1] * 2 - x[:, 1:2]
model = Regressor()
optimizer = optim.AdamW(learning_rate=make_schedule(0.02, 10, 60), weight_decay=1e-4)
step = nn.value_and_grad(model, loss_fn)
for _ in range(60):
    loss, grads = step(model, x, y)
    grads, norm = optim.clip_grad_norm(grads, 1.0)
    optimizer.apply_gradients(grads, model)
    mx.eval(model.parameters(), optimizer.state)
print("rate", round(optimizer.learning_rate.item(), 4))
print("learnt", loss.item() < 0.5)
