"""What a training reports to TensorBoard and to Weights & Biases."""

import logging
import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.record_writer import masked_crc32c

from tenny_lsp.errors import TrainingError
from tenny_lsp.learning.options import TrainOptions
from tenny_lsp.learning.train import train
from tests.mlx.training import run


def events(folder: Path) -> list[Any]:
    """Reads what TensorBoard reads: records of a length, its checksum, an event and its checksum."""
    found = []
    for file in sorted((folder / "tensorboard").iterdir()):
        content = file.read_bytes()
        while content:
            length = int.from_bytes(content[:8], "little")
            assert int.from_bytes(content[8:12], "little") == masked_crc32c(content[:8])
            found.append(Event.FromString(content[12 : 12 + length]))
            content = content[16 + length :]
    return found


def scalars(folder: Path) -> dict[str, dict[int, float]]:
    curves: dict[str, dict[int, float]] = {}
    for event in events(folder):
        for value in event.summary.value:
            if value.HasField("simple_value"):
                curves.setdefault(value.tag, {})[event.step] = value.simple_value
    return curves


def test_tensorboard_draws_every_report_at_its_iteration(options: TrainOptions) -> None:
    result, reports = run(replace(options, report_to="tensorboard"))

    curves = scalars(result.run_path)
    expected = {report.iteration: report.val_loss for report in reports if report.val_loss is not None}
    assert curves["val_loss"] == pytest.approx(expected) and set(expected) == {0, 4, 8, 12}
    assert set(curves["train_loss"]) == {4, 8, 12}
    assert {"learning_rate", "scale", "tokens_per_s", "memory_bytes"} < set(curves)


def test_what_is_done_again_after_a_kill_is_drawn_once(options: TrainOptions) -> None:
    chosen = replace(options, report_to="tensorboard", save_every=4)

    def killed(progress: Any) -> None:
        if progress.iteration == 8 and progress.val_loss is not None:
            raise OSError("killed")

    with pytest.raises(OSError, match="killed"):
        train(chosen, killed)
    result, _ = run(replace(chosen, resume=True))

    purged = [event.step for event in events(result.run_path) if event.session_log.status == 1]
    assert 8 in purged, "TensorBoard forgets what it knew of iteration 8"
    assert set(scalars(result.run_path)["train_loss"]) == {4, 8, 12}


class Run:
    """What ``wandb.init`` returns, as far as it is used: its history refuses steps that fall."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options, self.rows, self.axes, self.finished = options, list[dict[str, Any]](), dict[str, Any](), False

    def define_metric(self, name: str, step_metric: str | None = None) -> None:
        self.axes[name] = step_metric

    def log(self, values: dict[str, Any], step: int | None = None) -> None:
        assert step is None, "one's own steps are lost where they do not rise"
        self.rows.append(values)

    def finish(self) -> None:
        self.finished = True


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    begun: list[Run] = []
    module = types.ModuleType("wandb")
    module.__spec__ = types.SimpleNamespace(name="wandb")  # type: ignore[assignment]
    module.init = lambda **options: begun.append(Run(options)) or begun[-1]  # type: ignore[attr-defined, func-returns-value]
    monkeypatch.setitem(sys.modules, "wandb", module)
    return begun


def test_wandb_gets_one_run_with_iterations_as_its_axis(options: TrainOptions, runs: list[Run]) -> None:
    run(replace(options, report_to="wandb", project_name="cynics"))

    (one,) = runs
    assert one.axes == {"iteration": None, "*": "iteration"} and one.finished
    assert [row["iteration"] for row in one.rows] == [0, 4, 8, 12]
    assert all("val_loss" in row for row in one.rows)
    assert (one.options["project"], one.options["config"]["rank"]) == ("cynics", 4)


def test_a_service_out_of_reach_costs_its_curves_and_never_the_training(
    options: TrainOptions, runs: list[Run], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(self: Run, values: dict[str, Any]) -> None:
        raise ConnectionError("no route to host")

    monkeypatch.setattr(Run, "log", fails)
    with caplog.at_level(logging.WARNING):
        result, _ = run(replace(options, report_to="wandb"))

    assert result.iterations == 12
    said = [record.message for record in caplog.records if "reported" in record.message]
    assert said == ["Nothing more is reported to wandb: no route to host"]


def test_a_tracker_that_is_not_installed_is_named_before_the_training(
    options: TrainOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenny_lsp.learning.trackers.find_spec", lambda name: None)
    with pytest.raises(TrainingError, match=r"needs the package tensorboardX.*tenny-lsp\[tensorboard\]"):
        run(replace(options, report_to="tensorboard"))
    assert not options.adapter_path.exists()
