"""A training's options from a YAML file with mlx_lm.lora's keys."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tenny_lsp.cli.main import main
from tenny_lsp.errors import TrainingError
from tenny_lsp.learning.config_file import read_config
from tenny_lsp.learning.options import HubDataset, TrainOptions

#: As mlx-lm's own example, with every key that has a counterpart here.
CONFIG = """
model: "mlx-community/Llama-3.2-1B-Instruct"
train: true
fine_tune_type: dora
optimizer: adamw
optimizer_config:
  adamw:
    betas: [0.9, 0.98]
    weight_decay: 0.01
    bias_correction: true
data: "rows"
seed: 3
num_layers: 16
batch_size: 4
iters: 1000
val_batches: 25
learning_rate: 1e-5
steps_per_report: 10
steps_per_eval: 200
resume_adapter_file: null
adapter_path: "adapters"
save_every: 100
test: false
test_batches: 100
max_seq_length: 2048
grad_checkpoint: false
grad_accumulation_steps: 2
lora_parameters:
  keys: ["self_attn.q_proj", "self_attn.v_proj"]
  rank: 8
  scale: 20.0
  dropout: 0.0
lr_schedule:
  name: cosine_decay
  warmup: 100
  warmup_init: 1e-7
  arguments: [1e-5, 1000, 1e-7]
"""


def read(text: str, folder: Path) -> dict[str, Any]:
    file = folder / "lora.yaml"
    file.write_text(text)
    return read_config(file)


def test_the_keys_of_mlx_lm_are_understood(tmp_path: Path) -> None:
    options = TrainOptions(**read(CONFIG, tmp_path))
    options.check()

    assert (options.train_type, options.optimizer, options.betas) == ("dora", "adamw", (0.9, 0.98))
    assert options.bias_correction
    assert (options.data, options.adapter_path) == (Path("rows"), Path("adapters"))
    assert (options.learning_rate, options.lr_schedule, options.warmup) == (1e-5, "cosine", 100)
    assert (options.rank, options.scale, options.keys) == (8, 20.0, ("self_attn.q_proj", "self_attn.v_proj"))
    assert (options.iters, options.save_every, options.grad_accumulation_steps, options.seed) == (1000, 100, 2, 3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rank: [", "cannot be read"),
        ("- a", "holds no keys"),
        ("learning-rate: 1", "has the key learning-rate, which is no option"),
        ("lora_parameters:\n  r: 8", "has the key r under lora_parameters"),
        ("learning_rate: fast", "learning_rate is 'fast'"),
        ("keys: q_proj", "keys is 'q_proj'. Give a list."),
        ("betas: 0.9", "betas is 0.9. Give a list of two numbers"),
        ("betas: [0.9]", "betas is [0.9]. Give a list of two numbers"),
        ("betas: [a, b]", "betas is 'a'. Give a number"),
        ("seed: [1]", "seed is [1]. Give a whole number"),
        ("save_every: 1.5", "save_every is 1.5. Give a whole number"),
        ("patience: true", "patience is True. Give a whole number"),
        ("warmup: .inf", "warmup is inf. Give a whole number"),
        ("scale_schedule: 0.5", "scale_schedule is 0.5. Give a text"),
        ("data: {a: b}", "data is {'a': 'b'}. Give a path"),
        ("mask_prompt: 'no'", "mask_prompt is 'no'. Give true or false"),
        ("optimizer: [adam]", "optimizer is ['adam']. Give a text"),
        ("lora_parameters: 8", "lora_parameters is 8. Write its keys below it"),
        ("optimizer_config: {adam: 5}", "optimizer_config is 5. Write its keys below it"),
        ("lr_schedule: {name: cosine_decay, arguments: 5}", "the schedule's arguments are 5"),
        ("lr_schedule: {name: [a]}", "the schedule ['a'] is not known"),
        ("hf_dataset: [a]", "hf_dataset is ['a']. Write its keys below it"),
        ("hf_dataset: {name: a}", "hf_dataset names no path"),
        ("hf_dataset: {path: a, split: b}", "has the key split under hf_dataset"),
        ("hf_dataset: {path: a, config: {revision: b}}", "has the key revision under hf_dataset"),
        ("hf_dataset: {path: a, mask_feature: b}", "has the key mask_feature under hf_dataset"),
        ("report_to: 5", "report_to is 5. Give a text"),
        ("lr_schedule:\n  name: step_decay", "the schedule step_decay is not known"),
    ],
)
def test_what_is_wrong_is_named(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=re.escape(said)):
        read(text, tmp_path)


def test_a_dataset_of_the_hub_is_named_with_its_splits_and_columns(tmp_path: Path) -> None:
    text = (
        "hf_dataset:\n  path: billsum\n  config: {name: plain}\n  prompt_feature: text\n  completion_feature: summary\n"
    )
    found = read(text + '  train_split: "train[:1000]"\n  valid_split: "train[-100:]"\nreport_to: wandb\n', tmp_path)

    assert found["hf_dataset"] == HubDataset("billsum", "plain", "train[:1000]", "train[-100:]")
    assert (found["prompt_feature"], found["completion_feature"], found["report_to"]) == ("text", "summary", "wandb")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"nowhere\.yaml cannot be read"):
        read_config(tmp_path / "nowhere.yaml")


def test_an_option_of_the_command_line_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[TrainOptions] = []

    def caught(options: TrainOptions, on_progress: object) -> None:
        given.append(options)
        raise TrainingError("Seen", "Enough.")

    monkeypatch.setattr("tenny_lsp.learning.train.train", caught)
    file = tmp_path / "lora.yaml"
    file.write_text("learning_rate: 1e-5\nbatch_size: 4\nadapter_path: mine\n")
    with pytest.raises(SystemExit):
        main(["train", "--config", str(file), "--batch-size", "2"])

    [options] = given
    assert (options.learning_rate, options.batch_size, options.adapter_path) == (1e-5, 2, Path("mine"))
    assert options.model == "embedded" and options.data == Path("dataset")


def test_only_the_chosen_optimizers_options_count(tmp_path: Path) -> None:
    others = "optimizer_config: {adamw: {weight_decay: 0.1}, sgd: {weight_decay: 0.5}, adam: {}, muon: {momentum: 1}}"

    assert read(f"optimizer: adamw\n{others}", tmp_path) == {"optimizer": "adamw", "weight_decay": 0.1}
    assert read(others, tmp_path) == {}


def test_keys_without_a_value_are_left_alone(tmp_path: Path) -> None:
    assert read("lora_parameters: {rank: 8, alpha: null}", tmp_path) == {"rank": 8}


@pytest.mark.parametrize(
    ("text", "arguments", "expected"),
    [
        ("iters: 1000", ["--epochs", "2"], {"iters": None, "epochs": 2.0}),
        ("epochs: 3", ["--iters", "5"], {"iters": 5, "epochs": None}),
        ("lora_parameters: {scale: 20}", ["--alpha", "16"], {"scale": None, "alpha": 16.0}),
    ],
)
def test_an_option_of_the_command_line_goes_before_what_excludes_it(
    text: str, arguments: list[str], expected: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[TrainOptions] = []
    monkeypatch.setattr("tenny_lsp.learning.train.train", lambda options, _: given.append(options) or sys.exit(3))
    file = tmp_path / "lora.yaml"
    file.write_text(text)
    with pytest.raises(SystemExit, match="3"):
        main(["train", "--config", str(file), *arguments])

    assert {name: getattr(given[0], name) for name in expected} == expected
