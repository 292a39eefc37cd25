from concurrent.futures import ThreadPoolExecutor

import mlx.core as mx

stream = mx.new_stream(mx.default_device())


def norm(x):
    with mx.stream(stream):
        y = mx.sqrt((x * x).sum())
        mx.eval(y)
    return y


with ThreadPoolExecutor(max_workers=1) as pool:
    x = mx.ones((8, 8))
    mx.eval(x)
    print(pool.submit(norm, x).result())

lazy = mx.ones((4, 4)) * 2


with ThreadPoolExecutor() as pool:
    print(pool.submit(lambda: (lazy + 1).sum().item()).result())
with mx.stream(stream):
    print(mx.ones((4, 4)).sum())
