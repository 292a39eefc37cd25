import mlx.core as mx


def top_k_torch_style(logits, k):
    values, indices = mx.topk(logits, k)
    return values, indices


def top_k(logits, k):
    indices = mx.argpartition(-logits, kth=k - 1, axis=-1)[..., :k]
    values = mx.take_along_axis(logits, indices, axis=-1)
    return values, indices


logits = mx.random.normal((2, 50))
values, indices = top_k_torch_style(logits, 5)
print(values.shape, indices.shape)
values, indices = top_k(logits, 5)
best, where = logits.max(axis=-1), logits.argmax(axis=-1)
largest, place = logits.max(-1, True), logits.max(1)
sampled = mx.random.categorical(values, num_samples=3)
