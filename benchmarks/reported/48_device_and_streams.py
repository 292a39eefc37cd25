import mlx.core as mx

a = mx.random.normal((64, 64))
b = mx.ones((64, 64), device="cpu")
mx.set_default_device("cpu")
mx.set_default_device(mx.cpu)
c = mx.matmul(a, a, stream=mx.cpu)
stream = mx.new_stream(mx.cpu)
with mx.stream(stream):
    d = mx.exp(a).sum()
e = mx.add(a, 1.0, device=mx.cpu)
mx.synchronize(stream)
f = a.cuda()
u, s, vt = mx.linalg.svd(a, stream=mx.cpu)
inverse = mx.linalg.inv(mx.array([[1, 2], [3, 4]]), stream=mx.cpu)
q, r = mx.linalg.qr(a, stream=mx.cpu)
print(c.shape, d.item(), s.max(), mx.allclose(q @ r, a, atol=1e-3), e.shape, b.shape, inverse.shape)
