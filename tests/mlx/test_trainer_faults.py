"""Faults reported of other trainers that no other test here has; docs/trainers.md lists them all."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import mlx.core as mx
import mlx_lm
import pytest

from tenny_lsp.errors import AdapterError
from tenny_lsp.learning.convert.model import convert_model
from tenny_lsp.learning.convert.options import ConvertOptions
from tenny_lsp.learning.fuse import fuse
from tenny_lsp.learning.lora import add_adapter, load_base, trainable_weights
from tenny_lsp.learning.options import TrainOptions
from tests.mlx.training import run


def test_a_validation_smaller_than_a_batch_is_read_whole(options: TrainOptions, rows: Path) -> None:
    one = (rows / "valid.jsonl").read_text().splitlines()[0]
    (rows / "valid.jsonl").write_text(one + "\n")
    (rows / "test.jsonl").write_text(one + "\n")
    result, _ = run(replace(options, batch_size=16, test=True))

    assert result.val_loss == pytest.approx(result.test_loss, rel=1e-5)


def test_weights_of_other_names_are_no_beginning(options: TrainOptions, tmp_path: Path) -> None:
    run(options)
    weights = mx.load(str(options.adapter_path / "adapters.safetensors"))
    assert isinstance(weights, dict)
    renamed = tmp_path / "renamed"
    renamed.mkdir()
    file = str(renamed / "adapters.safetensors")
    mx.save_safetensors(file, {name.replace("self_attn", "attention"): value for name, value in weights.items()})
    with pytest.raises(AdapterError, match="does not fit this base"):
        run(replace(options, resume_adapter_file=renamed / "adapters.safetensors", adapter_path=tmp_path / "new"))


def test_what_goes_on_from_an_adapter_trains_the_adapter_alone(options: TrainOptions) -> None:
    run(options)
    going_on = replace(options, resume_adapter_file=options.adapter_path / "adapters.safetensors")
    base, model, _ = load_base(options.model)
    add_adapter(model, going_on, base)

    assert {name.rpartition(".")[2] for name in trainable_weights(model)} == {"lora_a", "lora_b"}


def test_a_fused_quantised_base_is_no_longer_called_quantised(
    options: TrainOptions, wide_base: Path, tmp_path: Path
) -> None:
    packed, fused = tmp_path / "packed", tmp_path / "fused"
    convert_model(wide_base, packed, ConvertOptions(quantize=True, bits=8, group_size=32))
    run(replace(options, model=str(packed)))
    fuse(packed, options.adapter_path, fused)

    assert not any(key.startswith("quantization") for key in json.loads((fused / "config.json").read_text()))
    prompt = mx.array([[70, 80, 90]])
    adapted = mlx_lm.load(str(packed), adapter_path=str(options.adapter_path))[0](prompt)
    assert mx.allclose(mlx_lm.load(str(fused))[0](prompt), adapted, atol=5e-2)


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_whenever_it_is_killed_the_folder_loads(options: TrainOptions, tiny_base: Path) -> None:
    command = [sys.executable, "-m", "tenny_lsp", "train", "--data", str(options.data), "--model", str(tiny_base)]
    command += ["--adapter-path", str(options.adapter_path), "--iters", "10000", "--steps-per-eval", "1", "--rank", "4"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    weights = options.adapter_path / "adapters.safetensors"
    while not weights.exists() and process.poll() is None:
        time.sleep(0.001)
    for _ in range(5):  # the folder is replaced at nearly every iteration
        time.sleep(0.05)
        os.kill(process.pid, signal.SIGSTOP)
        if weights.exists():
            mlx_lm.load(str(tiny_base), adapter_path=str(options.adapter_path))
        os.kill(process.pid, signal.SIGCONT)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    run(replace(options, iters=1))
    mlx_lm.load(str(tiny_base), adapter_path=str(options.adapter_path))
