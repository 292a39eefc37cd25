import mlx.core as mx
import mlx.nn as nn


class TextEncoder(nn.Module):
    def __init__(self, vocabulary, dims, heads, layers):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, dims)
        self.positions = nn.SinusoidalPositionalEncoding(dims)
        self.encoder = nn.TransformerEncoder(layers, dims, heads)
        self.norm = nn.LayerNorm(dims)

    def __call__(self, ids):
        x = self.tokens(ids)
        x = x + self.positions(x)
        mask = mx.where(ids == 0, float("-inf"), 0.0)[:, None, None, :]
        return self.norm(self.encoder(x, mask))

    def pooled(self, ids):
        keep = (ids != 0)[..., None]
        return (self(ids) * keep).sum(axis=1) / keep.sum(axis=1)


mx.random.seed(0)
model = TextEncoder(40, 16, 4, 2)
ids = mx.array([[3, 9, 12, 0, 0], [7, 1, 2, 30, 11]])
vectors = model.pooled(ids)
print(vectors.shape)
similar = mx.take(vectors @ vectors.T, mx.array([0]))
print(similar.shape)
