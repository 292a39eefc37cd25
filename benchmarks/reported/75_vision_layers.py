import mlx.core as mx
import mlx.nn as nn


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding="same")
        self.norm = nn.BatchNorm(32)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.up = nn.Upsample(scale_factor=2, mode="bilinear")
        self.head = nn.Linear(32, 10)

    def __call__(self, x):
        x = nn.relu(self.conv1(x))
        x = nn.relu(self.norm(self.conv2(x)))
        return self.head(x.mean(axis=(1, 2))), self.up(x)


encoder = Encoder()
scores, wide = encoder(mx.random.normal((2, 3, 16, 16)))
flat = wide.flatten(1)
grey = mx.random.normal((16, 16)).unsqueeze(0)
print(scores.shape, flat.shape, grey.shape)
