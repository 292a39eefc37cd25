import mlx.core as mx
import mlx.nn as nn

model = nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8), nn.Linear(8, 2))
model.half()
model.set_dtype(mx.float16)
model = model.to("cpu")
x = mx.random.normal((4, 8)).astype(mx.float16)
x.to(mx.float16)
temperature = mx.array(0.7)
logits = model(x) / temperature
scaled = model(x) / 0.7
mask = mx.zeros((4, 1), dtype=scaled.dtype)
print(logits.dtype, scaled.dtype, (scaled + mask).dtype, model(x).astype(mx.float32).dtype)
