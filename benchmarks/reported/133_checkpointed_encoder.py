import mlx.core as mx
import mlx.nn as nn


class TextEncoder(nn.Module):
    def __init__(self, vocab=50, dims=32, depth=2):
        super().__init__()
        self.embed = nn.Embedding(vocab, dims)
        self.positions = nn.SinusoidalPositionalEncoding(dims)
        self.blocks = [nn.TransformerEncoderLayer(dims, 4, 2 * dims) for _ in range(depth)]
        self.pool = nn.MultiHeadAttention(dims, 4)
        self.query = mx.zeros((1, 1, dims))

    def __call__(self, tokens):
        x = self.embed(tokens)
        x = x + self.positions(x)
        mask = nn.MultiHeadAttention.create_additive_causal_mask(x.shape[1])
        for block in self.blocks:
            x = mx.checkpoint(block)(x, mask)
        query = mx.repeat(self.query, x.shape[0], axis=0)
        pooled = self.pool(query, x, x)
        return pooled.squeeze(1)


def contrastive(model, left, right):
    a = model(left)
    b = model(right)
    a = a / mx.linalg.norm(a, axis=-1, keepdims=True)
    b = b / mx.linalg.norm(b, axis=-1, keepdims=True)
    logits = 20.0 * a @ b.T
    labels = mx.arange(logits.shape[0])
    return nn.losses.cross_entropy(logits, labels, reduction="mean")


mx.random.seed(0)
model = TextEncoder()
left = mx.random.randint(0, 50, (6, 10))
right = mx.random.randint(0, 50, (6, 10))
loss, grads = nn.value_and_grad(model, contrastive)(model, left, right)
print(loss.item(), mx.abs(grads["embed"]["weight"]).max().item())
