import mlx.core as mx
import mlx.nn as nn

B, H, L, D = 1, 4, 16, 32
q = mx.random.normal((B, H, L, D)).astype(mx.float16)
k = mx.random.normal((B, H, L, D)).astype(mx.float16)
v = mx.random.normal((B, H, L, D)).astype(mx.float16)
mask = nn.MultiHeadAttention.create_additive_causal_mask(L)
out = mx.fast.scaled_dot_product_attention(q, k, v, scale=D**-0.5, mask=mask)
out = mx.fast.scaled_dot_product_attention(q, k, v)
out = mx.fast.scaled_dot_product_attention(q, k, v, scale=D**-0.5, attn_mask=mask)
right = mx.fast.scaled_dot_product_attention(q, k, v, scale=D**-0.5, mask="causal")
also = mx.fast.scaled_dot_product_attention(q, k, v, scale=D**-0.5, mask=mask.astype(q.dtype))
print(mx.allclose(right, also, atol=1e-2))
