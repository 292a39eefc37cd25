import mlx.core as mx
import mlx.nn as nn


class Block(nn.Module):
    def __init__(self, channels):
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.BatchNorm(channels)

    def __call__(self, x):
        return x + nn.relu(self.norm(self.conv(x)))


class Stem(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(3, channels, 7, stride=2, padding=3)
        self.norm = nn.BatchNorm2d(channels)
        self.pool = nn.MaxPool2d(kernel_size=2, stride=2)

    def __call__(self, x):
        return self.pool(nn.relu(self.norm(self.conv(x))))


net = nn.Sequential(Stem(8), Block(8))
net.freeze()
print(net(mx.random.normal((1, 64, 64, 3))).shape)
