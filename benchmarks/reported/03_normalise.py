import mlx.core as mx


def normalise(x, eps=1e-6):
    mean = mx.mean(x, axis=-1, keepdim=True)
    var = x.var(axis=-1, keepdims=True)
    return (x - mean) * mx.rsqrt(var + eps)


def l2(x):
    return x / x.norm(axis=-1, keepdims=True)


features = mx.random.normal((16, 32))
out = normalise(features)
unit = l2(features)
scale = mx.linalg.norm(unit, axis=-1)
limited = out.clamp(-3, 3)
print(scale[:3], mx.clip(out, -3.0, 3.0).max(), limited.shape)
