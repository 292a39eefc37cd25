"""Augmentation helpers for HWC uint8 images."""

import mlx.core as mx
import numpy as np


def adjust_brightness(image: mx.array, factor: float) -> mx.array:
    """Scale the intensities of a uint8 image and return a uint8 image."""
    scaled = image.astype(mx.float32) * factor
    return scaled.astype(mx.uint8)


def frame_difference(previous: mx.array, current: mx.array) -> mx.array:
    """Mean absolute change between two uint8 frames."""
    return mx.abs(current - previous).astype(mx.float32).mean()


def random_shift(image: mx.array, margin: int, rng: np.random.Generator) -> mx.array:
    """Pad the image by a margin and crop it back at a random offset."""
    height, width, channels = image.shape
    padded = mx.pad(image, (margin, margin))
    top = int(rng.integers(0, 2 * margin + 1))
    left = int(rng.integers(0, 2 * margin + 1))
    return padded[top : top + height, left : left + width]


def coordinate_planes(height: int, width: int) -> mx.array:
    """Row and column coordinates in [-1, 1], shape (height, width, 2)."""
    rows = mx.linspace(-1.0, 1.0, height)
    cols = mx.linspace(-1.0, 1.0, width)
    yy, xx = mx.meshgrid(rows, cols)
    return mx.stack([yy, xx], axis=-1)


def with_coordinates(image: mx.array) -> mx.array:
    """Append the two coordinate planes to a square image as channels."""
    planes = coordinate_planes(image.shape[0], image.shape[1])
    return mx.concatenate([image.astype(mx.float32) / 255.0, planes], axis=-1)
