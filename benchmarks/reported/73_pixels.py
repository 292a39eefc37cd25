import mlx.core as mx
import numpy as np

raw = np.random.randint(0, 256, (4, 8, 8, 3), dtype=np.uint8)
images = mx.array(raw)
centred = (images - 128) / 128
scaled = images / 255
mean = images.mean(axis=(0, 1, 2))
difference = mx.abs(images[1:] - images[:-1])
counts = mx.array([3, 1, 2])
total = counts.sum()
counts = counts / total
weights = mx.array([1, 2, 3, 4])
weights @ mx.array([1, 0, 1, 0])
norm = mx.linalg.norm(weights.astype(mx.float32))
images.float().mean()
print(centred.min(), scaled.max(), mean, difference.max(), counts, norm)
