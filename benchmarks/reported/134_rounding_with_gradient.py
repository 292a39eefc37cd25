import mlx.core as mx


@mx.custom_function
def fake_quant(w, scale):
    return mx.round(w / scale) * scale


@fake_quant.vjp
def fake_quant_vjp(primals, cotangent):
    w, scale = primals
    inside = mx.abs(w / scale) <= 7
    return cotangent * inside, (cotangent * (mx.round(w / scale) - w / scale)).sum()


def objective(w, scale, x, y):
    prediction = x @ fake_quant(mx.clip(w, -7 * scale, 7 * scale), scale)
    error = prediction - y
    return [(error**2).mean(), mx.abs(error).max()]


def penalty(scale):
    return (scale - 0.1) ** 2


mx.random.seed(0)
w = mx.random.normal((6, 1))
x = mx.random.normal((32, 6))
y = x @ mx.random.normal((6, 1))
scale = mx.array(0.2)
step = mx.value_and_grad(objective, argnums=(0, 1))
for _ in range(20):
    (loss, worst), (dw, dscale) = step(w, scale, x, y)
    w = w - 0.05 * dw
    scale = scale - 0.00001 * dscale
    mx.eval(w, scale)
start = mx.grad(penalty)(0.2)
print(loss.item(), worst.item(), start.item(), scale.item())
