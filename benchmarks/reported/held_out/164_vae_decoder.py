"""Decoder of a small VAE, ported from a PyTorch release."""

import mlx.core as mx
import mlx.nn as nn
import numpy as np


class UpBlock(nn.Module):
    """Group norm, SiLU and a strided transposed convolution."""

    def __init__(self, in_channels: int, out_channels: int, groups: int = 4):
        super().__init__()
        self.norm = nn.GroupNorm(groups, in_channels)
        self.up = nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1)

    def __call__(self, x):
        return self.up(nn.silu(self.norm(x)))


class Decoder(nn.Module):
    """Latents (B, H, W, C) to images (B, 4H, 4W, 3)."""

    def __init__(self, latent: int = 16, width: int = 8):
        super().__init__()
        self.blocks = [UpBlock(latent, width), UpBlock(width, width)]
        self.out = nn.Conv2d(width, 3, 3, padding=1)

    def __call__(self, z):
        for block in self.blocks:
            z = block(z)
        return mx.sigmoid(self.out(z))


def convert(state: dict[str, np.ndarray]) -> list[tuple[str, mx.array]]:
    """Move the kernels of the torch checkpoint to MLX's channels-last layout."""
    weights = []
    for name, value in state.items():
        array = mx.array(value)
        if array.ndim == 4:
            array = array.transpose(0, 2, 3, 1)
        weights.append((name, array))
    return weights


def load_decoder(state: dict[str, np.ndarray]) -> Decoder:
    decoder = Decoder()
    decoder.load_weights(convert(state))
    decoder.eval()
    return decoder
