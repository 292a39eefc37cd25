"""What is trained and how: kinds of adapters, optimizers, accumulated gradients, schedules, batches left out."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import mlx_lm
import pytest
from mlx.utils import tree_flatten

from tenny_lsp.errors import AdapterError, TrainingError
from tenny_lsp.learning.convert.model import convert_model
from tenny_lsp.learning.convert.options import ConvertOptions
from tenny_lsp.learning.lora import add_adapter, load_base
from tenny_lsp.learning.optimizer import learning_rates, make_optimizer
from tenny_lsp.learning.options import TrainOptions
from tenny_lsp.learning.step import TrainingStep
from tenny_lsp.model import wire
from tenny_lsp.worker.voice import Voice
from tests.mlx.training import run

PROMPT = mx.array([[70, 80, 90, 100, 110]])


@pytest.fixture
def options(options: TrainOptions) -> TrainOptions:
    return replace(options, iters=8)


def saved(options: TrainOptions) -> dict[str, mx.array]:
    weights = mx.load(str(options.adapter_path / "adapters.safetensors"))
    assert isinstance(weights, dict)
    return weights


@pytest.mark.parametrize("train_type", ["lora", "dora", "full"])
def test_every_kind_learns_and_is_loaded_by_mlx_lm_and_by_the_worker(
    train_type: Any, options: TrainOptions, tiny_base: Path
) -> None:
    chosen = replace(options, train_type=train_type, learning_rate=5e-3)
    result, _ = run(chosen)
    assert (result.val_loss or 9) < (result.start_val_loss or 0)

    bare, _ = mlx_lm.load(str(tiny_base))
    adapted, _ = mlx_lm.load(str(tiny_base), adapter_path=str(options.adapter_path))
    assert not mx.allclose(bare(PROMPT), adapted(PROMPT), atol=1e-2)

    voice, said = Voice(tiny_base, "float32"), list[Any]()
    prompts = [wire.Generate(1, "Q: x\nA:", 8, str(options.adapter_path)), wire.Generate(2, "Q: x\nA:", 8)]
    for request in (*prompts, *prompts):
        voice.answer(request, lambda: False, said.append)
    texts = {number: "".join(event.text for event in said if event.id == number) for number in (1, 2)}
    assert texts[1][: len(texts[1]) // 2] * 2 == texts[1] != texts[2], "the base comes back, and the adapter too"


def test_all_weights_are_trained_in_full_embeddings_and_norms_too(options: TrainOptions) -> None:
    run(replace(options, train_type="full", learning_rate=1e-3))
    names = set(saved(options))
    assert {"model.embed_tokens.weight", "model.norm.weight"} < names

    run(replace(options, train_type="full", learning_rate=1e-3, num_layers=1))
    assert {name.split(".")[2] for name in saved(options)} == {"1"}


def test_only_the_projections_of_the_keys_are_adapted(options: TrainOptions, tiny_base: Path) -> None:
    run(replace(options, keys=("q_proj", "mlp.up_proj")))
    assert {".".join(name.split(".")[3:5]) for name in saved(options)} == {"self_attn.q_proj", "mlp.up_proj"}
    config = json.loads((options.adapter_path / "adapter_config.json").read_text())
    assert config["lora_parameters"]["keys"] == ["self_attn.q_proj", "mlp.up_proj"]
    mlx_lm.load(str(tiny_base), adapter_path=str(options.adapter_path))


def test_keys_are_of_adapters(options: TrainOptions) -> None:
    with pytest.raises(TrainingError, match="--keys is given, and --train-type full trains all weights"):
        run(replace(options, train_type="full", keys=("q_proj",)))


def test_a_key_that_means_nothing_is_an_error_that_names_what_there_is(options: TrainOptions) -> None:
    with pytest.raises(TrainingError, match=r"called qproj\. There are .*self_attn\.q_proj"):
        run(replace(options, keys=("qproj",)))


class Quantised(nn.Module):
    """A base whose layers are packed in some number of bits."""

    def __init__(self, bits: int) -> None:
        super().__init__()
        layer = nn.Module()
        layer.proj = nn.QuantizedLinear(64, 64, group_size=32, bits=bits)
        self.layers = [layer]


def test_what_a_quantised_base_cannot_do_is_refused(options: TrainOptions, tiny_base: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be trained in full"):
        add_adapter(Quantised(4), replace(options, train_type="full"), tiny_base)
    for bits in (3, 5, 6):
        with pytest.raises(TrainingError, match=f"DoRA cannot be trained on a base of {bits} bits"):
            add_adapter(Quantised(bits), replace(options, train_type="dora"), tiny_base)
    add_adapter(Quantised(4), replace(options, train_type="dora"), tiny_base)


def test_the_same_where_a_cpu_unpacks_it(options: TrainOptions, wide_base: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    convert_model(wide_base, packed, ConvertOptions(quantize=True, bits=3, group_size=32))
    with pytest.raises(TrainingError, match="cannot be trained in full"):
        run(replace(options, model=str(packed), train_type="full"))
    with pytest.raises(TrainingError, match="DoRA cannot be trained on a base of 3 bits"):
        run(replace(options, model=str(packed), train_type="dora"))


def test_an_adapter_that_goes_on_with_another_scale_says_so(
    options: TrainOptions, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run(replace(options, iters=1, scale=2.0))
    again = replace(
        options, adapter_path=tmp_path / "again", resume_adapter_file=options.adapter_path / "adapters.safetensors"
    )
    run(replace(again, iters=1, scale=2.0))
    assert "scale" not in caplog.text
    run(replace(again, iters=1, scale=20.0))
    assert "was trained with scale 2 and goes on with 20" in caplog.text


def test_a_folder_is_no_file_of_weights(options: TrainOptions) -> None:
    run(replace(options, iters=1))
    with pytest.raises(AdapterError, match=r"is a folder, not a file of weights\. Name the adapters\.safetensors"):
        run(replace(options, resume_adapter_file=options.adapter_path))


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "adafactor", "sgd", "muon"])
def test_every_optimizer_learns(optimizer: Any, options: TrainOptions) -> None:
    rate = 0.5 if optimizer == "sgd" else 1e-2
    result, _ = run(replace(options, optimizer=optimizer, learning_rate=rate, iters=24))
    assert (result.val_loss or 9) < (result.start_val_loss or 0) - 0.1


def test_the_learning_rate_counts_updates_and_not_iterations(options: TrainOptions) -> None:
    accumulated = replace(options, iters=16, grad_accumulation_steps=4, warmup=2, lr_schedule="linear")
    _, reports = run(accumulated)
    rates = learning_rates(accumulated, 4)
    expected = [float(rates(mx.array(update)).item()) for update in range(4)]
    assert [report.learning_rate for report in reports[1:]] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_corrected_moments_make_the_first_step_as_long_as_the_rate(options: TrainOptions, optimizer: str) -> None:
    chosen = replace(
        options, optimizer=optimizer, bias_correction=True, lr_schedule="constant", warmup=0, weight_decay=0
    )
    weights, gradients = {"w": mx.zeros(3)}, {"w": mx.array([4.0, -0.5, 0.01])}

    moved = make_optimizer(chosen, 10).apply_gradients(gradients, weights)

    assert moved["w"].tolist() == pytest.approx([-1e-2, 1e-2, -1e-2], rel=1e-3)


def test_a_constant_rate_stays_where_it_is(options: TrainOptions) -> None:
    rates = learning_rates(replace(options, lr_schedule="constant", warmup=0), 10)
    assert [float(rates(mx.array(update)).item()) for update in (0, 9)] == pytest.approx([1e-2, 1e-2])


class Regression(nn.Module):
    """A linear model, whose losses weigh by their targets."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(3, 1, bias=False)
        self.out.weight = mx.array([[1.0, -1.0, 0.5]])


