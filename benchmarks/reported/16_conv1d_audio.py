import mlx.core as mx
import mlx.nn as nn

conv = nn.Conv1d(80, 256, 3, padding=1)
mel = mx.random.normal((1, 80, 300))
hidden = conv(mel)
frames = conv(mel.swapaxes(1, 2))
pooled = nn.MaxPool1d(2)(frames)

torch_weight = mx.random.normal((256, 80, 3))
conv.weight = torch_weight
again = conv(mel.transpose(0, 2, 1))
kernel = mx.random.normal((4, 5, 80))
print(frames.shape, pooled.shape, again.shape, mx.conv1d(mel.transpose(0, 2, 1), kernel).shape)
