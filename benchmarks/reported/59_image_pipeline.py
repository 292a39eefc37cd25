import mlx.core as mx
import mlx.nn as nn
import numpy as np

mean = mx.array([0.485, 0.456, 0.406])
std = mx.array([0.229, 0.224, 0.225])


def preprocess(images):
    x = mx.array(images).astype(mx.float32) / 255.0
    return (x - mean) / std


class Downsample(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, kernel_size=3, stride=2, padding=1)
        self.norm = nn.GroupNorm(4, cout, pytorch_compatible=True)
        self.up = nn.Upsample(scale_factor=2, mode="nearest")

    def __call__(self, x):
        y = nn.silu(self.norm(self.conv(x)))
        return mx.concatenate([self.up(y), x], axis=-1)


images = np.random.randint(0, 256, (2, 16, 16, 3), dtype=np.uint8)
x = preprocess(images)
out = Downsample(3, 8)(x)
flat = out.flatten(1)
per_channel = out.mean(axis=(0, 1, 2))
print(out.shape, flat.shape, per_channel.shape, np.array(out).dtype)
