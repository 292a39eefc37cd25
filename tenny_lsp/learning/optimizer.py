"""Build the optimizer of a training, with its schedule of learning rates."""

from collections.abc import Callable
from typing import Any

import mlx.core as mx
import mlx.optimizers as optim

from tenny_lsp.learning.options import TrainOptions

#: The warm-up's share of all updates, and the learning rate's share that is left at the end.
_WARMUP_SHARE, _LEFT = 1 / 20, 1 / 10


def make_optimizer(options: TrainOptions, iters: int) -> Any:
    """Return the optimizer of a training.

    Args:
        options (TrainOptions): The kind of optimizer and the peak of the learning rate.
        iters (int): Iterations in all; the schedule counts updates, of which there may be fewer.
    """
    rate, betas = learning_rates(options, options.updates(iters)), list(options.betas)
    match options.optimizer:
        case "adamw":
            return optim.AdamW(rate, betas, weight_decay=options.weight_decay, bias_correction=options.bias_correction)
        case "adafactor":
            # Its own scaling of the rate by the weights' size would start an adapter, whose weights are 0, at 0.
            return optim.Adafactor(rate, weight_decay=options.weight_decay, scale_parameter=False, relative_step=False)
        case "sgd":
            return optim.SGD(rate, momentum=options.betas[0], weight_decay=options.weight_decay)
        case "muon":
            return optim.Muon(rate, momentum=options.betas[0], weight_decay=options.weight_decay)
        case _:
            return optim.Adam(rate, betas, bias_correction=options.bias_correction)


def learning_rates(options: TrainOptions, updates: int) -> Callable[[mx.array], mx.array]:
    """Return the learning rate as a function of the update, a scalar array counted from 0: warm-up, then decay."""
    peak = options.learning_rate
    warmup = max(1, int(updates * _WARMUP_SHARE)) if options.warmup is None else options.warmup
    rest = max(1, updates - warmup)
    falling: Callable[[mx.array], mx.array]
    match options.lr_schedule:
        case "cosine":
            falling = optim.cosine_decay(peak, rest, peak * _LEFT)
        case "linear":
            falling = optim.linear_schedule(peak, peak * _LEFT, rest)
        case _:
            falling = lambda update: mx.full(update.shape, peak)  # noqa: E731
    if not warmup:
        return falling
    rising = optim.linear_schedule(peak / (warmup + 1), peak, warmup)
    return optim.join_schedules([rising, falling], [warmup])
