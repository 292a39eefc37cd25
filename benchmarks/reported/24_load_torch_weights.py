import mlx.core as mx
import mlx.nn as nn
import numpy as np


def sanitize(weights):
    out = {}
    for name, w in weights.items():
        if "conv" in name and w.ndim == 4:
            w = w.transpose(0, 2, 3, 1)
        out[name] = mx.array(w)
    return out


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 5)
        self.fc = nn.Linear(8, 2)


checkpoint = {
    "conv.weight": np.zeros((8, 3, 5, 5), np.float32),
    "conv.bias": np.zeros(8, np.float32),
    "fc.weight": np.zeros((2, 8), np.float32),
    "fc.bias": np.zeros(2, np.float32),
}
net = Net()
net.load_weights(list(sanitize(checkpoint).items()))
print(net.conv.weight.shape)
