import mlx.core as mx
import mlx.nn as nn


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, kernel_size=3, stride=2, padding=1)
        self.head = nn.Linear(32, 10)

    def __call__(self, x):
        x = nn.relu(self.conv1(x))
        x = nn.relu(self.conv2(x))
        return self.head(x.mean(axis=(1, 2)))


encoder = Encoder()
torch_like = mx.random.normal((2, 3, 32, 32))
out = encoder(torch_like)
images = mx.random.normal((2, 32, 32, 3))
flat = nn.Flatten()(images)
print(encoder(images).shape, flat.shape)
print(encoder(torch_like.transpose(0, 2, 3, 1)).shape)
