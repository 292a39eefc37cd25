"""LeNet-style classifier whose weights come from a PyTorch checkpoint."""

import mlx.core as mx
import mlx.nn as nn
import numpy as np


class LeNet(nn.Module):
    """Two convolutions, two pools and a linear head."""

    def __init__(self, channels: int = 3, size: int = 16, classes: int = 10):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 6, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(6, 12, kernel_size=3, padding=1)
        self.pool = nn.MaxPool2d(2, 2)
        self.head = nn.Linear(12 * (size // 4) ** 2, classes)

    def __call__(self, x):
        x = self.pool(nn.relu(self.conv1(x)))
        x = self.pool(nn.relu(self.conv2(x)))
        x = x.reshape(x.shape[0], -1)
        return self.head(x)


def convert_torch_weights(state: dict[str, np.ndarray]) -> list[tuple[str, mx.array]]:
    """Map a torch state dict (as NumPy arrays) to MLX names and layouts."""
    weights = []
    for name, value in state.items():
        array = mx.array(value)
        if array.ndim == 4:
            array = array.transpose(0, 2, 3, 1)
        weights.append((name, array))
    return weights


def load_ported(state: dict[str, np.ndarray]) -> LeNet:
    model = LeNet()
    model.load_weights(convert_torch_weights(state))
    model.eval()
    return model


def predict(model: LeNet, images: np.ndarray) -> list[int]:
    """Class of each image; images is a (N, 3, H, W) float array in [0, 1]."""
    batch = mx.array(images.astype(np.float32))
    logits = model(batch)
    return mx.argmax(logits, axis=-1).tolist()
