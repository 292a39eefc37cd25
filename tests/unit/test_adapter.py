import errno
import json
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
from safetensors.numpy import save_file

from tenny_lsp.errors import AdapterError, BaseModelError, StorageError
from tenny_lsp.learning.adapter import check_adapter, check_base, check_replaceable, save_adapter

LAYER = "model.layers.0.self_attn.q_proj"
CONFIG = {"fine_tune_type": "lora", "num_layers": -1, "lora_parameters": {"rank": 2, "scale": 2.0, "dropout": 0.0}}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = tmp_path / "base"
    folder.mkdir()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_text("{}")
    save_file({f"{LAYER}.weight": np.zeros((6, 4), np.float32)}, folder / "model.safetensors")
    return folder


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps(CONFIG))
    write_weights(folder)
    return folder


def write_weights(folder: Path, inputs: int = 4, outputs: int = 6) -> None:
    weights = {"lora_a": np.zeros((inputs, 2), np.float32), "lora_b": np.zeros((2, outputs), np.float32)}
    save_file({f"{LAYER}.{name}": value for name, value in weights.items()}, folder / "adapters.safetensors")


def write_text(stream: BinaryIO) -> None:
    stream.write(b"weights")


def content(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_whole_base_and_its_adapter_pass(base: Path, adapter: Path) -> None:
    check_base(base)
    check_adapter(adapter, base)


@pytest.mark.parametrize("missing", ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"])
def test_what_a_base_lacks_is_named(base: Path, missing: str) -> None:
    (base / missing).unlink()
    with pytest.raises(BaseModelError, match=f"has no {missing}"):
        check_base(base)


def test_every_part_of_a_base_must_be_there(base: Path) -> None:
    index = {"weight_map": {"a": "model.safetensors", "b": "model-00002.safetensors"}}
    (base / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(BaseModelError, match=r"has no model-00002\.safetensors"):
        check_base(base)


@pytest.mark.parametrize("missing", ["adapter_config.json", "adapters.safetensors"])
def test_what_an_adapter_lacks_is_named(base: Path, adapter: Path, missing: str) -> None:
    (adapter / missing).unlink()
    with pytest.raises(AdapterError, match=f"has no {missing}"):
        check_adapter(adapter, base)


@pytest.mark.parametrize("kept_bytes", [0, 5, 60, -1])
def test_weights_cut_short_are_seen(base: Path, adapter: Path, kept_bytes: int) -> None:
    weights = adapter / "adapters.safetensors"
    weights.write_bytes(weights.read_bytes()[:kept_bytes])
    with pytest.raises(AdapterError, match=r"adapters\.safetensors is (not a safetensors file|incomplete)"):
        check_adapter(adapter, base)


def test_a_configuration_of_something_else_is_refused(base: Path, adapter: Path) -> None:
    (adapter / "adapter_config.json").write_text('{"r": 8, "peft_type": "LORA"}')
    with pytest.raises(AdapterError, match="does not describe a LoRA adapter"):
        check_adapter(adapter, base)


@pytest.mark.parametrize(("inputs", "outputs"), [(5, 6), (4, 7)])
def test_layers_of_other_sizes_are_of_another_base(base: Path, adapter: Path, inputs: int, outputs: int) -> None:
    write_weights(adapter, inputs, outputs)
    with pytest.raises(AdapterError, match="made for another base"):
        check_adapter(adapter, base)


def test_of_a_quantised_base_only_the_outputs_are_compared(base: Path, adapter: Path) -> None:
    packed = {"weight": np.zeros((6, 1), np.uint32), "scales": np.zeros((6, 1), np.float16)}
    save_file({f"{LAYER}.{name}": value for name, value in packed.items()}, base / "model.safetensors")
    check_adapter(adapter, base)
    write_weights(adapter, outputs=7)
    with pytest.raises(AdapterError, match="made for another base"):
        check_adapter(adapter, base)


def test_the_card_decides_between_bases_of_one_size(base: Path, adapter: Path) -> None:
    made_for = sha256((base / "model.safetensors").read_bytes()).hexdigest()
    (adapter / "card.json").write_text(json.dumps({"base": {"sha256": made_for}}))
    check_adapter(adapter, base)
    (adapter / "card.json").write_text(json.dumps({"base": {"sha256": "0" * 64}}))
    with pytest.raises(AdapterError, match="made for another base"):
        check_adapter(adapter, base)


def test_a_saved_adapter_replaces_the_old_one_whole(adapter: Path) -> None:
    save_adapter(adapter, write_text, CONFIG, {"seed": 3})
    saved = content(adapter.parent)
    assert sorted(saved) == [f"adapter/{name}" for name in ("adapter_config.json", "adapters.safetensors", "card.json")]
    assert json.loads(saved["adapter/card.json"]) == {"seed": 3}
    assert [path.name for path in adapter.parent.iterdir()] == ["adapter"]


@pytest.mark.parametrize("failing", ["weights", "config", "sync", "swap"])
def test_whatever_fails_the_old_adapter_stays(adapter: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    before = content(adapter.parent)
    config: dict[str, Any] = dict(CONFIG)

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    rename = Path.rename

    def fail_to_rename_the_new(path: Path, target: Path) -> Path:
        return fail() if ".new-" in path.name else rename(path, target)  # type: ignore[func-returns-value, return-value]

    if failing == "sync":
        monkeypatch.setattr("os.fsync", fail)
    elif failing == "swap":
        monkeypatch.setattr(Path, "rename", fail_to_rename_the_new)
    elif failing == "config":
        monkeypatch.setattr(json, "dumps", fail)
    with pytest.raises(StorageError, match="No space left on device"):
        save_adapter(adapter, fail if failing == "weights" else write_text, config, {})
    assert content(adapter.parent) == before
    assert [path.name for path in adapter.parent.iterdir()] == ["adapter"]


def test_an_adapter_lost_between_two_renames_is_found_again(adapter: Path) -> None:
    before = content(adapter)
    adapter.rename(adapter.with_name(".adapter.old"))
    check_replaceable(adapter)
    assert content(adapter) == before


def test_only_adapters_may_be_replaced(adapter: Path, tmp_path: Path) -> None:
    check_replaceable(adapter)
    check_replaceable(tmp_path / "new" / "folder")
    (adapter / "0000100_adapters.safetensors").write_bytes(b"a checkpoint")
    with pytest.raises(StorageError, match=r"holds files that are no adapter \(0000100_adapters\.safetensors\)"):
        check_replaceable(adapter)
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be used"):
        check_replaceable(tmp_path / "file")
