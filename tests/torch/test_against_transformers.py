"""Converted models and adapters against PyTorch, transformers and PEFT: ``pip install torch peft`` first."""

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")
transformers = pytest.importorskip("transformers")

from tests.mlx.conftest import write_base  # noqa: E402, I001  # MLX is prepared there
from tests.mlx.test_meta import THEIRS  # noqa: E402
import mlx.core as mx  # noqa: E402
import mlx_lm  # noqa: E402
import numpy as np  # noqa: E402

from tenny_lsp.learning.convert.adapters import export_adapter, import_adapter  # noqa: E402
from tenny_lsp.learning.convert.model import convert_model  # noqa: E402
from tenny_lsp.learning.convert.options import ConvertOptions  # noqa: E402
from tenny_lsp.learning.fuse import fuse  # noqa: E402
from tenny_lsp.learning.options import TrainOptions  # noqa: E402
from tenny_lsp.learning.train import train  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")  # of PEFT, about transformers

TOKENS = [[70, 80, 90, 100, 110, 120]]
SIZES = {
    "vocab_size": 384,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 128,
}
GROUPED = SIZES | {"num_key_value_heads": 2}
#: Model type → its configuration, small; Phi as Phi-2 has it, with partial rotary embeddings and biases.
MODELS: dict[str, dict[str, Any]] = {
    "phi": SIZES | {"partial_rotary_factor": 0.4, "layer_norm_eps": 1e-5},
    "llama": GROUPED,
    "mistral": GROUPED | {"sliding_window": None},
    "qwen2": GROUPED,
    "qwen3": GROUPED | {"head_dim": 16},
    "gemma": GROUPED | {"head_dim": 16},
    "gpt2": {"vocab_size": 384, "n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 128},
}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write_base(tmp_path / "base", hidden_size=64)


def theirs(folder: Path, adapter: Path | None = None) -> Any:
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    if adapter is not None:
        model = peft.PeftModel.from_pretrained(model, str(adapter)).eval()
    with torch.no_grad():
        return model(torch.tensor(TOKENS)).logits.numpy()


def ours(folder: Path, adapter: Path | None = None) -> Any:
    model, *_ = mlx_lm.load(str(folder), adapter_path=str(adapter) if adapter else None)
    model.set_dtype(mx.float32)
    return np.array(model(mx.array(TOKENS)))


def random_model(kind: str, folder: Path, tokenizer: Path, *, as_pickle: bool = False) -> Path:
    """Writes a model of random weights as transformers writes it."""
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(transformers.AutoConfig.for_model(kind, **MODELS[kind]))
    model.save_pretrained(folder)
    if as_pickle:
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
        (folder / "model.safetensors").unlink()
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((tokenizer / name).read_bytes())
    return folder


@pytest.mark.parametrize("as_pickle", [False, True], ids=["safetensors", "bin"])
@pytest.mark.parametrize("kind", MODELS)
def test_a_converted_model_predicts_what_transformers_predicts(
    kind: str, as_pickle: bool, base: Path, tmp_path: Path, record_property: Any
) -> None:
    source = random_model(kind, tmp_path / kind, base, as_pickle=as_pickle)
    convert_model(source, tmp_path / "new", ConvertOptions())

    error = float(np.abs(theirs(source) - ours(tmp_path / "new")).max())
    record_property("largest_error", error)
    assert error < 1e-3, error


@pytest.mark.parametrize("count", [1, 2])
def test_what_meta_publishes_predicts_the_same(count: int, base: Path, tmp_path: Path) -> None:
    source = random_model("llama", tmp_path / "source", base)
    weights = transformers.AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32).state_dict()
    folder = tmp_path / "published"
    folder.mkdir()
    for number in range(count):
        torch.save(published(weights, number, count), folder / f"consolidated.{number:02d}.pth")
    params = {"dim": 64, "n_layers": 2, "n_heads": 4, "n_kv_heads": 2, "norm_eps": 1e-6}
    (folder / "params.json").write_text(json.dumps(params))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((base / name).read_bytes())
    convert_model(folder, tmp_path / "new", ConvertOptions())

    assert np.abs(theirs(source) - ours(tmp_path / "new")).max() < 1e-3


def published(weights: dict[str, Any], number: int, count: int) -> dict[str, Any]:
    """Returns a file's part of the weights under Meta's names, with neighbours to be rotated."""
    found = {}
    for name, value in weights.items():
        heads = 4 if "q_proj" in name else 2
        if "q_proj" in name or "k_proj" in name:
            rows, columns = value.shape
            value = value.reshape(heads, 2, rows // heads // 2, columns).transpose(1, 2).reshape(rows, columns)
        for ours_, theirs_ in THEIRS.items():
            name = name.replace(ours_, theirs_)
        if "norm" not in name:
            by_columns = any(part in name for part in ("wo", "w2", "tok_"))
            value = value.chunk(count, dim=1 if by_columns else 0)[number].clone()
        found[name] = value
    return found


@pytest.mark.parametrize("train_type", ["lora", "dora"])
def test_peft_predicts_the_same_with_an_adapter_of_ours(
    train_type: Any, base: Path, rows: Path, tmp_path: Path
) -> None:
    adapter = tmp_path / "mine"
    options = TrainOptions(rows, adapter, str(base), iters=20, rank=4, learning_rate=1e-2, train_type=train_type)
    train(options, lambda _: None)
    export_adapter(adapter, tmp_path / "peft", base, "tiny")

    changed = np.abs(ours(base, adapter) - ours(base)).max()
    assert np.abs(theirs(base, tmp_path / "peft") - ours(base, adapter)).max() < 0.01 * changed


@pytest.mark.parametrize("options", [{}, {"use_rslora": True}, {"use_dora": True}, {"rank_pattern": {"v_proj": 2}}])
def test_an_adapter_of_peft_predicts_the_same_here(options: dict[str, Any], base: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    config = peft.LoraConfig(
        r=4,
        lora_alpha=12,
        target_modules=["q_proj", "v_proj"],
        init_lora_weights=False,
        task_type="CAUSAL_LM",
        **options,
    )
    peft.get_peft_model(model, config).save_pretrained(tmp_path / "peft")
    import_adapter(tmp_path / "peft", tmp_path / "mine", base, "tiny", scale=None)

    changed = np.abs(ours(base, tmp_path / "mine") - ours(base)).max()
    assert changed > 0.01
    assert np.abs(theirs(base, tmp_path / "peft") - ours(base, tmp_path / "mine")).max() < 0.01 * changed


def test_transformers_loads_a_fused_model(base: Path, rows: Path, tmp_path: Path) -> None:
    adapter = tmp_path / "mine"
    train(TrainOptions(rows, adapter, str(base), iters=20, rank=4, learning_rate=1e-2), lambda _: None)
    fuse(base, adapter, tmp_path / "fused")

    assert json.loads((tmp_path / "fused" / "config.json").read_text())["model_type"] == "llama"
    assert np.abs(theirs(tmp_path / "fused") - ours(base, adapter)).max() < 0.05
