import mlx.core as mx
import mlx.nn as nn

model = nn.Sequential(nn.Linear(128, 256), nn.GELU(), nn.Linear(256, 64))
nn.QuantizedLinear.quantize_module(model, 64, 4)
print(model(mx.ones((2, 128))).shape)

weight = mx.random.normal((32, 128))
packed, scales, biases = mx.quantize(weight, group_size=64, bits=4)
restored = mx.dequantize(packed, scales, biases, group_size=64, bits=8)
x = mx.random.normal((3, 128))
y = mx.quantized_matmul(x, packed, scales, biases, group_size=64, bits=4)
z = mx.quantized_matmul(x, packed, scales, biases, transpose=False, group_size=64, bits=4)
wide = nn.QuantizedLinear(4304, 64, group_size=64)
few = nn.QuantizedLinear(4304, 64, bits=4, group_size=16, mode="nvfp4")
print(restored.shape, y.shape, z.shape, wide.bits, few.bits)
