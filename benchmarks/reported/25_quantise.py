import mlx.core as mx
import mlx.nn as nn

wide = mx.random.normal((256, 512))
w_q, scales, biases = mx.quantize(wide, group_size=64, bits=4)
narrow = mx.random.normal((256, 100))
n_q, n_scales, n_biases = mx.quantize(narrow, group_size=64, bits=4)
x = mx.random.normal((8, 512))
y = mx.quantized_matmul(x, w_q, scales, biases)
again = mx.dequantize(w_q, scales, biases, group_size=64, bits=4)
same = x @ w_q.T
model = nn.Sequential(nn.Linear(512, 96), nn.ReLU(), nn.Linear(96, 10))
nn.quantize(model, group_size=64, bits=4)
layer = nn.QuantizedLinear.from_linear(nn.Linear(128, 32), group_size=64, bits=8)
print(y.shape, again.shape, layer(mx.ones((1, 128))).shape, same.shape)
