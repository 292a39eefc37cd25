import mlx.core as mx
import mlx.nn as nn


class FusedQKV(nn.Module):
    def __init__(self, dims, q_dims, kv_dims):
        super().__init__()
        self.sizes = [q_dims, kv_dims, kv_dims]
        self.proj = nn.Linear(dims, sum(self.sizes))

    def __call__(self, x):
        q, k, v = mx.split(self.proj(x), [64, 16, 16], axis=-1)
        return q, k, v


class FusedRight(FusedQKV):
    def __call__(self, x):
        q, k, v = mx.split(self.proj(x), [self.sizes[0], self.sizes[0] + self.sizes[1]], axis=-1)
        return q, k, v


print([part.shape for part in FusedRight(32, 64, 16)(mx.ones((2, 32)))])
q, k, v = FusedQKV(32, 64, 16)(mx.ones((2, 32)))
print([part.shape for part in mx.split(mx.ones((1, 96)), 3, axis=-1)])
