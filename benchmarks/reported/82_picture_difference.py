import mlx.core as mx
import numpy as np


def read_frames(count, height, width):
    rng = np.random.default_rng(7)
    return [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(count)]


def motion(first, second):
    change = mx.abs(first - second)
    return change.mean().item()


def brighten(frame, by):
    return mx.clip(frame + by, 0, 255)


frames = read_frames(4, 24, 32)
batch = mx.array(frames)
print(batch.shape, batch.dtype)

print("motion", motion(batch[0], batch[1]))
print("bright", brighten(batch[0], 40).astype(mx.float32).mean().item())

normal = (batch.astype(mx.float32) / 255 - 0.5) / 0.5
print("range", normal.min().item(), normal.max().item())

grey = normal.mean(axis=-1)
means = grey.mean(axis=(1, 2)).tolist()
spread = np.std(grey)
print("means", means, "spread", float(spread))

keep = np.array([0, 2])
print("kept", grey[keep].shape)
