import mlx.core as mx
import mlx.nn as nn


class TinyLM(nn.Module):
    def __init__(self, vocab=128, dims=64):
        super().__init__()
        self.embed = nn.Embedding(vocab, dims)
        self.norm = nn.LayerNorm(dims)
        self.up = nn.Linear(dims, 4 * dims)
        self.down = nn.Linear(4 * dims, dims)

    def __call__(self, tokens):
        x = self.embed(tokens)
        x = x + self.down(nn.gelu(self.up(self.norm(x))))
        return x @ self.embed.weight.T


def worth_quantising(path, module):
    return "down" not in path and hasattr(module, "to_quantized")


def error(weight, bits):
    packed = mx.quantize(weight, group_size=64, bits=bits)
    restored = mx.dequantize(*packed, group_size=64, bits=bits)
    return mx.abs(restored - weight).max()


mx.random.seed(0)
model = TinyLM()
print({bits: error(model.up.weight, bits).item() for bits in (4, 8)})
nn.quantize(model, group_size=64, bits=4, class_predicate=worth_quantising)
model.apply(lambda p: p.astype(mx.bfloat16))
tokens = mx.random.randint(0, 128, (2, 12))
logits = model(tokens)
mx.eval(logits)
print(logits.shape, mx.argmax(logits[:, -1], axis=-1).tolist())
