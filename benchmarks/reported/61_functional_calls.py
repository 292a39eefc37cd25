import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten


class Net(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.fc1 = nn.Linear(28 * 28, hidden)
        self.fc2 = nn.Linear(hidden, 10)
        self.dropout = nn.Dropout(p=0.2)

    def __call__(self, x):
        x = x.reshape(x.shape[0], -1)
        x = self.dropout(nn.functional.relu(self.fc1(x)))
        return nn.log_softmax(self.fc2(x), dim=-1)


net = Net()
net.eval()
images = mx.random.uniform(shape=(4, 28, 28, 1))
scores = net(images)
_, predicted = scores.max(axis=1)
best = scores.max(axis=1)
total = sum(p.numel() for _, p in tree_flatten(net.parameters()))
print(predicted, best, total)