def loss(model: Any, inputs: mx.array, targets: mx.array, weights: mx.array) -> tuple[mx.array, mx.array]:
    errors, count = (model.out(inputs)[:, 0] - targets) ** 2, weights.sum()
    return (errors * weights).sum() / count, count


def stepped(*batches: Any, accumulation: int, is_compiled: bool = False) -> mx.array:
    model = Regression()
    step = TrainingStep(model, loss, optim.SGD(0.1), max_norm=1e9, accumulation=accumulation, is_compiled=is_compiled)
    for batch in batches:
        assert step(batch) is not None
    step.finish()
    return model.out.weight


INPUTS = mx.array([[1.0, 2.0, 3.0], [0.0, 1.0, 0.0], [2.0, 2.0, 1.0], [1.0, 0.0, 1.0]])
TARGETS, WEIGHTS = mx.array([1.0, 2.0, 3.0, 4.0]), mx.array([1.0, 1.0, 0.0, 1.0])


def part(start: int, end: int) -> tuple[mx.array, ...]:
    return INPUTS[start:end], TARGETS[start:end], WEIGHTS[start:end]


def test_accumulated_gradients_are_those_of_the_larger_batch_token_by_token() -> None:
    whole = stepped(part(0, 4), accumulation=1)
    parts = stepped(part(0, 3), part(3, 4), accumulation=2)
    assert mx.allclose(whole, parts, atol=1e-6)


