import mlx.core as mx
import numpy as np


def total_distance(points, centre):
    return mx.linalg.norm(points - centre, axis=-1).sum()


def root_loss(x):
    return mx.where(x > 0, mx.sqrt(x), 0.0).sum()


def spectrum_loss(signal, target):
    power = mx.array(np.abs(np.fft.rfft(np.array(signal))) ** 2)
    return ((power - target) ** 2).mean()


centre = mx.array([0.5, 0.5])
points = mx.array([[0.5, 0.5], [1.0, 2.0]])
print("centre", mx.grad(total_distance, argnums=1)(points, centre).tolist())
print("root", mx.grad(root_loss)(mx.array([0.0, 4.0])).tolist())

signal = mx.sin(mx.arange(16) * 0.7)
loss, grad = mx.value_and_grad(spectrum_loss)(signal, mx.ones(9))
print("spectrum", round(loss.item(), 3), round(mx.abs(grad).sum().item(), 3))

counts = mx.array([2, 3, 7])
slope = mx.grad(lambda c: (c / c.sum() * mx.array([1.0, 2.0, 4.0])).sum())(counts)
print("slope", slope.tolist())
tangent = mx.grad(lambda t: t**3)(mx.array(2.0))
print(float(tangent))
