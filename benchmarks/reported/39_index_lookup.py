import mlx.core as mx
import mlx.nn as nn
import numpy as np

embedding = nn.Embedding(100, 16)
ids = mx.array([[1, 5, 99], [3, 2, 0]])
vectors = embedding(ids)
position = mx.array(2)
column = vectors[:, position]
window = vectors[:, position : position + 1]
first = vectors[:, np.int64(0)]
by_take = mx.take(vectors, mx.array([0, 2]), axis=1)
gathered = mx.gather(vectors, 1, ids)
chosen = mx.take_along_axis(vectors, mx.array([0, 2])[:, None, None], axis=1)
beyond = embedding.weight[mx.array([100])]
print(column.shape, window.shape, first.shape, by_take.shape, chosen.shape, beyond.shape)