def test_the_last_window_is_applied_when_it_is_not_full() -> None:
    assert mx.allclose(stepped(part(0, 4), accumulation=1), stepped(part(0, 2), part(2, 4), accumulation=5), atol=1e-6)


def test_compiled_it_gives_the_same() -> None:
    mx.enable_compile()
    compiled = stepped(part(0, 2), part(2, 4), part(0, 2), accumulation=1, is_compiled=True)
    mx.disable_compile()
    assert mx.allclose(compiled, stepped(part(0, 2), part(2, 4), part(0, 2), accumulation=1), atol=1e-6)


def test_a_batch_without_a_number_changes_nothing() -> None:
    model = Regression()
    step = TrainingStep(model, loss, optim.SGD(0.1), max_norm=1.0, accumulation=1)
    before = mx.array(model.out.weight)

    assert step((INPUTS[:1] * float("nan"), TARGETS[:1], WEIGHTS[:1])) is None
    assert step((INPUTS[:1], TARGETS[:1], WEIGHTS[:1] * 0)) is None, "a batch in which nothing is learned"
    assert mx.array_equal(before, model.out.weight)
    assert step((INPUTS[:1], TARGETS[:1], WEIGHTS[:1])) is not None


def test_the_scale_is_raised_each_epoch_and_saved_as_it_was(options: TrainOptions, rows: Path) -> None:
    count = len((rows / "train.jsonl").read_text().splitlines())
    epoch = -(-count // 3)
    scales = replace(options, scale=4.0, scale_schedule="doubling:0.25")
    chosen = replace(scales, iters=3 * epoch, steps_per_report=epoch, steps_per_eval=10**6)
    result, reports = run(chosen)
    assert [report.scale for report in reports[1:]] == [1.0, 2.0, 4.0]
    assert result.best_iteration == 3 * epoch
    config = json.loads((options.adapter_path / "adapter_config.json").read_text())
    assert config["lora_parameters"]["scale"] == 4.0


def test_a_separator_ends_the_prompt_of_a_text(options: TrainOptions, rows: Path) -> None:
    texts = ["mx.abs is absolute | tags: math", "mx.exp is exponential | tags: math"] * 3
    for name in ("train.jsonl", "valid.jsonl"):
        (rows / name).write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    short, _ = run(replace(options, separator=" | tags: ", iters=1))
    whole, _ = run(replace(options, iters=1))
    assert short.start_val_loss != whole.start_val_loss


def test_patience_ends_a_training_that_gets_no_better_and_keeps_best_and_last(options: TrainOptions) -> None:
    result, _ = run(replace(options, iters=400, steps_per_eval=2, patience=2, learning_rate=0.3, max_grad_norm=1e6))
    assert result.stopped_early and result.iterations < 400
    assert result.best_iteration == result.iterations - 4
    last = mx.load(str(result.run_path / "last" / "adapters.safetensors"))
    assert isinstance(last, dict)
    assert any(not mx.array_equal(value, saved(options)[name]) for name, value in last.items())


def test_the_metrics_are_there_line_by_line(options: TrainOptions) -> None:
    result, reports = run(options)
    lines = [json.loads(line) for line in (result.run_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["iteration"] for line in lines] == [report.iteration for report in reports]
    assert lines[-1]["train_loss"] == result.train_loss and lines[-1]["memory_bytes"] > 0


def test_full_training_is_in_float32(options: TrainOptions, tiny_base: Path) -> None:
    base, model, _ = load_base(str(tiny_base))
    model.set_dtype(mx.float16)
    add_adapter(model, replace(options, train_type="full"), base)
    assert {value.dtype for _, value in tree_flatten(model.parameters())} == {mx.float32}
