import mlx.core as mx


def top_p(logits, p=0.9, temperature=0.7):
    probs = mx.softmax(logits / temperature, axis=-1)
    order = mx.argsort(probs, axis=-1, descending=True)
    ranked = mx.take_along_axis(probs, order, axis=-1)
    before = mx.cumsum(ranked, axis=-1) - ranked
    kept = mx.where(before < p, ranked, 0.0)
    choice = mx.random.categorical(kept)
    return mx.take_along_axis(order, choice[..., None], axis=-1)


def greedy(logits):
    return mx.argmax(logits, axis=-1)


logits = mx.array([[9.0, 1.0, 0.5, 0.1]])
print(top_p(logits), greedy(logits))
