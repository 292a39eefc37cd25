import mlx.core as mx
import mlx.nn as nn


class Tiny(nn.Module):
    def __init__(self, vocab=320, dims=128):
        super().__init__()
        self.embed = nn.Embedding(vocab, dims)
        self.up = nn.Linear(dims, 4 * dims, bias=False)
        self.down = nn.Linear(4 * dims, dims, bias=False)
        self.gate = nn.Linear(dims, 5)

    def __call__(self, ids):
        h = self.embed(ids)
        h = h + self.down(nn.silu(self.up(h)))
        return self.embed.as_linear(h), mx.softmax(self.gate(h), axis=-1)


def predicate(path, module):
    return hasattr(module, "to_quantized") and not path.endswith("gate")


model = Tiny()
nn.quantize(model, group_size=64, bits=4, class_predicate=predicate)
logits, gates = model(mx.array([[1, 2, 3]]))
mx.eval(logits, gates)
print(logits.shape, gates.sum(axis=-1))
