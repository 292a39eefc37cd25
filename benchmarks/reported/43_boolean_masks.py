import mlx.core as mx

x = mx.random.normal((6, 3))
keep = mx.any(x > 0, axis=1)
rows = x[keep]
positive = x[x > 0].mean()
x[x < -1] = -1.0
x[mx.isnan(x)] = 0
valid = mx.array([True, True, False, True, False, True])
last = x[valid & keep, 0]
lengths = mx.array([2, 3, 1])
padding = mx.arange(4)[None] < lengths[:, None]
tokens = mx.arange(12).reshape(3, 4)
flat = tokens[padding]
masked = mx.where(padding, tokens, 0)
weights = padding.astype(mx.float32)
mean = (tokens * weights).sum(axis=1) / weights.sum(axis=1)
index = mx.array([i for i, flag in enumerate(valid.tolist()) if flag])
print(x[index].shape, masked.sum(), mean, flat.shape, rows.shape, last.shape, positive.shape)
