import mlx.core as mx
import mlx.nn as nn


class MLP(nn.Module):
    def __init__(self, d_in, d_hidden, d_out):
        super().__init__()
        self.fc1 = nn.Linear(d_in, d_hidden)
        self.fc2 = nn.Linear(d_hidden, d_out)
        self.drop = nn.Dropout(p=0.1)

    def __call__(self, x):
        x = x.view(x.shape[0], -1)
        x = nn.relu(self.fc1(x))
        x = self.drop(x)
        return mx.softmax(self.fc2(x), dim=-1)


model = MLP(28 * 28, 64, 10)
images = mx.random.normal((8, 28, 28))
probs = model(images)
pred = probs.argmax(dim=1)
top = probs.max(axis=1)
squash = nn.Sequential(nn.Linear(10, 10), nn.Softmax(dim=-1))
stack = nn.Sequential([nn.Linear(10, 10), nn.ReLU()])
print(stack(probs).shape)
print(squash(probs).shape, pred.shape, top.shape, probs.sum(axis=-1, keepdims=True).shape)
