import mlx.core as mx
import mlx.nn as nn


class ResBlock(nn.Module):
    def __init__(self, channels, groups=8):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, channels, eps=1e-6)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm2 = nn.GroupNorm(groups, channels, eps=1e-6, pytorch_compatible=True)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def __call__(self, x):
        return x + self.conv2(nn.silu(self.norm2(self.conv1(nn.silu(self.norm1(x))))))


class Gate(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.fc = nn.Linear(channels, channels)

    def __call__(self, x):
        pooled = x.mean(axis=(2, 3))
        return x * mx.sigmoid(self.fc(pooled))[:, None, None]


class Decoder(nn.Module):
    def __init__(self, channels=32):
        super().__init__()
        self.block = ResBlock(channels)
        self.gate = Gate(channels)
        self.up = nn.Upsample(scale_factor=2, mode="linear", align_corners=False)
        self.to_rgb = nn.Conv2d(channels, 3, 3, padding=1)

    def load_torch(self, state):
        arrays = [(k, v.transpose(0, 2, 3, 1) if v.ndim == 4 else v) for k, v in state.items()]
        self.load_weights(arrays)

    def __call__(self, latent):
        return mx.clip(self.to_rgb(self.up(self.gate(self.block(latent)))), -1, 1)


decoder = Decoder()
image = decoder(mx.random.normal((2, 32, 32, 32), key=mx.random.key(1)))
print(image.shape)
