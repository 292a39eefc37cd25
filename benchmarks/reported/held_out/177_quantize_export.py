"""Quantise a model for export and report the error that it costs."""

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten


class Tagger(nn.Module):
    """Projects 300-dimensional word vectors and tags them."""

    def __init__(self, dims: int = 300, hidden: int = 256, tags: int = 17):
        super().__init__()
        self.project = nn.Linear(dims, hidden)
        self.head = nn.Linear(hidden, tags)

    def __call__(self, x):
        return self.head(nn.relu(self.project(x)))


def quantizable(path: str, module: nn.Module) -> bool:
    """Leave the small output layer in full precision."""
    return isinstance(module, nn.Linear) and not path.endswith("head")


def quantize_tagger(model: Tagger, bits: int = 4) -> Tagger:
    """Quantise the tagger in place."""
    nn.quantize(model, group_size=64, bits=bits, class_predicate=quantizable)
    return model


def round_trip_error(weight: mx.array, bits: int = 8) -> float:
    """Largest change of a weight matrix through quantisation."""
    packed, scales, biases = mx.quantize(weight, group_size=64, bits=bits)
    restored = mx.dequantize(packed, scales, biases, group_size=64)
    return mx.abs(restored - weight).max().item()


def size_in_bytes(model: nn.Module) -> int:
    return sum(value.nbytes for _, value in tree_flatten(model.parameters()))


def export_mlp(dims: int, path: str) -> int:
    """Quantise a fresh MLP, save it and return its size."""
    model = nn.Sequential(nn.Linear(dims, dims), nn.ReLU(), nn.Linear(dims, dims))
    nn.quantize(model, group_size=64, bits=4)
    model.save_weights(path)
    return size_in_bytes(model)
