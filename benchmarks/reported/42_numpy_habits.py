import mlx.core as mx
import numpy as np

a = mx.arange(12).reshape(3, 4)
b = a.copy()
b = mx.array(a)
where = mx.nonzero(a > 5)
rows = mx.vstack([a, a])
mean = np.mean(a)
right = np.mean(np.array(a))
points = mx.linspace(0, 1, num=5)
product = mx.dot(points, points)
also = mx.inner(points, points)
positive = mx.where(a > 5)
clipped = mx.clip(a, 2, None)
missing = points == None
print(b.shape, right, also, clipped.max(), rows.shape, np.array(where).shape)
