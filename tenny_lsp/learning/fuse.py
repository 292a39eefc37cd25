"""Fuse an adapter into its base, and prove that the fused model behaves like both together."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import mlx.core as mx
from mlx.utils import tree_unflatten
from mlx_lm.utils import dequantize_model, save

from tenny_lsp.errors import AdapterError
from tenny_lsp.learning.adapter import check_adapter, check_base
from tenny_lsp.learning.folders import check_new, write_folder
from tenny_lsp.learning.lora import apply_adapter, load_unchanged
from tenny_lsp.model.identity import refuse_code

#: Texts that the models are compared on, as code and as questions.
_PROBES = (
    "import mlx.core as mx\nimport mlx.nn as nn\n\nclass MLP(nn.Module):\n    def __init__(self, dims: int):\n",
    "Q: What is mx.softmax in mlx?\nA:",
    "#context\n\n# TODO: refactor this before the demo\n\n#response\n\n",
    "def loss_fn(model, x, y):\n    return nn.losses.cross_entropy(model(x), y).mean()\n",
)
#: So large a share of what the adapter changes may be lost in fusing.
_MOST_LOST = 0.1


@dataclass(frozen=True, slots=True)
class Fused:
    """What fusing kept.

    Args:
        folder (Path): The fused model's folder.
        changed (float): The divergence of adapter from base in nats a token: what the adapter changes.
        lost (float): The divergence of adapter from fused model: what of that is lost.
    """

    folder: Path
    changed: float
    lost: float


def fuse(base: Path, adapter: Path, output: Path, *, keep_quantized: bool = False) -> Fused:
    """Write the base with the adapter's change in its weights.

    Args:
        base (Path): The base's folder.
        adapter (Path): The adapter's folder.
        output (Path): The folder to write; it must not be there.
        keep_quantized (bool): Whether a quantised base is quantised again, which may undo the adapter. Default: it is
            dequantised.

    Raises:
        BaseModelError: The base is incomplete or cannot be loaded.
        AdapterError: The adapter does not fit, or the fused model would lose more than a tenth of its change.
        StorageError: The output is there already, or cannot be written.
    """
    check_base(base)
    refuse_code(base)
    check_adapter(adapter, base)
    check_new(output)
    model, tokenizer, config = load_unchanged(base)
    probes = [mx.array([tokenizer.encode(text)]) for text in _PROBES]
    before = _log_probabilities(model, probes)
    model = apply_adapter(model, adapter)
    adapted = _log_probabilities(model, probes)
    modules = [(name, module) for name, module in model.named_modules() if hasattr(module, "fuse")]
    layers = [(name, module.fuse(dequantize=not keep_quantized)) for name, module in modules]
    model.update_modules(tree_unflatten(layers))
    if not keep_quantized:
        model = dequantize_model(model)
        for key in ("quantization", "quantization_config"):
            config.pop(key, None)
    result = Fused(output, _divergence(adapted, before), _divergence(adapted, _log_probabilities(model, probes)))
    if not math.isfinite(result.changed + result.lost):
        raise AdapterError(f"With the adapter in {adapter} the model's answers are not numbers", "Train it again.")
    if result.lost > _MOST_LOST * result.changed:
        raise AdapterError(
            f"Fused, the model would lose {result.lost / max(result.changed, 1e-9):.0%} of what the adapter changes",
            "Fuse without --keep-quantized, or keep the adapter apart.",
        )
    write_folder(output, lambda folder: save(folder, str(base), model, tokenizer, config, donate_model=False))
    return result


def _log_probabilities(model: Any, probes: list[mx.array]) -> list[mx.array]:
    """Return the model's log-probabilities at every place of every probe, each ``(1, T, V) float32``."""
    model.eval()
    logits = [model(probe).astype(mx.float32) for probe in probes]
    found = [values - mx.logsumexp(values, axis=-1, keepdims=True) for values in logits]
    mx.eval(found)
    return found


def _divergence(one: list[mx.array], other: list[mx.array]) -> float:
    """Return the mean Kullback-Leibler divergence of two models' predictions, in nats a token."""
    pairs = zip(one, other, strict=True)
    values = mx.concatenate([(mx.exp(p) * (p - q)).sum(axis=-1).flatten() for p, q in pairs])
    return cast("float", values.mean().item())
