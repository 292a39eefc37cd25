import mlx.core as mx

index = mx.array([0, 0, 1, 3, 3, 3])
values = mx.ones((6,))
counts = mx.zeros((5,))
counts[index] += values
right = mx.zeros((5,)).at[index].add(values)
sums = mx.zeros((5,))
sums.at[index].add(values)
largest = mx.zeros((5,)).at[index].maximum(values * 2)
once = mx.zeros((5,)).at[index].set(values)
table = mx.zeros((5, 5))
table[mx.arange(5), mx.array([1, 0, 3, 2, 4])] = 1.0
table[0] = mx.arange(5)
table.scatter_(0, index, values)
print(right, largest, table.sum(), once)
