"""Models as Meta and Mistral publish them: ``consolidated.00.pth`` and ``params.json``."""

import json
import shutil
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx_lm
import numpy as np
import pytest
from sentencepiece import SentencePieceTrainer

from tenny_lsp.cli.main import main
from tenny_lsp.errors import BaseModelError
from tenny_lsp.learning.convert.model import convert_model
from tenny_lsp.learning.convert.options import ConvertOptions
from tests.mlx.torch_writer import Stored

PROMPT = mx.array([[70, 80, 90, 100, 110]])
HEADS = 2
#: Hugging Face's names → Meta's.
THEIRS = {
    "model.embed_tokens": "tok_embeddings",
    "model.norm": "norm",
    "lm_head": "output",
    "self_attn.q_proj": "attention.wq",
    "self_attn.k_proj": "attention.wk",
    "self_attn.v_proj": "attention.wv",
    "self_attn.o_proj": "attention.wo",
    "mlp.gate_proj": "feed_forward.w1",
    "mlp.down_proj": "feed_forward.w2",
    "mlp.up_proj": "feed_forward.w3",
    "input_layernorm": "attention_norm",
    "post_attention_layernorm": "ffn_norm",
    "model.layers": "layers",
}


def neighbours(weight: Any) -> Any:
    """Undoes what Hugging Face did to queries and keys: the pairs that are rotated stand side by side again."""
    rows, columns = weight.shape
    return weight.reshape(HEADS, 2, rows // HEADS // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def published(base: Path) -> dict[str, Any]:
    """Returns a base's tensors as Meta's files hold them."""
    weights = mx.load(str(base / "model.safetensors"))
    assert isinstance(weights, dict)
    found: dict[str, Any] = {"rope.freqs": np.ones(8, np.float16)}
    for name, value in weights.items():
        array = np.array(value)
        if "q_proj" in name or "k_proj" in name:
            array = neighbours(array)
        for ours, theirs in THEIRS.items():
            name = name.replace(ours, theirs)
        found[name] = array
    return found


def part(name: str, array: Any, number: int, count: int, *, words: bool) -> Any:
    """Returns a file's part of a tensor: rows of what is multiplied first, columns of what is multiplied next."""
    if "norm" in name or name == "rope.freqs":
        return array
    by_columns = "wo" in name or "w2" in name or (name.startswith("tok_") and not words)
    return np.ascontiguousarray(np.split(array, count, axis=1 if by_columns else 0)[number])


@pytest.fixture
def folder(wide_base: Path, tmp_path: Path) -> Path:
    """What is published, without its weights."""
    config = json.loads((wide_base / "config.json").read_text())
    source = tmp_path / "published"
    source.mkdir()
    params = {"dim": config["hidden_size"], "n_layers": 2, "n_heads": HEADS, "norm_eps": 1e-5, "vocab_size": -1}
    (source / "params.json").write_text(json.dumps(params))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(wide_base / name, source)
    return source


@pytest.mark.parametrize(("count", "words"), [(1, False), (2, False), (2, True)], ids=["one", "two", "two-of-llama-3"])
def test_the_model_is_the_same(
    count: int, words: bool, folder: Path, wide_base: Path, tmp_path: Path, write_torch: Callable[[Path, Any], Path]
) -> None:
    for number in range(count):
        rows = {
            name: Stored(part(name, array, number, count, words=words), "HalfStorage")
            for name, array in published(wide_base).items()
        }
        write_torch(folder / f"consolidated.{number:02d}.pth", OrderedDict(rows))
    convert_model(folder, tmp_path / "new", ConvertOptions())

    expected, actual = (mlx_lm.load(str(base))[0](PROMPT) for base in (wide_base, tmp_path / "new"))
    assert mx.array_equal(expected, actual)


def test_the_command_quantises_what_mistral_publishes(folder: Path, wide_base: Path, tmp_path: Path) -> None:
    tensors = {name: mx.array(array) for name, array in published(wide_base).items()}
    mx.save_safetensors(str(folder / "consolidated.safetensors"), tensors)
    params = json.loads((folder / "params.json").read_text())
    (folder / "params.json").write_text(json.dumps(params | {"sliding_window": 4096, "n_kv_heads": 2}))
    with pytest.raises(SystemExit) as ended:
        main(["convert", str(folder), str(tmp_path / "new"), "-q", "--q-bits", "8", "--q-group-size", "32"])

    config = json.loads((tmp_path / "new" / "config.json").read_text())
    assert ended.value.code == 0 and config["quantization"]["bits"] == 8
    assert (config["model_type"], config["sliding_window"], config["num_key_value_heads"]) == ("mistral", 4096, 2)


def test_a_tokenizer_of_sentencepiece_is_enough(folder: Path, wide_base: Path, tmp_path: Path) -> None:
    tensors = {name: mx.array(array) for name, array in published(wide_base).items()}
    mx.save_safetensors(str(folder / "consolidated.safetensors"), tensors)
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").unlink()
    with pytest.raises(BaseModelError, match=r"tokenizer\.model is no tokenizer of SentencePiece's"):
        convert_model(folder, tmp_path / "new", ConvertOptions())
    assert not (tmp_path / "new").exists()

    text = tmp_path / "text.txt"
    text.write_text("To be, or not to be, that is the question of mlx arrays and lazy graphs.\n" * 20)
    SentencePieceTrainer.Train(
        input=str(text), model_prefix=str(folder / "tokenizer"), vocab_size=60, model_type="bpe", minloglevel=2
    )
    convert_model(folder, tmp_path / "new", ConvertOptions())
    _, tokenizer, *_ = mlx_lm.load(str(tmp_path / "new"))
    ids = tokenizer.encode("to be lazy")
    assert ids[0] == 1 and tokenizer.decode(ids[1:]).strip() == "to be lazy"
    assert (tokenizer.bos_token, tokenizer.eos_token) == ("<s>", "</s>")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"dim": None, "moe": {"num_experts": 8}}, "has moe, which cannot be converted"),
        ({"use_scaled_rope": True}, "has use_scaled_rope, which cannot be converted"),
    ],
)
def test_other_architectures_are_refused(
    changed: dict[str, Any], said: str, folder: Path, wide_base: Path, tmp_path: Path
) -> None:
    mx.save_safetensors(str(folder / "consolidated.safetensors"), {"norm.weight": mx.ones(4)})
    params = json.loads((folder / "params.json").read_text())
    (folder / "params.json").write_text(json.dumps(params | changed))
    with pytest.raises(BaseModelError, match=said):
        convert_model(folder, tmp_path / "new", ConvertOptions())


def test_what_does_not_fit_is_named(folder: Path, wide_base: Path, tmp_path: Path) -> None:
    file, new = str(folder / "consolidated.safetensors"), tmp_path / "new"
    tensors = {name: mx.array(array) for name, array in published(wide_base).items()}
    mx.save_safetensors(file, tensors | {"layers.0.attention.wq.bias": mx.ones(4)})
    with pytest.raises(BaseModelError, match=r"layers\.0\.attention\.wq\.bias is none of Llama's"):
        convert_model(folder, new, ConvertOptions())
    mx.save_safetensors(file, {name: value for name, value in tensors.items() if "w1" not in name})
    with pytest.raises(BaseModelError, match=r"weights lack model\.layers\.0\.mlp\.gate_proj\.weight"):
        convert_model(folder, new, ConvertOptions())
    for text, said in (("{", "cannot be read"), ("[]", "does not say dim, n_layers, n_heads"), ("{}", "does not say")):
        (folder / "params.json").write_text(text)
        with pytest.raises(BaseModelError, match=said):
            convert_model(folder, new, ConvertOptions())
    assert not new.exists()
