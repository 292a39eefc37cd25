import math

import mlx.core as mx


def attention(q, k, v, mask=None):
    scores = (q @ k.swapaxes(-1, -2)) / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = mx.where(mask, scores, -mx.inf)
    return mx.softmax(scores, axis=-1) @ v


n = 6
q = k = v = mx.random.normal((1, 2, n, 8))
causal = mx.tril(mx.ones((n, n)))
print(attention(q, k, v, causal.astype(mx.bool_)).shape)
out = mx.fast.scaled_dot_product_attention(q, k, v, scale=0.35, mask=causal)
half = mx.fast.scaled_dot_product_attention(q, k, v, scale=0.35, mask="causal")
upper = mx.triu(mx.full((n, n), float("-inf")), k=1)
added = mx.fast.scaled_dot_product_attention(q, k, v, scale=0.35, mask=upper)
fill = mx.triu(mx.ones(n, n), k=1)
scores = q @ k.swapaxes(-1, -2)
scores[..., fill.astype(mx.bool_)] = -1e9
seen = scores[scores > -1e9]
print(out.shape, half.shape, added.shape, seen.sum())
