"""Adapters of lora.py and PEFT, there and back, and models that an adapter is fused into."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx_lm
import numpy as np
import pytest

from tenny_lsp.errors import AdapterError, BaseModelError, StorageError
from tenny_lsp.learning.convert.adapters import export_adapter, import_adapter
from tenny_lsp.learning.convert.peft import read_peft
from tenny_lsp.learning.fuse import fuse
from tenny_lsp.learning.options import TrainOptions
from tenny_lsp.learning.train import train

PROMPT = mx.array([[70, 80, 90, 100, 110]])


@pytest.fixture
def adapter(tiny_base: Path, rows: Path, tmp_path: Path) -> Path:
    return trained(tiny_base, rows, tmp_path / "mine")


def trained(base: Path, rows: Path, folder: Path, **options: Any) -> Path:
    train(TrainOptions(rows, folder, str(base), iters=30, rank=4, learning_rate=1e-2, **options), lambda _: None)
    return folder


def logits(base: Path, adapter: Path | None = None) -> mx.array:
    model, *_ = mlx_lm.load(str(base), adapter_path=str(adapter) if adapter else None)
    found: mx.array = model(PROMPT).astype(mx.float32)
    return found


def weights(adapter: Path) -> dict[str, mx.array]:
    found = mx.load(str(adapter / "adapters.safetensors"))
    assert isinstance(found, dict)
    return found


def npz(adapter: Path, file: Path) -> Path:
    """Writes an adapter as lora.py does."""
    np.savez(file, **{name: np.array(value) for name, value in weights(adapter).items()})
    return file


def test_the_books_adapter_behaves_as_it_was_trained(adapter: Path, tiny_base: Path, tmp_path: Path) -> None:
    file = npz(adapter, tmp_path / "tenny.npz")
    config = import_adapter(file, tmp_path / "tenny", tiny_base, "tiny", scale=2.0)

    assert (config["num_layers"], config["lora_parameters"]["rank"]) == (2, 4)
    assert mx.allclose(logits(tiny_base, adapter), logits(tiny_base, tmp_path / "tenny"), atol=1e-5)


def test_a_file_of_lora_py_does_not_say_its_scale(adapter: Path, tiny_base: Path, tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match=r"Give --scale; lora\.py's default is 20"):
        import_adapter(npz(adapter, tmp_path / "a.npz"), tmp_path / "new", tiny_base, "tiny", scale=None)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"nothing", "cannot be read"),
        ({"weights": np.ones((2, 2))}, "is no matrix of a LoRA adapter"),
        ({"model.layers.1.q.lora_a": np.ones((2, 2))}, "has one of two matrices for layer 1, q"),
        ({"model.layers.1.q.lora_a": np.ones((2, 2)), "model.layers.1.q.lora_b": np.ones((3, 2))}, "do not fit"),
        (
            {"model.layers.0.q.lora_a": np.ones((2, 2)), "model.layers.0.q.lora_b": np.ones((2, 2))},
            "only the last layers",
        ),
        ({"model.layers.1.q.lora_a": np.array([{"a": 1}], dtype=object)}, "cannot be read"),
    ],
    ids=["no archive", "another name", "half", "sizes", "first layer", "pickle"],
)
def test_what_is_no_adapter_is_refused(content: Any, said: str, tiny_base: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.npz"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        np.savez(file, **content)
    with pytest.raises(AdapterError, match=said):
        import_adapter(file, tmp_path / "new", tiny_base, "tiny", scale=2.0)
    assert not (tmp_path / "new").exists()


def test_an_adapter_of_another_base_leaves_nothing_behind(adapter: Path, wide_base: Path, tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match=r"does not fit the base|another base"):
        import_adapter(npz(adapter, tmp_path / "a.npz"), tmp_path / "new", wide_base, "wide", scale=2.0)
    assert not [path for path in tmp_path.iterdir() if "new" in path.name]


@pytest.mark.parametrize("train_type", ["lora", "dora"])
def test_pefts_format_there_and_back(train_type: Any, tiny_base: Path, rows: Path, tmp_path: Path) -> None:
    own = trained(tiny_base, rows, tmp_path / "own", train_type=train_type, alpha=12.0)
    export_adapter(own, tmp_path / "peft", tiny_base, "tiny")
    config = json.loads((tmp_path / "peft" / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], config["use_dora"]) == (4, 12.0, train_type == "dora")

    import_adapter(tmp_path / "peft", tmp_path / "back", tiny_base, "tiny", scale=None)
    assert mx.allclose(logits(tiny_base, own), logits(tiny_base, tmp_path / "back"), atol=1e-5)


def peft_folder(folder: Path, config: dict[str, Any], ranks: dict[str, int]) -> Path:
    """Writes an adapter as PEFT does: ``lora_A`` is ``(rank, inputs)``, ``lora_B`` ``(outputs, rank)``."""
    folder.mkdir()
    random = np.random.default_rng(0)
    tensors = {}
    for layer in (0, 1):
        for projection, rank in ranks.items():
            name = f"base_model.model.model.layers.{layer}.self_attn.{projection}"
            tensors[f"{name}.lora_A.weight"] = mx.array(random.normal(size=(rank, 32)).astype(np.float32))
            tensors[f"{name}.lora_B.weight"] = mx.array(random.normal(size=(32, rank)).astype(np.float32))
    mx.save_safetensors(str(folder / "adapter_model.safetensors"), tensors)
    values = {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "bias": "none", **config}
    (folder / "adapter_config.json").write_text(json.dumps(values))
    return folder


def change(weights: dict[str, mx.array], module: str, scale: float) -> mx.array:
    return scale * (weights[f"{module}.lora_a"] @ weights[f"{module}.lora_b"])


@pytest.mark.parametrize("is_rslora", [False, True])
def test_patterns_of_rank_and_alpha_keep_every_change(is_rslora: bool, tmp_path: Path) -> None:
    patterns = {"rank_pattern": {"v_proj": 2}, "alpha_pattern": {r"layers\.1\.self_attn\.q_proj": 4}}
    folder = peft_folder(tmp_path / "peft", patterns | {"use_rslora": is_rslora}, {"q_proj": 8, "v_proj": 2})
    found, scale = read_peft(folder)
    raw = mx.load(str(folder / "adapter_model.safetensors"))
    assert isinstance(raw, dict)

    for layer, projection, alpha, rank in ((0, "q_proj", 16, 8), (1, "q_proj", 4, 8), (0, "v_proj", 16, 2)):
        module = f"model.layers.{layer}.self_attn.{projection}"
        one, other = (raw[f"base_model.model.{module}.lora_{part}.weight"] for part in "AB")
        expected = alpha / (rank**0.5 if is_rslora else rank) * (other @ one).T
        assert mx.allclose(change(found, module, scale), expected, rtol=1e-4, atol=1e-4)
    assert {value.shape[1] for name, value in found.items() if name.endswith("lora_a")} == {8}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"peft_type": "IA3"}, "of the kind IA3"),
        ({"bias": "all"}, "has bias 'all'"),
        ({"modules_to_save": ["lm_head"]}, "has modules_to_save"),
        ({"r": 4}, "has rank 8, and the configuration says 4"),
    ],
)
def test_what_cannot_be_carried_over_is_refused(config: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match=said):
        read_peft(peft_folder(tmp_path / "peft", config, {"q_proj": 8}))


def test_a_pickle_of_peft_is_not_opened(tmp_path: Path) -> None:
    folder = peft_folder(tmp_path / "peft", {}, {"q_proj": 8})
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    with pytest.raises(AdapterError, match="a pickle, which may run code"):
        read_peft(folder)


def test_a_fused_model_behaves_like_base_and_adapter(adapter: Path, tiny_base: Path, tmp_path: Path) -> None:
    fused = fuse(tiny_base, adapter, tmp_path / "fused")

    assert fused.changed > 0.01 and fused.lost < 0.01 * fused.changed
    assert mx.allclose(logits(tiny_base, adapter), logits(tmp_path / "fused"), atol=1e-2)
    with pytest.raises(StorageError, match="is there already"):
        fuse(tiny_base, adapter, tmp_path / "fused")


def test_a_change_that_would_be_lost_is_refused(
    adapter: Path, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlx_lm.tuner.lora import LoRALinear

    monkeypatch.setattr(LoRALinear, "fuse", lambda layer, dequantize=False: layer.linear)
    with pytest.raises(AdapterError, match="would lose 100% of what the adapter changes"):
        fuse(tiny_base, adapter, tmp_path / "fused")
    assert not (tmp_path / "fused").exists()


def test_an_adapter_of_names_that_the_base_has_not_is_refused(adapter: Path, tiny_base: Path, tmp_path: Path) -> None:
    file = tmp_path / "tenny.npz"
    np.savez(file, **{name.replace("self_attn", "mixer"): np.array(value) for name, value in weights(adapter).items()})
    with pytest.raises(AdapterError, match=r"The adapter .*/tenny\.npz does not fit the base: .*mixer"):
        import_adapter(file, tmp_path / "new", tiny_base, "tiny", scale=2.0)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_scale_that_makes_no_sense_is_refused(scale: float, adapter: Path, tiny_base: Path, tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="The scale is"):
        import_adapter(npz(adapter, tmp_path / "a.npz"), tmp_path / "new", tiny_base, "tiny", scale=scale)


def test_a_folder_that_is_no_base_is_named(adapter: Path, rows: Path, tmp_path: Path) -> None:
    with pytest.raises(BaseModelError, match=r"has no config\.json"):
        import_adapter(npz(adapter, tmp_path / "a.npz"), tmp_path / "new", rows, "rows", scale=2.0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"lora_alpha": "x"}, "adapter_config.json is damaged: could not convert"),
        ({"lora_alpha": 0}, "is 0, so that the adapter changes nothing"),
        ({"lora_alpha": None}, "adapter_config.json is damaged"),
        ({"alpha_pattern": {"(": 3}}, "adapter_config.json is damaged: missing )"),
        ({"alpha_pattern": [1]}, "adapter_config.json is damaged"),
    ],
)
def test_a_damaged_configuration_of_peft_is_named(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    folder = peft_folder(tmp_path / "peft", {"r": 4, "lora_alpha": 8, **change}, {"q_proj": 4})
    with pytest.raises(AdapterError, match=re.escape(said)):
        read_peft(folder)


def test_what_pefts_configuration_leaves_out_is_pefts_default(tmp_path: Path) -> None:
    folder = peft_folder(tmp_path / "peft", {}, {"q_proj": 8})
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA"}')

    assert read_peft(folder)[1] == 1.0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"lora_parameters": None}, "does not describe a LoRA adapter"),
        ({"num_layers": "x"}, "does not fit the base"),
        ({"lora_parameters": {"rank": "x", "scale": 2.0, "dropout": 0.0}}, "does not fit the base"),
    ],
)
def test_a_damaged_configuration_is_named_when_fusing(
    change: dict[str, Any], said: str, adapter: Path, tiny_base: Path, tmp_path: Path
) -> None:
    file = adapter / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(AdapterError, match=said):
        fuse(tiny_base, adapter, tmp_path / "fused")


def test_an_adapter_that_does_not_say_its_scale_is_not_exported(adapter: Path, tiny_base: Path, tmp_path: Path) -> None:
    file = adapter / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"lora_parameters": {"rank": 4}}))
    with pytest.raises(AdapterError, match="does not say its scale"):
        export_adapter(adapter, tmp_path / "peft", tiny_base, "tiny")


def test_a_base_that_cannot_be_loaded_is_named_when_fusing(
    rows: Path, make_base: Callable[[Path], Path], tmp_path: Path
) -> None:
    base = make_base(tmp_path / "base")
    adapter = trained(base, rows, tmp_path / "mine")
    (adapter / "card.json").unlink()
    config = json.loads((base / "config.json").read_text()) | {"model_type": "unheard"}
    (base / "config.json").write_text(json.dumps(config))
    with pytest.raises(BaseModelError, match="unheard"):
        fuse(base, adapter, tmp_path / "fused")


def test_what_is_no_number_is_neither_converted_nor_fused(adapter: Path, tiny_base: Path, tmp_path: Path) -> None:
    broken = {name: value * float("nan") for name, value in weights(adapter).items()}
    mx.save_safetensors(str(adapter / "adapters.safetensors"), broken)

    with pytest.raises(AdapterError, match="no number in"):
        import_adapter(npz(adapter, tmp_path / "a.npz"), tmp_path / "new", tiny_base, "tiny", scale=20.0)
    with pytest.raises(AdapterError, match="are not numbers"):
        fuse(tiny_base, adapter, tmp_path / "fused")
    assert not (tmp_path / "new").exists() and not (tmp_path / "fused").exists()


def test_what_does_not_exist_is_said_not_to(tiny_base: Path, tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="does not exist"):
        import_adapter(tmp_path / "no", tmp_path / "new", tiny_base, "tiny", scale=None)
