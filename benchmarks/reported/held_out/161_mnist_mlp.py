"""Train a small MLP on MNIST-shaped data."""

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np


class MLP(nn.Module):
    def __init__(self, in_dims: int = 784, hidden: int = 128, classes: int = 10):
        super().__init__()
        self.fc1 = nn.Linear(in_dims, hidden)
        self.fc2 = nn.Linear(hidden, classes)

    def __call__(self, x):
        return self.fc2(nn.relu(self.fc1(x)))


def loss_fn(model, x, y):
    return nn.losses.cross_entropy(model(x), y)


def batches(images: np.ndarray, labels: np.ndarray, batch_size: int, rng):
    """Yield shuffled mini-batches as mx arrays."""
    order = rng.permutation(len(images))
    for start in range(0, len(order) - batch_size + 1, batch_size):
        rows = order[start : start + batch_size]
        yield mx.array(images[rows]), mx.array(labels[rows])


def train(images, labels, epochs: int = 2, batch_size: int = 64):
    model = MLP(images.shape[1])
    optimizer = optim.SGD(learning_rate=0.05, momentum=0.9)
    loss_and_grad = nn.value_and_grad(model, loss_fn)
    rng = np.random.default_rng(0)
    losses = []
    for _ in range(epochs):
        for x, y in batches(images, labels, batch_size, rng):
            loss, grads = loss_and_grad(model, x, y)
            optimizer.update(model, grads)
            losses.append(loss)
    return model, [loss.item() for loss in losses]
