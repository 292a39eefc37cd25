import mlx.core as mx


def pairwise(a, b):
    return mx.sum((a - b) ** 2)


def weighted(params, x):
    return (params["w"] * x + params["b"]).sum()


points = mx.random.normal((5, 3))
centre = mx.zeros((3,))
right = mx.vmap(pairwise, in_axes=(0, None))(points, centre)
table = mx.vmap(mx.vmap(pairwise, in_axes=(None, 0)), in_axes=(0, None))(points, points)
d_b = mx.grad(pairwise, argnums=1)(points[0], centre)
d_both = mx.grad(pairwise, argnums=(0, 1))(points[0], centre)
params = {"w": mx.array(2.0), "b": mx.array(0.0)}
d_params = mx.grad(weighted)(params, points)
d_x = mx.grad(weighted, argnums=1)(params, points)
print(right.shape, table.shape, d_b, d_both[0], d_params["w"], d_x.shape)
