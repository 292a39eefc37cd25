import time

import mlx.core as mx

a = mx.random.normal((1024, 1024))
b = mx.random.normal((1024, 1024))
mx.eval(a, b)

start = time.perf_counter()
for _ in range(10):
    c = a @ b
elapsed = time.perf_counter() - start
print(f"{elapsed:.6f} s for ten products")

for _ in range(3):
    mx.eval(a @ b)
start = time.perf_counter()
for _ in range(10):
    c = a @ b
    mx.eval(c)
print(f"{time.perf_counter() - start:.6f} s for ten products")
start = time.perf_counter()
outs = [a @ b for _ in range(10)]
mx.eval(outs)
print(time.perf_counter() - start)
