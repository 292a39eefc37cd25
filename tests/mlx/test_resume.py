"""A training that stopped goes on as if it had not."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tenny_lsp.errors import StorageError
from tenny_lsp.learning.checkpoint import hold
from tenny_lsp.learning.options import Progress, TrainOptions, TrainResult
from tenny_lsp.learning.train import train


@pytest.fixture
def options(options: TrainOptions, tmp_path: Path) -> TrainOptions:
    return replace(
        options,
        adapter_path=tmp_path / "whole",
        iters=20,
        dropout=0.2,
        grad_accumulation_steps=3,
        scale_schedule="doubling:0.25",
        steps_per_report=2,
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


@pytest.mark.parametrize(
    "chosen",
    [
        {"train_type": "full", "iters": 14, "save_every": 5, "steps_per_eval": 3},
        {"train_type": "dora", "optimizer": "adamw"},
        {"learning_rate": 0.3, "steps_per_eval": 1, "save_every": 4, "patience": 9},
        {"optimizer": "adafactor", "grad_accumulation_steps": 1},
    ],
)
def test_the_same_in_other_trainings_and_when_resumed_twice(
    chosen: dict[str, Any], options: TrainOptions, tmp_path: Path
) -> None:
    whole = replace(options, **{"dropout": 0.0, "steps_per_report": 1, **chosen})
    run(whole)
    parted = replace(whole, adapter_path=tmp_path / "parted")
    run(parted, stop_at=6 if whole.save_every == 5 else 11)
    run(replace(parted, resume=True), stop_at=12)
    run(replace(parted, resume=True))

    assert weights(parted.adapter_path) == weights(whole.adapter_path)


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
    with pytest.raises(StorageError, match="of another training: --learning-rate, --rank differ"):
        run(replace(options, resume=True, rank=8, learning_rate=1e-3))
    (rows / "train.jsonl").write_text((rows / "train.jsonl").read_text() * 2)
    with pytest.raises(StorageError, match="dataset differ"):
        run(replace(options, resume=True))


def test_a_training_that_has_ended_early_does_not_go_on(options: TrainOptions, rows: Path) -> None:
    (rows / "valid.jsonl").write_text('{"prompt": "Q: What is mx.abs?\\nA:", "completion": " zzzz"}\n')
    impatient = replace(options, steps_per_eval=1, save_every=1, patience=2, learning_rate=0.5)
    ended = run(impatient)
    resumed = run(replace(impatient, resume=True))

    assert ended.stopped_early and ended.iterations < 20
    assert (resumed.stopped_early, resumed.iterations) == (True, ended.iterations)


def test_the_other_prompt_format_is_another_training(options: TrainOptions, make_base: Callable[[Path], Path]) -> None:
    base = make_base(options.adapter_path.parent / "chat")
    config = json.loads((base / "tokenizer_config.json").read_text())
    config["chat_template"] = "{% for m in messages %}{{ m.content }}</s>{% endfor %}"
    (base / "tokenizer_config.json").write_text(json.dumps(config))
    chat = replace(options, model=str(base))
    run(chat, stop_at=12)
    with pytest.raises(StorageError, match="--prompt-format differ"):
        run(replace(chat, resume=True, prompt_format="chat"))


def test_a_test_may_be_added(options: TrainOptions) -> None:
    run(options, stop_at=12)
    assert run(replace(options, resume=True, test=True)).test_loss is not None


def test_a_training_that_began_with_an_adapter_is_resumed_by_the_same_command(
    options: TrainOptions, tmp_path: Path
) -> None:
    run(replace(options, adapter_path=tmp_path / "first", iters=2, save_every=None))
    second = replace(options, resume_adapter_file=tmp_path / "first" / "adapters.safetensors")
    run(second)
    parted = replace(second, adapter_path=tmp_path / "parted")
    run(parted, stop_at=12)
    run(replace(parted, resume=True))

    assert weights(parted.adapter_path) == weights(second.adapter_path)


def test_what_is_done_again_is_reported_once(options: TrainOptions) -> None:
    run(options, stop_at=16)
    file = options.adapter_path.with_name("whole.run") / "metrics.jsonl"
    with file.open("a") as stream:
        stream.write('{"iteration": 18, "ite')  # as a process leaves it that is killed
    run(replace(options, resume=True))

    assert [json.loads(line)["iteration"] for line in file.read_text().splitlines()] == list(range(0, 21, 2))


@pytest.mark.parametrize("content", ["[]", '{"origin": null}'])
def test_a_damaged_state_says_so(content: str, options: TrainOptions) -> None:
    run(options, stop_at=12)
    (options.adapter_path.with_name("whole.run") / "state" / "state.json").write_text(content)
    with pytest.raises(StorageError, match=r"The state in .* is (damaged|of another training)"):
        run(replace(options, resume=True))


def test_a_state_without_all_of_its_parts_says_so(options: TrainOptions) -> None:
    run(options, stop_at=12)
    state = options.adapter_path.with_name("whole.run") / "state"
    arrays, values = state / "state.safetensors", json.loads((state / "state.json").read_text())
    (state / "state.json").write_text(json.dumps({"origin": values["origin"]}))
    with pytest.raises(StorageError, match="is damaged"):
        run(replace(options, resume=True))
    arrays.write_bytes(arrays.read_bytes()[:100])
    with pytest.raises(StorageError, match="is damaged"):
        run(replace(options, resume=True))


def test_a_file_in_the_place_of_the_runs_folder_is_named_before_the_training(options: TrainOptions) -> None:
    options.adapter_path.with_name("whole.run").write_text("")
    with pytest.raises(StorageError, match=r"whole\.run is no folder"):
        run(options)


def test_the_last_weights_are_not_the_best_ones_when_there_is_a_test(options: TrainOptions, rows: Path) -> None:
    (rows / "valid.jsonl").write_text('{"prompt": "Q: What is mx.abs?\\nA:", "completion": " zzzz"}\n')
    worse = replace(options, learning_rate=0.5, steps_per_eval=1)
    plain = run(worse)
    assert plain.best_iteration < 20
    tested = replace(worse, adapter_path=options.adapter_path.with_name("tested"), test=True)
    run(tested)

    assert weights(tested.adapter_path.with_name("tested.run") / "last") == weights(plain.run_path / "last")
    assert weights(tested.adapter_path.with_name("tested.run") / "last") != weights(tested.adapter_path)


def test_the_last_weights_of_an_earlier_training_go(options: TrainOptions, rows: Path) -> None:
    valid = rows / "valid.jsonl"
    before = valid.read_text()
    valid.write_text('{"prompt": "Q: What is mx.abs?\\nA:", "completion": " zzzz"}\n')
    last = run(replace(options, learning_rate=0.5, steps_per_eval=1)).run_path / "last"
    assert last.is_dir()
    valid.write_text(before)
    assert run(replace(options, iters=1)).best_iteration == 1

    assert not last.exists()


def test_what_a_killed_training_left_half_saved_is_removed(options: TrainOptions) -> None:
    left = options.adapter_path.with_name("whole.run") / ".state.new-123"
    left.mkdir(parents=True)
    (left / "state.safetensors").write_bytes(b"half")
    result = run(replace(options, iters=1))

    assert result.run_path.is_dir() and not left.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="has no such locks")
def test_two_trainings_do_not_write_to_one_folder(options: TrainOptions) -> None:
    with hold(options.adapter_path.with_name("whole.run")), pytest.raises(StorageError, match="Another training"):
        run(options)
    assert run(options).iterations == 20
