import mlx.core as mx
import mlx.nn as nn


class Reader(nn.Module):
    def __init__(self, vocab=50, dims=32):
        super().__init__()
        self.embed = nn.Embedding(vocab, dims)
        self.rnn = nn.LSTM(dims, dims, num_layers=2)
        self.head = nn.Linear(dims, vocab)

    def __call__(self, ids):
        out, (h, c) = self.rnn(self.embed(ids))
        return self.head(out), h


model = Reader()
ids = mx.random.randint(0, 50, (2, 12))
logits, hidden = model(ids)
lengths = mx.array([12, 7])
loss = nn.losses.cross_entropy(logits.reshape(-1, 50), ids, reduction="mean")
mask = mx.arange(11)[None] < (lengths - 1)[:, None]
ce = nn.losses.cross_entropy(logits[:, :-1], ids[:, 1:]) * mask
loss = ce.sum() / mask.sum()
print(loss, hidden.shape)
