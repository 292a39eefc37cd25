import mlx.core as mx

scale = mx.array(1.0)
history = []


@mx.compile
def scaled(x):
    return x * scale


@mx.compile
def scaled_by(x, factor):
    return x * factor


@mx.compile
def logged(x):
    y = mx.exp(-x)
    history.append(y)
    return y.sum()


x = mx.ones((4,))
for value in (1.0, 2.0, 3.0):
    scale = mx.array(value)
    print(scaled(x), scaled_by(x, mx.array(value)), logged(x).item())
