"""A training's options, without a training."""

from pathlib import Path
from typing import Any

import pytest

from tenny_lsp.learning.options import TrainOptions

OPTIONS: dict[str, Any] = {"data": Path("dataset"), "adapter_path": Path("adapter")}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"train_type": "full", "rank": 8}, "--rank has no effect with --train-type full"),
        ({"train_type": "full", "alpha": 32.0}, "--alpha has no effect with --train-type full"),
        ({"weight_decay": 0.1}, "--weight-decay has no effect with --optimizer adam"),
        ({"optimizer": "adafactor", "betas": (0.8, 0.9)}, "--betas has no effect with --optimizer adafactor"),
        ({"optimizer": "sgd", "bias_correction": True}, "--bias-correction has no effect with --optimizer sgd"),
        ({"patience": 3}, "--patience has no effect with no rows to validate on"),
        ({"warmup": 100}, "--warmup is 100 of 100 updates: the learning rate does not reach its peak"),
    ],
)
def test_options_that_change_nothing_are_named(given: dict[str, Any], said: str) -> None:
    assert TrainOptions(**OPTIONS, **given).without_effect(100, has_validation=False) == [said]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"rank": 8, "alpha": 32.0, "warmup": 99},
        {"train_type": "full", "num_layers": 4, "optimizer": "adamw", "weight_decay": 0.1},
        {"patience": 3, "optimizer": "adafactor", "weight_decay": 0.1},
        {"optimizer": "sgd", "betas": (0.0, 0.9)},
    ],
)
def test_nothing_is_said_of_options_that_count(given: dict[str, Any]) -> None:
    assert TrainOptions(**OPTIONS, **given).without_effect(100, has_validation=True) == []
