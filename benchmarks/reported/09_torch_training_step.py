import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim

net = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
opt = optim.AdamW(net.parameters(), lr=1e-3)
x = mx.random.normal((32, 4))
y = mx.random.normal((32, 1))


def step():
    loss = ((net(x) - y) ** 2).mean()
    loss.backward()
    opt.step()
    return loss


loss = step()
mx.eval(net.parameters())
print(loss.item())
