import mlx.core as mx
import mlx.nn as nn


class Gate(nn.Module):
    def __init__(self, dims):
        super().__init__()
        self.proj = nn.Linear(dims, dims)

    def forward(self, x):
        return x * mx.sigmoid(self.proj(x))


class Mixer(nn.Module):
    def __init__(self, dims):
        super().__init__()
        self.a = nn.Linear(dims, dims)
        self.b = nn.Linear(dims, dims)
        self.act = nn.SiLU()

    def __call__(self, x):
        return self.act(self.a(x)) * self.b(x)


x = mx.random.normal((3, 8))
gate = Gate(8)
y = gate(x)
mixer = Mixer(8)
mixer.train()
with mx.no_grad():
    z = mixer(y)
z = z.detach().numpy()
print(mx.stop_gradient(mixer(x)).shape, mixer.training, z.shape)
