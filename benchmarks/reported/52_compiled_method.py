import mlx.core as mx
import mlx.nn as nn


class Sampler:
    def __init__(self, temperature):
        self.temperature = temperature
        self.sample = mx.compile(self._sample)

    def _sample(self, logits):
        return mx.softmax(logits / self.temperature, axis=-1)

    @mx.compile
    def scores(self, logits):
        return mx.log(mx.softmax(logits, axis=-1))


@mx.compile
def forward(model, x):
    return model(x)


x = mx.random.normal((2, 5))
sampler = Sampler(0.5)
print(sampler.sample(x).shape)
print(sampler.scores(x).shape)
net = nn.Linear(5, 2)
print(forward(net, x).shape)
predict = mx.compile(lambda v: net(v))
print(predict(x).shape)
