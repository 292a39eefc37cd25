import mlx.core as mx
import numpy as np

tokens = mx.arange(40).reshape(4, 10)
lengths = np.array([3, 7, 10, 5])
for row, length in enumerate(lengths):
    part = tokens[row, :length]
    print(part.sum())
for row, length in enumerate(lengths.tolist()):
    print(tokens[row, :length].sum())

longest = np.argmax(lengths)
print(tokens[longest])
order = mx.argsort(mx.array(-lengths))
print(tokens[order].shape)
first = order[0]
print(tokens[first].shape, tokens[0:2].shape)
print(tokens[1, first : first + 2])
