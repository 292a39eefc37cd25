import mlx.core as mx
import mlx.nn as nn
import numpy as np


class Vocoder(nn.Module):
    def __init__(self, dims=64):
        super().__init__()
        self.up = nn.ConvTranspose1d(dims, dims, 4, stride=2, padding=1)
        self.smooth = nn.Conv1d(dims, dims, 3, padding=1)
        self.out = nn.Conv1d(dims, 1, 1)

    def __call__(self, mel):
        x = nn.leaky_relu(self.up(mel), 0.1)
        x = x + nn.silu(self.smooth(x))
        return mx.tanh(self.out(x))


def sanitize(weights):
    result = {}
    for name, value in weights.items():
        value = mx.array(value)
        if name.startswith("up.") and value.ndim == 3:
            value = value.transpose(0, 2, 1)
        elif value.ndim == 3 and value.shape[-1] > 1:
            value = value.transpose(0, 2, 1)
        result[name] = value
    return result


rng = np.random.default_rng(0)
state = {
    "up.weight": rng.normal(0, 0.05, (64, 64, 4)).astype(np.float32),
    "up.bias": np.zeros(64, np.float32),
    "smooth.weight": rng.normal(0, 0.05, (64, 64, 3)).astype(np.float32),
    "smooth.bias": np.zeros(64, np.float32),
    "out.weight": rng.normal(0, 0.05, (1, 64, 1)).astype(np.float32),
    "out.bias": np.zeros(1, np.float32),
}
model = Vocoder()
model.load_weights(list(sanitize(state).items()))
wave = model(mx.random.normal((1, 20, 64), key=mx.random.key(0)))
print(wave.shape)
