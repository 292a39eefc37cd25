import mlx.core as mx
import mlx.nn as nn


class StrokeModel(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.embed = nn.Linear(3, hidden)
        self.rnn = nn.LSTM(hidden, hidden)
        self.head = nn.Linear(hidden, 3)

    def __call__(self, strokes):
        x = nn.silu(self.embed(strokes))
        out, (h, c) = self.rnn(x)
        return self.head(out)

    def last(self, strokes):
        hidden, cell = self.rnn(nn.silu(self.embed(strokes)))
        return self.head(hidden[-1])


class Encoder(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.gru = nn.GRU(input_size=width, hidden_size=width, bias=True)
        self.norm = nn.LayerNorm(width)

    def __call__(self, x, state=None):
        y, state = self.gru(x, hidden=state)
        return self.norm(y)


mx.random.seed(1)
strokes = mx.random.normal((5, 12, 3))
model = StrokeModel(16)
print(model(strokes).shape)
print("last", model.last(strokes).shape)
encoder = Encoder(16)
codes = encoder(model.embed(strokes))
print(codes.shape)
deep = nn.LSTM(16, 16)
print(deep(codes)[0].shape)
