"""Small signal operators, compiled for repeated use."""

import math
from functools import partial

import mlx.core as mx


class GainControl:
    """Soft limiter whose drive can be turned while it runs."""

    def __init__(self, drive: float = 1.0):
        self.drive = drive
        self._process = mx.compile(self._limit)

    def _limit(self, x):
        return mx.tanh(self.drive * x) / mx.tanh(self.drive * mx.array(1.0))

    def __call__(self, x):
        return self._process(x)

    def set_drive(self, drive: float):
        self.drive = drive


@partial(mx.compile, shapeless=True)
def mean_power(signal):
    """Mean power of a signal of any length, in decibels."""
    power = mx.square(signal).sum() / signal.shape[-1]
    return 10.0 * mx.log10(power + 1e-12)


def _smooth(x, weight):
    """Repeated exponential smoothing along the last axis."""
    for _ in range(24):
        x = weight * x + (1.0 - weight) * mx.roll(x, 1, axis=-1)
    return x


def smooth_frames(frames: list[mx.array], weight: mx.array) -> list[mx.array]:
    """Smooth each frame of a recording."""
    out = []
    for frame in frames:
        smooth = mx.compile(lambda x, w: _smooth(x, w))
        out.append(smooth(frame, weight))
    mx.eval(out)
    return out


@mx.compile
def crossfade(first, second, position):
    """Equal-power blend of two signals; position runs from 0 to 1."""
    angle = position * (0.5 * math.pi)
    return mx.tanh(first * mx.cos(angle) + second * mx.sin(angle))


def fade(first: mx.array, second: mx.array, steps: int) -> mx.array:
    """The successive blends of a fade, shape (steps, samples)."""
    blends = [crossfade(first, second, step / steps) for step in range(steps)]
    return mx.stack(blends)
