"""Save and restore training runs."""

from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from mlx.utils import tree_flatten


def save_model(model: nn.Module, folder: Path):
    """Write all parameters to model.safetensors."""
    mx.save_safetensors(str(folder / "model.safetensors"), model.parameters())


def save_optimizer(optimizer: optim.Optimizer, folder: Path, step: int, loss: float):
    """Write the optimizer state with the step and the loss as metadata."""
    flat = dict(tree_flatten(optimizer.state))
    metadata = {"step": step, "loss": loss}
    mx.save_safetensors(str(folder / "optimizer.safetensors"), flat, metadata)


def load_model(model: nn.Module, folder: Path) -> nn.Module:
    model.load_weights(str(folder / "model.safetensors"))
    return model


def load_optimizer(optimizer: optim.Optimizer, folder: Path) -> int:
    """Restore the optimizer state and return the step that it was saved at."""
    flat, metadata = mx.load(
        str(folder / "optimizer.safetensors"), return_metadata=True
    )
    optimizer.state = flat
    return int(metadata["step"])


def resume(model: nn.Module, optimizer: optim.Optimizer, folder: Path) -> int:
    """Restore model and optimizer, or start at step 0 in an empty folder."""
    if not (folder / "optimizer.safetensors").exists():
        return 0
    load_model(model, folder)
    optimizer.init(model.trainable_parameters())
    return load_optimizer(optimizer, folder)
