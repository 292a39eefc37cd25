import mlx.core as mx

x = mx.arange(6).reshape(2, 3)
row = x[0]
row[0] = 100
swapped = x.transpose(0, 1)
turned = x.T
batch = mx.ones((4, 2, 3))
attention = batch @ batch.T
scores = batch @ batch.swapaxes(1, 2)
repeated = x.repeat(2, axis=0)
tiled = mx.tile(x, (2, 1))
expanded = x.expand(4, 2, 3)
wide = mx.broadcast_to(x, (4, 2, 3))
alias = x[:]
padded = mx.pad(x, (0, 1, 0, 0))
print(scores.shape, tiled.shape, wide.shape, turned.shape, mx.pad(x, [(0, 0), (0, 1)]).shape, alias.shape)
print(swapped.shape, attention.shape, repeated.shape, expanded.shape, padded.shape)
