import mlx.core as mx
import mlx.nn as nn

logits = mx.random.normal((8, 5))
labels = mx.random.randint(0, 5, (8,))
probs = mx.softmax(logits, axis=-1)
loss = nn.losses.cross_entropy(probs, labels, reduction="mean")
nll = nn.losses.nll_loss(probs, labels, reduction="mean")
right = nn.losses.nll_loss(nn.log_softmax(logits, axis=-1), labels, reduction="mean")
smoothed = nn.losses.cross_entropy(logits, labels, label_smoothing=0.1, reduction="mean")
target = mx.softmax(mx.random.normal((8, 5)), axis=-1)
kl = nn.losses.kl_div_loss(mx.log(probs), target, reduction="mean")
kl = nn.losses.kl_div_loss(nn.log_softmax(logits), mx.log(target), reduction="mean")
sampled = mx.random.categorical(logits)
guess = (mx.sigmoid(logits[:, 0]) > 0.5).astype(mx.float32)
binary = nn.losses.binary_cross_entropy(logits[:, 0], guess)
accuracy = (mx.argmax(logits, axis=1) == labels).mean()
print(loss, nll, right, smoothed, kl, sampled, binary, accuracy.item())
