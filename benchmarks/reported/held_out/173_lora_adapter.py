"""Hand-written LoRA for a small transformer block."""

import math

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten


class LoRALinear(nn.Module):
    """A frozen linear layer with a trainable low-rank update."""

    def __init__(self, linear: nn.Linear, rank: int = 4, alpha: float = 16.0):
        super().__init__()
        out_dims, in_dims = linear.weight.shape
        self.linear = linear
        self.alpha = alpha
        bound = 1.0 / math.sqrt(in_dims)
        self.lora_a = mx.random.uniform(-bound, bound, (in_dims, rank)).astype(linear.weight.dtype)
        self.lora_b = mx.zeros((rank, out_dims), dtype=linear.weight.dtype)

    def __call__(self, x):
        scale = mx.array(self.alpha / self.lora_a.shape[1])
        return self.linear(x) + scale * ((x @ self.lora_a) @ self.lora_b)


class Block(nn.Module):
    def __init__(self, dims: int):
        super().__init__()
        self.norm = nn.RMSNorm(dims)
        self.up = nn.Linear(dims, 4 * dims)
        self.down = nn.Linear(4 * dims, dims)

    def __call__(self, x):
        return x + self.down(nn.silu(self.up(self.norm(x))))


def add_adapters(model: Block, rank: int = 4) -> Block:
    """Freeze the base weights and make only the adapters trainable."""
    model.up = LoRALinear(model.up, rank)
    model.down = LoRALinear(model.down, rank)
    model.freeze()
    return model


def save_adapters(model: Block, path: str):
    mx.save_safetensors(path, dict(tree_flatten(model.trainable_parameters())))


def load_adapters(model: Block, path: str) -> Block:
    """Load the adapters saved by save_adapters into an adapted model."""
    model.load_weights(path)
    return model
