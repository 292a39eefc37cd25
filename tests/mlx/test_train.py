"""Whole trainings on a tiny model."""

import errno
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import mlx_lm
import pytest
from mlx.utils import tree_flatten, tree_map

from tenny_lsp.errors import AdapterError, BaseModelError, DatasetError, StorageError, TrainingError
from tenny_lsp.learning import loop, objective
from tenny_lsp.learning.adapter import check_adapter
from tenny_lsp.learning.batches import TokenizedRow, collate
from tenny_lsp.learning.lora import add_adapter, load_base, trainable_weights
from tenny_lsp.learning.options import Progress, TrainOptions
from tenny_lsp.learning.train import train
from tests.mlx.training import run

PROMPT = mx.array([[70, 80, 90, 100, 110]])


def content(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def card_of(folder: Path) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((folder / "card.json").read_text())
    return card


def stop_at(iteration: int) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        if progress.iteration == iteration:
            raise KeyboardInterrupt

    return report


def test_losses_fall_and_nothing_is_printed(options: TrainOptions, capsys: pytest.CaptureFixture[str]) -> None:
    result, reports = run(replace(options, iters=40))
    assert capsys.readouterr().out == ""
    assert result.start_val_loss is not None and result.val_loss is not None and result.train_loss is not None
    assert result.val_loss < result.start_val_loss - 0.5
    assert (reports[0].iteration, reports[0].val_loss, reports[0].remaining_s) == (0, result.start_val_loss, None)
    assert [report.iteration for report in reports[1:]] == list(range(4, 41, 4))
    assert reports[-1].train_loss == result.train_loss
    assert reports[-1].train_loss < (reports[1].train_loss or 0)
    assert reports[-1].remaining_s == 0
    assert reports[-1].trained_tokens == result.trained_tokens
    assert reports[-1].tokens_per_s > 0
    assert reports[1].learning_rate > reports[-1].learning_rate > 0


def test_the_callback_may_print(options: TrainOptions, capsys: pytest.CaptureFixture[str]) -> None:
    train(replace(options, iters=1), lambda progress: print(progress.iteration))  # noqa: T201
    assert capsys.readouterr().out == "0\n1\n"


def test_the_folder_is_what_mlx_lm_loads(options: TrainOptions, tiny_base: Path) -> None:
    result, _ = run(options)
    assert sorted(content(result.adapter_path)) == ["adapter_config.json", "adapters.safetensors", "card.json"]
    assert sorted(path.name for path in result.adapter_path.parent.iterdir()) == ["mine", "mine.run"]
    check_adapter(result.adapter_path, tiny_base)
    bare, _ = mlx_lm.load(str(tiny_base))
    adapted, _ = mlx_lm.load(str(tiny_base), adapter_path=str(result.adapter_path))
    assert not mx.allclose(bare(PROMPT), adapted(PROMPT), atol=1e-2)


def test_the_card_says_where_the_adapter_comes_from(options: TrainOptions, tiny_base: Path, rows: Path) -> None:
    result, _ = run(replace(options, test=True))
    card = card_of(result.adapter_path)
    assert card["base"] == {
        "name": str(tiny_base),
        "sha256": sha256((tiny_base / "model.safetensors").read_bytes()).hexdigest(),
    }
    assert card["dataset"]["sha256"] == {
        name: sha256((rows / name).read_bytes()).hexdigest() for name in ("train.jsonl", "valid.jsonl", "test.jsonl")
    }
    assert card["scores"]["val_loss"] == result.val_loss
    assert card["scores"]["test_loss"] == result.test_loss
    assert (card["seed"], card["hyperparameters"]["rank"], card["hyperparameters"]["iters"]) == (0, 4, 12)
    assert card["versions"]["mlx"]
    assert card["trained_tokens"] == result.trained_tokens


def test_the_test_is_of_what_was_kept(options: TrainOptions, rows: Path) -> None:
    shutil.copy(rows / "valid.jsonl", rows / "test.jsonl")
    result, _ = run(replace(options, test=True))
    assert result.test_loss == pytest.approx(result.val_loss, rel=1e-5)
    assert result.test_perplexity == pytest.approx(2.718281828 ** (result.test_loss or 0), rel=1e-5)


def test_the_same_seed_gives_the_same_losses(options: TrainOptions) -> None:
    dropping = replace(options, dropout=0.2)
    losses = [
        [(report.train_loss, report.val_loss) for report in run(replace(dropping, seed=seed))[1]] for seed in (5, 5, 6)
    ]
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]


