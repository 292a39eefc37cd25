import mlx.core as mx
import mlx.nn as nn

logits = mx.random.normal((8, 5))
targets = mx.random.randint(0, 5, (8,))
criterion = nn.CrossEntropyLoss()
loss = nn.losses.cross_entropy(logits, targets, ignore_index=-100)
loss = nn.losses.cross_entropy(logits, targets, reduction="mean")
smooth = nn.losses.cross_entropy(logits, targets, label_smoothing=0.1, reduction="mean")
probs = mx.sigmoid(logits[:, 0])
binary = nn.losses.binary_cross_entropy(probs, (targets > 2).astype(mx.float32))
right = nn.losses.binary_cross_entropy(probs, (targets > 2).astype(mx.float32), with_logits=False)
values = mx.random.normal((8, 1))
mse = nn.losses.mse_loss(values, targets.astype(mx.float32))
huber = nn.losses.huber_loss(values[:, 0], targets.astype(mx.float32), reduction="mean")
print(loss, smooth, binary, right, mse, huber)
