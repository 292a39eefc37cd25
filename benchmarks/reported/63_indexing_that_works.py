import mlx.core as mx

a = mx.arange(12).reshape(3, 4)
print(a[[0, 2]])
print(a[:, [0]].shape)
print(a[mx.array([2, 0]), mx.array([1, 3])])
print(a[..., -1], a[::2], a[None].shape)
a[1] = 0
a[a > 6] = -1
a[:, 0] += 10
last = a[-1]
b = a.at[mx.array([0, 0, 1])].add(1)
kept = mx.where(b > 0, b, 0)
top = mx.take_along_axis(kept, mx.argmax(kept, axis=1, keepdims=True), axis=1)
print(last, kept, top.squeeze(1))
