import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim


class Tagger(nn.Module):
    def __init__(self, vocab=40, dims=16, hidden=24, tags=5):
        super().__init__()
        self.embed = nn.Embedding(vocab, dims)
        self.forward_rnn = nn.LSTM(dims, hidden)
        self.backward_rnn = nn.GRU(dims, hidden)
        self.norms = (nn.LayerNorm(hidden), nn.LayerNorm(hidden))
        self.out = nn.Linear(2 * hidden, tags)

    def __call__(self, tokens):
        x = self.embed(tokens)
        left, (state, cell) = self.forward_rnn(x)
        right = self.backward_rnn(x[:, ::-1])[:, ::-1]
        h = mx.concatenate([self.norms[0](left), self.norms[1](right)], axis=-1)
        return self.out(h)


def loss_fn(model, tokens, tags, balance):
    logits = model(tokens)
    keep = tags != -100
    losses = nn.losses.cross_entropy(logits, mx.where(keep, tags, 0), weights=balance)
    return (losses * keep).sum() / keep.sum()


def perplexity(model, tokens, tags):
    return mx.exp(nn.losses.cross_entropy(model(tokens), tags, reduction="mean"))


mx.random.seed(0)
model = Tagger()
optimizer = optim.AdamW(learning_rate=1e-3)
tokens = mx.random.randint(0, 40, (7, 9))
tags = mx.random.randint(0, 5, (7, 9))
tags[:, 7:] = -100
balance = mx.array([0.5, 1.0, 1.0, 2.0, 1.0])
loss, grads = nn.value_and_grad(model, loss_fn)(model, tokens, tags, balance)
optimizer.update(model, grads)
print(loss.item(), perplexity(model, tokens, tags).item())
