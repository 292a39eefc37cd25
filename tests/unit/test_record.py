import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tenny_lsp.errors import StorageError, TrainingError
from tenny_lsp.learning.options import Progress, TrainOptions
from tenny_lsp.learning.record import TrainingRecord

OPTIONS = TrainOptions(data=Path("rows"), adapter_path=Path("adapter"), steps_per_report=2, steps_per_eval=3)


class Training:
    """A training whose losses are given."""

    def __init__(self, val_losses: list[float], options: TrainOptions = OPTIONS, iters: int = 9) -> None:
        self.reports: list[Progress] = []
        self.saved: list[int] = []
        self.disk_is_full = False
        self._val_losses: Iterator[float] = iter(val_losses)
        validate = self._validate if val_losses else None
        self.record = TrainingRecord(
            options, iters, validate=validate, save=self._save, on_progress=self.reports.append
        )

    def _validate(self) -> float:
        return next(self._val_losses)

    def _save(self) -> None:
        if self.disk_is_full:
            raise StorageError("The disk is full", "Free some space.")
        self.saved.append(self.record.iteration)

    def go(self, losses: list[float]) -> None:
        self.record.begin()
        for loss in losses:
            self.count(loss)

    def count(self, loss: float) -> None:
        self.record.count(loss if math.isfinite(loss) else None, 100, learning_rate=1e-3, scale=2.0)


def test_the_best_is_kept_not_the_last() -> None:
    training = Training([5.0, 3.0, 2.0, 2.5])
    training.go([4.0] * 9)
    assert training.record.is_finished
    assert training.saved == [3, 6]
    assert (training.record.best_iteration, training.record.val_loss) == (6, 2.0)
    assert training.record.start_val_loss == 5.0


def test_a_report_is_the_mean_since_the_last() -> None:
    training = Training([5.0, 3.0, 2.0])
    training.record.iters = 5
    training.go([4.0, 2.0, 9.0, 1.0, 7.0])
    told = [(report.iteration, report.train_loss, report.val_loss) for report in training.reports]
    assert told == [(0, None, 5.0), (2, 3.0, None), (3, None, 3.0), (4, 5.0, None), (5, 7.0, 2.0)]
    assert [report.trained_tokens for report in training.reports] == [0, 200, 300, 400, 500]


NAN = float("nan")


def test_a_batch_whose_loss_is_no_number_is_left_out() -> None:
    training = Training([5.0, 3.0, 3.0])
    training.go([4.0, NAN, 2.0, NAN, NAN, 6.0])

    assert training.record.skipped == 3
    assert training.record.trained_tokens == 300
    assert [report.train_loss for report in training.reports if report.train_loss] == [4.0, 2.0, 6.0]


def test_three_in_a_row_end_it_and_it_is_said_what_was_kept() -> None:
    training = Training([5.0, 3.0, 4.0])
    with pytest.raises(TrainingError, match="the last at iteration 7; the adapter of iteration 3 was kept"):
        training.go([4.0, 4.0, 4.0, 4.0, NAN, NAN, NAN])
    assert training.saved == [3]
    early = Training([5.0])
    with pytest.raises(TrainingError, match="at iteration 3; what the adapter's folder held before was kept"):
        early.go([NAN] * 3)


def test_a_validation_that_is_no_number_ends_it() -> None:
    training = Training([5.0, NAN])
    with pytest.raises(TrainingError, match="The validation loss is nan at iteration 3"):
        training.go([4.0] * 3)


def test_patience_ends_it_when_no_validation_is_better() -> None:
    options = replace(OPTIONS, patience=2)
    training = Training([5.0, 3.0, 3.1, 2.9, 3.5, 3.4], options, iters=100)
    training.go([4.0] * 15)

    assert (training.record.best_iteration, training.record.iteration) == (9, 15)
    assert training.record.stopped_early and training.record.is_finished


def test_what_could_not_be_saved_is_not_the_best() -> None:
    training = Training([5.0, 3.0])
    training.disk_is_full = True
    with pytest.raises(StorageError):
        training.go([4.0] * 3)
    assert (training.record.best_iteration, training.record.val_loss) == (None, None)


def test_nothing_is_kept_twice() -> None:
    training = Training([5.0, 3.0])
    training.go([4.0] * 4)
    training.record.save_unvalidated()
    assert training.saved == [3]
    unvalidated = Training([5.0])
    unvalidated.go([4.0] * 2)
    unvalidated.record.save_unvalidated()
    assert unvalidated.saved == [2]


def test_iterations_are_given_or_follow_from_the_epochs() -> None:
    common = {"data": Path("rows"), "adapter_path": Path("adapter"), "batch_size": 4}
    assert TrainOptions(**common, iters=7).iterations(100) == 7
    assert TrainOptions(**common, epochs=2).iterations(9) == 6
    assert TrainOptions(**common, epochs=0.01).iterations(9) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("iters", 0),
        ("epochs", -1.0),
        ("batch_size", 0),
        ("learning_rate", float("nan")),
        ("num_layers", 0),
        ("val_batches", -2),
        ("steps_per_eval", 0),
        ("max_seq_length", 4),
        ("dropout", 1.0),
        ("optimizer", "lion"),
        ("train_type", "prefix"),
        ("lr_schedule", "sawtooth"),
        ("scale_schedule", "doubling:2"),
        ("scale_schedule", "halving:0.5"),
        ("weight_decay", -1.0),
        ("warmup", -1),
        ("patience", 0),
        ("save_every", 0),
        ("grad_accumulation_steps", 0),
        ("prompt_format", "xml"),
        ("seed", -1),
        ("seed", 2**70),
    ],
)
def test_a_senseless_option_is_named(name: str, value: object) -> None:
    options = TrainOptions(data=Path("rows"), adapter_path=Path("adapter"), **{name: value})
    with pytest.raises(TrainingError, match=f"--{name.replace('_', '-')} is {value}"):
        options.check()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"iters": 1}, {"epochs": 1}),
        ({"scale": 2.0}, {"alpha": 16.0}),
    ],
)
def test_what_excludes_each_other(one: dict[str, object], other: dict[str, object]) -> None:
    with pytest.raises(TrainingError, match=f"Both --{next(iter(one))} and --{next(iter(other))} are given"):
        TrainOptions(data=Path("rows"), adapter_path=Path("adapter"), **one, **other).check()


def test_alpha_is_scale_times_rank() -> None:
    options = TrainOptions(data=Path("rows"), adapter_path=Path("adapter"), rank=8, alpha=16.0)
    assert options.full_scale == 2.0
    assert replace(options, alpha=None, scale=3.0).full_scale == 3.0
    assert options.hyperparameters()["scale"] == 2.0


def test_the_scale_doubles_each_epoch_until_all_of_it_is_reached() -> None:
    options = TrainOptions(data=Path("rows"), adapter_path=Path("adapter"), scale=4.0, scale_schedule="doubling:0.125")
    assert [options.scale_of(epoch) for epoch in (0, 1, 2, 3, 4, 5000)] == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0]


def test_updates_are_fewer_than_iterations_where_gradients_are_accumulated() -> None:
    options = TrainOptions(data=Path("rows"), adapter_path=Path("adapter"), grad_accumulation_steps=4)
    assert (options.updates(8), options.updates(9)) == (2, 3)
