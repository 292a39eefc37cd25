import mlx.core as mx
import numpy as np

a = mx.zeros((3, 4), dtype="float32")
b = mx.array([1, 2, 3]).astype(np.float16)
c = mx.array([1.5, 2.5]).float()
d = mx.array(np.arange(6).reshape(2, 3), dtype=mx.int32)
e = mx.ones(3, 4)
half = mx.ones((2, 2), mx.bfloat16)
as_numpy = np.array(half)
right = np.array(half.astype(mx.float32))
ids = mx.array([1, 2]) @ mx.array([3, 4])
print(a.shape, b.dtype, c.dtype, d.sum(), e.shape, right.dtype, (ids * half).dtype)
