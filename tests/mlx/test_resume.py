"""A training that stopped goes on as if it had not."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tenny_lsp.errors import StorageError
from tenny_lsp.learning.options import Progress, TrainOptions, TrainResult
from tenny_lsp.learning.train import train


@pytest.fixture
def options(tiny_base: Path, rows: Path, tmp_path: Path) -> TrainOptions:
    return TrainOptions(
        data=rows,
        adapter_path=tmp_path / "whole",
        model=str(tiny_base),
        iters=20,
        batch_size=3,
        rank=4,
        dropout=0.2,
        learning_rate=1e-2,
        grad_accumulation_steps=3,
        scale_schedule="doubling:0.25",
        steps_per_report=2,
        steps_per_eval=4,
        save_every=10,
    )


def run(options: TrainOptions, *, stop_at: int | None = None) -> TrainResult:
    def report(progress: Progress) -> None:
        if progress.iteration == stop_at:
            raise KeyboardInterrupt

    return train(options, report)


def weights(folder: Path) -> bytes:
    return (folder / "adapters.safetensors").read_bytes()


def test_ten_and_ten_more_are_twenty_byte_for_byte(options: TrainOptions, tmp_path: Path) -> None:
    whole = run(options)
    parted = replace(options, adapter_path=tmp_path / "parted")
    run(parted, stop_at=12)
    resumed = run(replace(parted, resume=True))

    assert weights(parted.adapter_path) == weights(options.adapter_path)
    assert (resumed.val_loss, resumed.train_loss, resumed.best_iteration) == (
        whole.val_loss,
        whole.train_loss,
        whole.best_iteration,
    )
    assert resumed.trained_tokens == whole.trained_tokens


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_the_same_after_a_kill(options: TrainOptions, tmp_path: Path) -> None:
    run(options)
    killed = tmp_path / "killed"
    command = [sys.executable, "-m", "tenny_lsp", "train", "--data", str(options.data), "--model", str(options.model)]
    for name in ("iters", "batch_size", "rank", "dropout", "learning_rate", "grad_accumulation_steps"):
        command += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
    command += ["--scale-schedule", "doubling:0.25", "--steps-per-report", "2", "--steps-per-eval", "4"]
    command += ["--save-every", "10", "--adapter-path", str(killed)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (tmp_path / "killed.run" / "state" / "state.json").exists() and process.poll() is None:
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    subprocess.run([*command, "--resume"], check=True, capture_output=True)

    assert weights(killed) == weights(options.adapter_path)


def test_without_a_state_there_is_nothing_to_resume(options: TrainOptions) -> None:
    with pytest.raises(StorageError, match="no state to resume from"):
        run(replace(options, resume=True))


def test_a_state_of_another_training_is_refused(options: TrainOptions, rows: Path) -> None:
    run(options, stop_at=12)
    with pytest.raises(StorageError, match="of another training: learning_rate, rank differ"):
        run(replace(options, resume=True, rank=8, learning_rate=1e-3))
    (rows / "train.jsonl").write_text((rows / "train.jsonl").read_text() * 2)
    with pytest.raises(StorageError, match="dataset differ"):
        run(replace(options, resume=True))
