import mlx.core as mx
import mlx.nn as nn


def sample(logits, temperature=0.8, top_k=5):
    if temperature == 0:
        return mx.argmax(logits, axis=-1)
    logits = logits / temperature
    kth = mx.topk(logits, top_k, axis=-1).min(axis=-1, keepdims=True)
    logits = mx.where(logits < kth, -mx.inf, logits)
    return mx.random.categorical(logits)


vocab = 50
embed = nn.Embedding(vocab, 16)
head = nn.Linear(16, vocab)
ids = mx.array([[1, 2, 3]])
for _ in range(5):
    logits = head(embed(ids))[:, -1, :]
    token = sample(logits)
    ids = mx.cat([ids, token[:, None]], axis=1)
probs = mx.softmax(logits, axis=-1)
drawn = mx.multinomial(probs, 1)
drawn = mx.random.categorical(probs)
ranked = mx.sort(probs, axis=-1, descending=True)
total = mx.cumsum(ranked, axis=-1)
print(ids.tolist(), drawn.item(), f"{total[0, 3].item():.3f}")
print(f"most likely {probs.max():.3f}")
