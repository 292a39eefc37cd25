from collections.abc import Iterator
from pathlib import Path

import pytest

from tenny_lsp.errors import StorageError, TrainingError
from tenny_lsp.learning.callback import TrainingCallback, TrainingFinished
from tenny_lsp.learning.options import Progress, TrainOptions

OPTIONS = TrainOptions(data=Path("rows"), adapter_path=Path("adapter"), steps_per_report=2, steps_per_eval=3)


class Training:
    """A training whose losses are given."""

    def __init__(self, val_losses: list[float], options: TrainOptions = OPTIONS, iters: int = 9) -> None:
        self.reports: list[Progress] = []
        self.saved: list[int] = []
        self.disk_is_full = False
        self._val_losses: Iterator[float] = iter(val_losses)
        validate = self._validate if val_losses else None
        self.callback = TrainingCallback(
            options, iters, validate=validate, save=self._save, on_progress=self.reports.append
        )

    def _validate(self) -> float:
        return next(self._val_losses)

    def _save(self) -> None:
        if self.disk_is_full:
            raise StorageError("The disk is full", "Free some space.")
        self.saved.append(self.callback.iteration)

    def go(self, losses: list[float]) -> None:
        self.callback.begin()
        for iteration, loss in enumerate(losses, 1):
            self.callback.count(100)
            self.callback.on_train_loss_report({"iteration": iteration, "train_loss": loss, "learning_rate": 1e-3})


def test_the_best_is_kept_not_the_last() -> None:
    training = Training([5.0, 3.0, 2.0, 2.5])
    with pytest.raises(TrainingFinished):
        training.go([4.0] * 9)
    assert training.saved == [3, 6]
    assert (training.callback.best_iteration, training.callback.val_loss) == (6, 2.0)
    assert training.callback.start_val_loss == 5.0


def test_a_report_is_the_mean_since_the_last() -> None:
    training = Training([5.0, 3.0, 2.0])
    with pytest.raises(TrainingFinished):
        training.callback.iters = 5
        training.go([4.0, 2.0, 9.0, 1.0, 7.0])
    told = [(report.iteration, report.train_loss, report.val_loss) for report in training.reports]
    assert told == [(0, None, 5.0), (2, 3.0, None), (3, None, 3.0), (4, 5.0, None), (5, 7.0, 2.0)]
    assert [report.trained_tokens for report in training.reports] == [0, 200, 300, 400, 500]


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_ends_it_and_says_what_was_kept(loss: float) -> None:
    training = Training([5.0, 3.0])
    with pytest.raises(TrainingError, match="at iteration 5; the adapter of iteration 3 was kept"):
        training.go([4.0, 4.0, 4.0, 4.0, loss])
    assert training.saved == [3]
    early = Training([5.0])
    with pytest.raises(TrainingError, match="at iteration 1; what the adapter's folder held before was kept"):
        early.go([loss])


def test_what_could_not_be_saved_is_not_the_best() -> None:
    training = Training([5.0, 3.0])
    training.disk_is_full = True
    with pytest.raises(StorageError):
        training.go([4.0] * 3)
    assert (training.callback.best_iteration, training.callback.val_loss) == (None, None)


def test_nothing_is_kept_twice() -> None:
    training = Training([5.0, 3.0])
    training.go([4.0] * 4)
    training.callback.save_unvalidated()
    assert training.saved == [3]
    unvalidated = Training([5.0])
    unvalidated.go([4.0] * 2)
    unvalidated.callback.save_unvalidated()
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
        ("optimizer", "sgd"),
    ],
)
def test_a_senseless_option_is_named(name: str, value: object) -> None:
    options = TrainOptions(data=Path("rows"), adapter_path=Path("adapter"), **{name: value})
    with pytest.raises(TrainingError, match=f"^--{name.replace('_', '-')} is {value}"):
        options.check()


def test_epochs_and_iterations_exclude_each_other() -> None:
    with pytest.raises(TrainingError, match="Both"):
        TrainOptions(data=Path("rows"), adapter_path=Path("adapter"), iters=1, epochs=1).check()
