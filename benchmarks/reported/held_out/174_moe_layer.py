"""Mixture-of-experts feed-forward layer for a small language model."""

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten


class Expert(nn.Module):
    def __init__(self, dims: int, hidden: int):
        super().__init__()
        self.up = nn.Linear(dims, hidden)
        self.down = nn.Linear(hidden, dims)

    def __call__(self, x):
        return self.down(nn.silu(self.up(x)))


class Router(nn.Module):
    """Gate that scores the experts for each token."""

    def __init__(self, dims: int, experts: int):
        super().__init__()
        self._gate = nn.Linear(dims, experts, bias=False)

    def __call__(self, x):
        return mx.softmax(self._gate(x), axis=-1)


class MoE(nn.Module):
    """Dense mixture: every expert sees every token."""

    def __init__(self, dims: int, hidden: int, experts: int = 4):
        super().__init__()
        self.router = Router(dims, experts)
        self.experts = tuple(Expert(dims, hidden) for _ in range(experts))

    def __call__(self, x):
        weights = self.router(x)
        outputs = mx.stack([expert(x) for expert in self.experts], axis=-1)
        return (outputs * weights[..., None, :]).sum(axis=-1)


class SinusoidalPositions(nn.Module):
    """Adds fixed sine and cosine position codes."""

    def __init__(self, dims: int, max_len: int = 512):
        super().__init__()
        rates = mx.exp(-mx.arange(0, dims, 2) * (9.21034 / dims))
        angles = mx.arange(max_len)[:, None] * rates[None, :]
        self.table = mx.concatenate([mx.sin(angles), mx.cos(angles)], axis=-1)

    def __call__(self, x):
        return x + self.table[: x.shape[1]]


def count_parameters(module: nn.Module) -> int:
    return sum(value.size for _, value in tree_flatten(module.trainable_parameters()))
