"""Fit a regressor with gradient clipping and a learning-rate schedule."""

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim


class Regressor(nn.Module):
    def __init__(self, dims: int):
        super().__init__()
        self.hidden = nn.Linear(dims, 32)
        self.out = nn.Linear(32, 1)

    def __call__(self, x):
        return self.out(mx.tanh(self.hidden(x))).squeeze(-1)


def loss_fn(model, x, y):
    return nn.losses.mse_loss(model(x), y)


def build_optimizer(epochs: int, steps_per_epoch: int, peak: float = 1e-2):
    """SGD whose rate falls along a cosine over the whole run."""
    schedule = optim.cosine_decay(peak, epochs)
    return optim.SGD(learning_rate=schedule, momentum=0.9)


def build_reference_optimizer(rate: float = 1e-3):
    """The Adam of the published PyTorch recipe, step for step."""
    return optim.Adam(learning_rate=rate, betas=(0.9, 0.999), eps=1e-8)


def train_step(model, optimizer, loss_and_grad, x, y, max_norm: float = 1.0):
    """One clipped update; returns the loss."""
    loss, grads = loss_and_grad(model, x, y)
    optim.clip_grad_norm(grads, max_norm)
    optimizer.update(model, grads)
    mx.eval(model.parameters(), optimizer.state, loss)
    return loss


def fit(x: mx.array, y: mx.array, epochs: int = 5, batch_size: int = 32):
    model = Regressor(x.shape[1])
    steps = x.shape[0] // batch_size
    optimizer = build_optimizer(epochs, steps)
    loss_and_grad = nn.value_and_grad(model, loss_fn)
    for _ in range(epochs):
        order = mx.random.permutation(x.shape[0])
        for start in range(0, steps * batch_size, batch_size):
            rows = order[start : start + batch_size]
            train_step(model, optimizer, loss_and_grad, x[rows], y[rows])
    return model
