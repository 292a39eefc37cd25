import mlx.core as mx
import mlx.nn as nn


class Scorer(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layers = [nn.Linear(width, width) for _ in range(2)]
        self.scale = mx.array(0.5, dtype=mx.float16)

    def __call__(self, x):
        for layer in self.layers:
            x = x + nn.gelu(layer(x))
        return x * self.scale


def log_score(p):
    return mx.log(p + 1e-8).mean()


def energy(x):
    return (x * x).sum()


mx.random.seed(2)
model = Scorer(32)
model.set_dtype(mx.float16)
x = mx.random.normal((4, 32)).astype(mx.float16)
hidden = model(x)
temperature = mx.array(0.7)
scaled = hidden / temperature
print("dtype", scaled.dtype, hidden.dtype)
probs = mx.softmax(mx.array([[30.0, 0.0, -30.0]], dtype=mx.float16), axis=-1)
print("log", log_score(probs).item())
print("energy", energy(mx.full((600, 600), 1.5, dtype=mx.float16)).item())
if hidden.dtype == "float16":
    print("half precision")
weights = model.layers[0].weight.astype("float32")
print(weights.dtype)
