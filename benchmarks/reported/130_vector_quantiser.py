import mlx.core as mx
import mlx.nn as nn


class Quantiser(nn.Module):
    def __init__(self, codes=16, dims=8):
        super().__init__()
        self.codebook = mx.random.normal((codes, dims))
        self.usage = mx.zeros((codes,))
        self.freeze(keys=["usage"])

    def nearest(self, z):
        distance = (z**2).sum(-1, keepdims=True) - 2 * z @ self.codebook.T + (self.codebook**2).sum(-1)
        return mx.argmin(distance, axis=-1)

    def count(self, codes):
        self.usage.at[codes].add(1.0)

    def __call__(self, z):
        codes = self.nearest(z)
        q = self.codebook[codes]
        commit = ((z - mx.stop_gradient(q)) ** 2).mean()
        embed = ((mx.stop_gradient(z) - q) ** 2).mean()
        return z + (q - z), codes, embed + 0.25 * commit


class AutoEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = nn.Linear(20, 8), nn.Linear(8, 20)
        self.quantiser = Quantiser()


def reconstruction(model, x):
    q, codes, extra = model.quantiser(model.encoder(x))
    return ((model.decoder(q) - x) ** 2).mean() + extra, codes


mx.random.seed(1)
model = AutoEncoder()
x = mx.random.normal((64, 20))
(loss, codes), grads = nn.value_and_grad(model, reconstruction)(model, x)
model.quantiser.count(codes)
print("loss", loss.item(), "used", (model.quantiser.usage > 0).sum().item())
print("per code", mx.zeros(16).at[codes].add(1))
