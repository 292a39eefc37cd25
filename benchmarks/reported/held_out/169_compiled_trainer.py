"""Denoising autoencoder with a compiled training step."""

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim


class Autoencoder(nn.Module):
    def __init__(self, dims: int, hidden: int):
        super().__init__()
        self.encode = nn.Linear(dims, hidden)
        self.decode = nn.Linear(hidden, dims)

    def __call__(self, x):
        return self.decode(nn.gelu(self.encode(x)))


def make_corruptor(level: float):
    """Compiled function that adds fresh Gaussian noise to a batch."""

    @mx.compile
    def corrupt(x):
        return x + level * mx.random.normal(x.shape)

    return corrupt


@mx.compile
def clipped_error(target, output, limit):
    """Squared error, or nothing at all where the mean error is beyond limit."""
    error = mx.square(target - output)
    if error.mean() > limit:
        error = mx.zeros_like(error)
    return error.mean()


def make_step(model: Autoencoder, optimizer: optim.Optimizer):
    """Return a compiled function that trains on one pair of batches."""
    mx.eval(model.parameters())

    def loss_fn(noisy, clean):
        return mx.square(model(noisy) - clean).mean()

    loss_and_grad = nn.value_and_grad(model, loss_fn)

    @mx.compile
    def step(noisy, clean):
        loss, grads = loss_and_grad(noisy, clean)
        optimizer.update(model, grads)
        return loss

    return step
