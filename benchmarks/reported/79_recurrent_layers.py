import mlx.core as mx
import mlx.nn as nn


class Tagger(nn.Module):
    def __init__(self, vocab=30, dims=8, tags=4):
        super().__init__()
        self.embed = nn.Embedding(vocab, dims, padding_idx=0)
        self.gru = nn.GRU(dims, dims, batch_first=True)
        self.lstm = nn.LSTM(dims, dims)
        self.head = nn.Linear(dims, tags)

    def __call__(self, ids):
        x = self.embed(ids)
        x, last = self.gru(x)
        hidden, cell = self.lstm(x)
        return self.head(hidden[..., -1, :])


tagger = Tagger()
ids = mx.random.randint(0, 30, (2, 7))
print(tagger(ids).shape)
one_hot = mx.one_hot(ids, 30)
floats = mx.array([1.0, 4.0, 2.0])
print(one_hot.shape, tagger.embed(floats).shape)
for layer in tagger.children().values():
    print(type(layer).__name__)