@pytest.mark.parametrize("base", ["tiny_base", "wide_base"])
def test_the_loss_is_that_of_completions_only(base: str, request: pytest.FixtureRequest, options: TrainOptions) -> None:
    _, model, _ = load_base(str(request.getfixturevalue(base)))
    examples = [TokenizedRow((70, 80, 90, 100, 1), 3), TokenizedRow(tuple(range(60, 80)), 15)]
    losses, count = [], 0
    for example in examples:
        logits = model(mx.array([example.tokens[:-1]]))[0, example.start - 1 :]
        losses.append(nn.losses.cross_entropy(logits, mx.array(example.tokens[example.start :]), reduction="sum"))
        count += len(example.tokens) - example.start
    for pad_to in (1, 8):
        batch = collate(examples, pad_to)
        parts = [mx.array(part) for part in (batch.inputs, batch.positions, batch.targets, batch.weights)]
        loss, tokens = objective.completion_loss(model)(model, *parts)
        assert tokens.item() == count
        assert loss.item() == pytest.approx(sum(losses).item() / count, rel=1e-5)


def test_a_model_whose_logits_are_changed_after_the_head_is_taken_as_a_whole(tiny_base: Path) -> None:
    _, model, _ = load_base(str(tiny_base))

    class Capped(type(model)):  # type: ignore[misc]
        def __call__(self, inputs: mx.array, *rest: Any) -> mx.array:
            return 5 * mx.tanh(super().__call__(inputs, *rest))

    assert objective._has_separate_head(model)
    model.__class__ = Capped
    assert not objective._has_separate_head(model)
    parts = [mx.array(part) for part in ([[70, 80, 90]], [1, 2], [90, 100], [1.0, 1.0])]
    loss, _ = objective.completion_loss(model)(model, *parts)
    expected = nn.losses.cross_entropy(model(parts[0])[0, 1:], parts[2], reduction="mean")
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_a_diverging_training_leaves_the_last_good_adapter(options: TrainOptions) -> None:
    run(options)
    before = content(options.adapter_path)
    with pytest.raises(TrainingError, match="at iteration 1; what the adapter's folder held before was kept"):
        run(replace(options, learning_rate=1e30, steps_per_eval=1))
    assert content(options.adapter_path) == before


@pytest.mark.parametrize("iters", [2, 12])
def test_a_training_that_learns_nothing_leaves_the_last_good_adapter(options: TrainOptions, iters: int) -> None:
    run(options)
    before = content(options.adapter_path)
    wild = replace(options, learning_rate=1e30, scale=1e20, max_grad_norm=1e30, optimizer="sgd", steps_per_eval=2)
    with pytest.raises(TrainingError, match="what the adapter's folder held before was kept"):
        run(replace(wild, iters=iters))
    assert content(options.adapter_path) == before


