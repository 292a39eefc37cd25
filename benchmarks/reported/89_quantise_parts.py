import mlx.core as mx
import mlx.nn as nn


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)
        self.norm = nn.RMSNorm(width)

    def __call__(self, x):
        return x + self.down(nn.silu(self.up(self.norm(x))))


def memory(model):
    return model.up.weight.nbytes + model.down.weight.nbytes


mx.random.seed(0)
model = Block(128)
x = mx.random.normal((3, 128))
before = memory(model)
nn.quantize(model, group_size=64, bits=8, class_predicate=lambda m: isinstance(m, nn.Linear))
print("smaller", memory(model) < before, model(x).shape)

hidden = x @ model.up.weight.T
print(hidden.shape)

head = nn.Linear(128, 64, bias=False)
nn.quantize(head, group_size=64, bits=4)
print(type(head).__name__)

table = mx.random.normal((64, 128))
packed, scales = mx.quantize(table, group_size=32, bits=4)
rebuilt = mx.dequantize(*mx.quantize(table, group_size=32, bits=4), group_size=32, bits=4)
print("error", mx.abs(rebuilt - table).max().item() < 0.5)
w_q, s, b = mx.quantize(table, bits=8)
y = mx.quantized_matmul(x, w_q, s, b)
print(y.shape)
