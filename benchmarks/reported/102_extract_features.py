import mlx.core as mx
import mlx.nn as nn


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, kernel_size=3, stride=1, padding=1)
        self.conv2 = nn.Conv2d(16, 16, kernel_size=3, stride=2, padding=1)
        self.out = nn.Linear(16, 8)

    def __call__(self, x):
        x = nn.relu(self.conv1(x))
        x = nn.relu(self.conv2(x))
        return self.out(x.mean(axis=(1, 2)))


def load_batch(seed, size=8):
    return mx.random.uniform(shape=(size, 64, 64, 3), key=mx.random.key(seed))


mx.random.seed(0)
model = Encoder()
mx.eval(model.parameters())
model.eval()
bank, peaks = [], mx.zeros((8,))
for i in range(24):
    features = model(load_batch(i))
    peaks = mx.maximum(peaks, features.max(axis=0))
    bank.append(features)
bank = mx.concatenate(bank)
mx.eval(bank, peaks)
print(bank.shape, mx.get_peak_memory() // 1_000_000)

normed = bank / mx.linalg.norm(bank, axis=1, keepdims=True)
scores = normed @ normed.T
best = mx.topk(scores, 3, axis=-1).max(axis=-1)
print("itself", bool(mx.allclose(best, mx.ones(bank.shape[0]), atol=1e-3)))