def test_weights_that_are_no_numbers_are_not_saved(
    options: TrainOptions, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def poison(optimizer: Any, model: nn.Module, gradients: Any) -> None:
        model.update(tree_map(lambda value: value * float("nan"), model.trainable_parameters()))

    monkeypatch.setattr(optim.Adam, "update", poison)
    (rows / "valid.jsonl").unlink()
    with pytest.raises(TrainingError, match="not numbers at iteration 1"):
        run(replace(options, iters=1))
    assert not options.adapter_path.exists()


def test_ctrl_c_keeps_the_best_so_far(options: TrainOptions, tiny_base: Path) -> None:
    result = train(replace(options, iters=10_000), stop_at(8))
    assert (result.interrupted, result.iterations) == (True, 8)
    assert result.best_iteration in (4, 8)
    assert card_of(options.adapter_path)["interrupted"] is True
    check_adapter(options.adapter_path, tiny_base)


def test_ctrl_c_before_a_validation_keeps_the_present_weights(options: TrainOptions) -> None:
    result = train(replace(options, iters=10_000, steps_per_eval=10_000), stop_at(4))
    assert (result.best_iteration, result.val_loss) == (4, None)
    weights = mx.load(str(options.adapter_path / "adapters.safetensors"))
    assert isinstance(weights, dict)
    assert any(bool(mx.any(value != 0)) for name, value in weights.items() if name.endswith("lora_b"))


def test_ctrl_c_before_the_first_iteration_writes_nothing(options: TrainOptions) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(options, stop_at(0))
    assert list(options.adapter_path.parent.iterdir()) == []


def test_a_full_disk_leaves_the_old_adapter(options: TrainOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    run(options)
    before = content(options.adapter_path)

    def full(stream: Any, weights: dict[str, mx.array]) -> None:
        stream.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(loop.mx, "save_safetensors", full)
    with pytest.raises(StorageError, match="No space left on device"):
        run(replace(options, seed=1))
    assert content(options.adapter_path) == before


def test_other_peoples_files_are_not_replaced(options: TrainOptions) -> None:
    options.adapter_path.mkdir(parents=True)
    (options.adapter_path / "thesis.tex").write_text("precious")
    with pytest.raises(StorageError, match=r"thesis\.tex"):
        run(options)
    assert content(options.adapter_path) == {"thesis.tex": b"precious"}


def test_a_training_goes_on_from_an_adapter(options: TrainOptions, tmp_path: Path) -> None:
    first, _ = run(options)
    file = options.adapter_path / "adapters.safetensors"
    resumed = replace(options, adapter_path=tmp_path / "second", resume_adapter_file=file, learning_rate=3e-3)
    second, _ = run(replace(resumed, iters=20))
    assert second.start_val_loss == pytest.approx(first.val_loss, rel=1e-4)
    assert (second.val_loss or 9) < (first.val_loss or 0)


def test_a_worse_continuation_keeps_what_it_started_from(options: TrainOptions, tmp_path: Path) -> None:
    run(replace(options, iters=40))
    file = options.adapter_path / "adapters.safetensors"
    worse = replace(options, adapter_path=tmp_path / "second", resume_adapter_file=file, learning_rate=3.0)
    second, _ = run(worse)
    assert (second.best_iteration, second.val_loss) == (0, second.start_val_loss)
    assert (tmp_path / "second" / "adapters.safetensors").read_bytes() == file.read_bytes()


def test_an_adapter_of_another_rank_or_base_is_refused(
    options: TrainOptions, other_base: Path, wide_base: Path, tmp_path: Path
) -> None:
    run(options)
    file = options.adapter_path / "adapters.safetensors"
    resumed = replace(options, adapter_path=tmp_path / "second", resume_adapter_file=file)
    with pytest.raises(AdapterError, match="does not fit this base with --rank 8"):
        run(replace(resumed, rank=8))
    with pytest.raises(AdapterError, match="another base"):
        run(replace(resumed, model=str(other_base)))
    (options.adapter_path / "card.json").unlink()
    with pytest.raises(AdapterError, match="another base"):
        run(replace(resumed, model=str(wide_base)))
    assert not (tmp_path / "second").exists()


def test_without_validation_rows_the_last_weights_are_kept(options: TrainOptions, rows: Path) -> None:
    (rows / "valid.jsonl").write_text("")
    result, reports = run(options)
    assert (result.best_iteration, result.val_loss) == (12, None)
    assert all(report.val_loss is None for report in reports)


def test_checkpointed_gradients_train_alike_and_do_not_stay(options: TrainOptions, tiny_base: Path) -> None:
    plain, _ = run(options)
    layer_type = type(mlx_lm.load(str(tiny_base))[0].layers[0])
    call = layer_type.__call__
    checkpointed, _ = run(replace(options, grad_checkpoint=True, optimizer="adam"))
    assert layer_type.__call__ is call
    assert checkpointed.train_loss == pytest.approx(plain.train_loss, rel=1e-4)


def test_adamw_on_the_last_layer_only(options: TrainOptions) -> None:
    run(replace(options, optimizer="adamw", num_layers=1, val_batches=1))
    weights = mx.load(str(options.adapter_path / "adapters.safetensors"))
    assert {name.split(".")[2] for name in weights} == {"1"}
    with pytest.raises(TrainingError, match="--num-layers is 3, and the base has 2"):
        run(replace(options, num_layers=3))


def test_a_cpu_trains_in_float32(options: TrainOptions, tiny_base: Path) -> None:
    base, model, _ = load_base(str(tiny_base))
    add_adapter(model, options, base)
    expected = mx.float32 if loop.prepare().dtype == "float32" else mx.float16
    assert {value.dtype for name, value in tree_flatten(model.parameters()) if "lora" not in name} == {expected}
    assert all("lora" in name for name in trainable_weights(model))


@pytest.mark.parametrize("missing", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_missing_file_of_the_base_is_named(
    options: TrainOptions, tiny_base: Path, tmp_path: Path, missing: str
) -> None:
    base = Path(shutil.copytree(tiny_base, tmp_path / "broken"))
    (base / missing).unlink()
    with pytest.raises(BaseModelError, match=f"has no {missing}"):
        run(replace(options, model=str(base)))
    with pytest.raises(BaseModelError, match="does not exist"):
        run(replace(options, model=str(tmp_path / "nowhere")))


def test_a_damaged_base_is_an_error_of_the_base(options: TrainOptions, tiny_base: Path, tmp_path: Path) -> None:
    base = Path(shutil.copytree(tiny_base, tmp_path / "broken"))
    (base / "config.json").write_text('{"model_type": "unheard-of"}')
    with pytest.raises(BaseModelError, match="cannot be loaded"):
        run(replace(options, model=str(base)))
    weights = base / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(BaseModelError, match=r"model\.safetensors is incomplete"):
        run(replace(options, model=str(base)))


def test_rows_are_read_before_the_model(options: TrainOptions, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"nowhere/train\.jsonl"):
        run(replace(options, data=tmp_path / "nowhere", model="no/such-model"))
