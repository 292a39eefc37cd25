"""GGUF files become folders with the same weights, the same tokens and the same words; damaged ones become errors."""

import json
import re
import shutil
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlx.utils import tree_flatten
from mlx_lm import load
from mlx_lm.models import llama, qwen2, qwen3
from tokenizers import Tokenizer
from transformers import AutoTokenizer

from tenny_lsp.errors import BaseModelError, StorageError
from tenny_lsp.learning.adapter import check_base
from tenny_lsp.learning.convert.gguf import GgufModel, convert_gguf
from tenny_lsp.learning.convert.gguf_header import read_header
from tenny_lsp.locations import embedded_base
from tests.mlx.gguf_writer import Floats, Tensor, as_tensor, model_metadata, model_tensors, write_gguf

TEXTS = [
    "Q: What is mx.abs in mlx?\nA: 12345 and 6,789.0",
    "x\r\ny\r\n\tz  \n\n  ",
    "½ é 你好 🦊 👩‍👩‍👧",
    "don't I'LL we've",
    "",
]
FILES = ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
#: Every architecture's rotation needs the same ids; llama's own rows are permuted.
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 64, "num_attention_heads": 2}
SMALL |= {"num_key_value_heads": 1, "rms_norm_eps": 1e-5, "vocab_size": 384, "tie_word_embeddings": False}
MODELS = {"llama": llama, "qwen2": qwen2, "qwen3": qwen3}


def weights_of(folder: Path) -> dict[str, Floats]:
    loaded = mx.load(str(folder / "model.safetensors"))
    return {name: np.array(value.astype(mx.float32)) for name, value in loaded.items()}


def config_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "config.json").read_text())


def tokenizer_metadata(folder: Path, **changes: Any) -> dict[str, Any]:
    """Returns what a GGUF file says of the tokenizer in a folder."""
    content = json.loads((folder / "tokenizer.json").read_text())
    vocabulary = {**content["model"]["vocab"], **{t["content"]: t["id"] for t in content["added_tokens"]}}
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    special = {token["content"] for token in content["added_tokens"] if token["special"]}
    ggml = {
        "model": "gpt2",
        "pre": "gpt-2",
        "tokens": tokens,
        "token_type": [3 if token in special else 1 for token in tokens],
        "merges": [" ".join(merge) for merge in content["model"]["merges"]],
        "eos_token_id": vocabulary["</s>"],
        "padding_token_id": vocabulary["<pad>"],
    } | changes
    return {f"tokenizer.ggml.{key}": value for key, value in ggml.items()}


def tiny(base: Path, type_name: str = "F16") -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Returns the metadata and the tensors of a file that converts."""
    tensors, _ = model_tensors(weights_of(base), config_of(base), type_name)
    return model_metadata(config_of(base)) | tokenizer_metadata(base), tensors


def convert(file: Path, **options: Any) -> tuple[Path, GgufModel]:
    folder = file.with_suffix("")
    folder.mkdir()
    return folder, convert_gguf(file, folder, **options)


def logits(folder: Path, replaced: dict[str, Floats] | None = None) -> mx.array:
    model, _ = load(str(folder))
    if replaced is not None:
        model.load_weights([(name, mx.array(value)) for name, value in replaced.items()])
    model.set_dtype(mx.float32)
    return model(mx.array([[5, 17, 300, 42, 7, 381, 2, 99]]))


def error_of(file: Path, **options: Any) -> str:
    folder = file.with_suffix("")
    folder.mkdir(exist_ok=True)
    with pytest.raises(BaseModelError) as caught:
        convert_gguf(file, folder, **options)
    assert caught.value.next_step.endswith(".")
    return str(caught.value)


@pytest.mark.parametrize(
    ("type_name", "described"),
    [("F16", "float16"), ("Q8_0", "8 bits"), ("Q4_0", "4 bits"), ("Q4_1", "4 bits")],
)
def test_the_base_there_and_back(type_name: str, described: str, tmp_path: Path) -> None:
    base = embedded_base()
    tensors, held = model_tensors(weights_of(base), config_of(base), type_name)
    metadata = model_metadata(config_of(base)) | tokenizer_metadata(base, model="llama", bos_token_id=1)

    folder, model = convert(write_gguf(tmp_path / "base.gguf", metadata, tensors), tokenizer=base)

    assert model == GgufModel("Tiny", "llama", "mit", described)
    check_base(folder)
    found, wanted = logits(folder), logits(base, held)
    if type_name == "F16":
        assert mx.array_equal(found, wanted) and mx.array_equal(found, logits(base))
    else:
        assert mx.abs(found - wanted).max().item() < 2e-4
    ours, theirs = (AutoTokenizer.from_pretrained(path) for path in (folder, base))
    assert [ours.encode(text) for text in TEXTS] == [theirs.encode(text) for text in TEXTS]
    written = config_of(folder)
    assert (written["bos_token_id"], written["eos_token_id"], written["pad_token_id"]) == (1, [2], 3)
    assert written["rms_norm_eps"] == 1e-5


@pytest.mark.parametrize("architecture", MODELS)
def test_each_architecture_computes_the_same(architecture: str, tiny_base: Path, tmp_path: Path) -> None:
    config = SMALL | {"model_type": architecture, "max_position_embeddings": 128, "rope_theta": 10000.0}
    if architecture != "qwen2":
        config["head_dim"] = 32
    if architecture == "llama":
        config["attention_bias"] = True
    mx.random.seed(1)
    module = MODELS[architecture]
    model = module.Model(module.ModelArgs.from_dict(config))
    model.load_weights([(name, mx.random.normal(value.shape) / 4) for name, value in tree_flatten(model.parameters())])
    weights = {name: np.array(value) for name, value in tree_flatten(model.parameters())}
    tensors, _ = model_tensors(weights, config, "F32")
    pre = "llama-bpe" if architecture == "llama" else "qwen2"
    metadata = model_metadata(config) | tokenizer_metadata(tiny_base, pre=pre)

    folder, described = convert(write_gguf(tmp_path / "model.gguf", metadata, tensors))

    # Neither library takes the architecture's own tokenizer instead.
    plain = Tokenizer.from_file(str(folder / "tokenizer.json"))
    for tokenizer in (AutoTokenizer.from_pretrained(folder), load(str(folder))[1]):
        assert [tokenizer.encode(text) for text in TEXTS] == [plain.encode(text).ids for text in TEXTS]
    assert (described.architecture, described.quantization) == (architecture, "float32")
    assert mx.array_equal(logits(folder), model(mx.array([[5, 17, 300, 42, 7, 381, 2, 99]])))


def test_the_bits_are_those_of_mlx(tiny_base: Path, tmp_path: Path) -> None:
    for type_name in ("F32", "F16", "Q8_0", "Q4_0", "Q4_1"):
        file = write_gguf(tmp_path / f"{type_name}.gguf", *tiny(tiny_base, type_name))
        ours, theirs = mx.load(str(convert(file)[0] / "model.safetensors")), mx.load(str(file))

        assert len(ours) == len(theirs)
        for kind in ("weight", "scales", "biases") if type_name.startswith("Q") else ("weight",):
            found, wanted = ours[f"model.layers.1.mlp.up_proj.{kind}"], theirs[f"blk.1.ffn_up.{kind}"]
            assert found.dtype == wanted.dtype and mx.array_equal(found, wanted)


def test_mixed_bits_and_an_output_of_its_own(wide_base: Path, tmp_path: Path) -> None:
    config = config_of(wide_base)
    tensors, held = model_tensors(weights_of(wide_base), config, "Q4_1", embeddings="Q8_0")
    tensors["blk.0.ffn_up.weight"], held["model.layers.0.mlp.up_proj.weight"] = as_tensor(
        weights_of(wide_base)["model.layers.0.mlp.up_proj.weight"], "F16"
    )
    metadata = model_metadata(config) | tokenizer_metadata(wide_base)

    folder, model = convert(write_gguf(tmp_path / "mixed.gguf", metadata, tensors))

    assert model.quantization == "4 bits and float16, embeddings 8 bits"
    eight = {"group_size": 32, "bits": 8}
    assert config_of(folder)["quantization"] == {"group_size": 32, "bits": 4, "model.embed_tokens": eight}
    assert not config_of(folder)["tie_word_embeddings"]
    assert mx.abs(logits(folder) - logits(wide_base, held)).max().item() < 2e-4


def test_the_tokenizer_and_the_template_come_along(tiny_base: Path, tmp_path: Path) -> None:
    metadata, tensors = tiny(tiny_base)
    metadata["tokenizer.chat_template"] = "{% for m in messages %}{{ m['content'] }}</s>{% endfor %}"
    folder, _ = convert(write_gguf(tmp_path / "model.gguf", metadata, tensors))

    ours, theirs = (AutoTokenizer.from_pretrained(path) for path in (folder, tiny_base))
    for text in [*TEXTS, "a</s>b"]:
        assert ours.encode(text) == theirs.encode(text)
        assert ours.decode(ours.encode(text)) == text
    assert (ours.eos_token, ours.pad_token) == ("</s>", "<pad>")
    chat = ours.apply_chat_template([{"role": "user", "content": "hi"}], tokenize=False)
    assert chat == "hi</s>"
    assert sorted(file.name for file in folder.iterdir()) == FILES


@pytest.mark.parametrize(
    ("pre", "pieces"),
    [
        ("gpt-2", ["ab", "ĠC", "'t", "Ġ1234567"]),
        ("smollm", ["ab", "ĠC", "'t", "Ġ", "1", "2", "3", "4", "5", "6", "7"]),
        ("qwen2", ["ab", "ĠC", "'t", "Ġ", "1", "2", "3", "4", "5", "6", "7"]),
        ("llama-bpe", ["ab", "ĠC", "'t", "Ġ", "123", "456", "7"]),
    ],
)
def test_a_text_is_split_as_the_file_says(pre: str, pieces: list[str], tiny_base: Path, tmp_path: Path) -> None:
    metadata, tensors = tiny(tiny_base)
    file = write_gguf(tmp_path / "model.gguf", metadata | {"tokenizer.ggml.pre": pre}, tensors)
    tokenizer = Tokenizer.from_file(str(convert(file)[0] / "tokenizer.json"))

    split = [piece for piece, _ in tokenizer.pre_tokenizer.pre_tokenize_str("ab C't 1234567")]
    assert split == pieces
    for text in TEXTS:
        assert tokenizer.decode(tokenizer.encode(text).ids, skip_special_tokens=False) == text
    assert (tokenizer.normalizer is not None) == (pre == "qwen2")


def test_a_token_begins_and_others_end_a_text(tiny_base: Path, tmp_path: Path) -> None:
    metadata, tensors = tiny(tiny_base)
    metadata["tokenizer.ggml.tokens"][370] = "<|eot_id|>"
    metadata["tokenizer.ggml.tokens"][371] = "<tool>"
    metadata["tokenizer.ggml.token_type"][370:372] = [3, 4]
    metadata["tokenizer.ggml.merges"] = metadata["tokenizer.ggml.merges"][:100]
    begin = {"bos_token_id": 0, "add_bos_token": True, "eom_token_id": 9}
    metadata |= {f"tokenizer.ggml.{key}": value for key, value in begin.items()}

    folder, _ = convert(write_gguf(tmp_path / "model.gguf", metadata, tensors))

    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.encode("a<tool><|eot_id|>")[0] == 0
    assert tokenizer.encode("a<tool><|eot_id|>")[-2:] == [371, 370]
    assert tokenizer.encode("a", add_special_tokens=False)[0] != 0
    ids = tokenizer.encode("a<tool><|eot_id|>")
    assert tokenizer.decode(ids, skip_special_tokens=True) == "a<tool>"
    assert config_of(folder)["eos_token_id"] == [1, 9, 370]
    assert json.loads((folder / "generation_config.json").read_text())["eos_token_id"] == [1, 9, 370]
    assert load(str(folder))[1].eos_token_ids == {1, 9, 370}


def test_one_file_gives_the_same_bytes(tiny_base: Path, tmp_path: Path) -> None:
    first = write_gguf(tmp_path / "first.gguf", *tiny(tiny_base, "Q4_0"))
    second = Path(shutil.copyfile(first, tmp_path / "second.gguf"))
    ours, again = (convert(file)[0] for file in (first, second))

    assert [(ours / name).read_bytes() for name in FILES] == [(again / name).read_bytes() for name in FILES]


def test_bfloat16_stays_what_it_is(tiny_base: Path, tmp_path: Path) -> None:
    weights = weights_of(tiny_base)
    weights["model.embed_tokens.weight"][3, 5] = 1e5
    tensors, held = model_tensors(weights, config_of(tiny_base), "BF16")
    metadata, _ = tiny(tiny_base)
    folder, model = convert(write_gguf(tmp_path / "model.gguf", metadata, tensors))

    found = mx.load(str(folder / "model.safetensors"))["model.embed_tokens.weight"]
    assert found.dtype == mx.bfloat16 and model.quantization == "bfloat16"
    assert found[3, 5].item() == held["model.embed_tokens.weight"][3, 5] > 65504


@pytest.mark.parametrize("type_name", ["F16", "F32", "BF16", "Q8_0"])
def test_infinite_numbers_are_refused(type_name: str, tiny_base: Path, tmp_path: Path) -> None:
    metadata, tensors = tiny(tiny_base, type_name)
    infinite = {"F16": b"\x00\x7c", "F32": b"\x00\x00\x80\x7f", "BF16": b"\x80\x7f", "Q8_0": b"\x00\x7c"}[type_name]
    whole = tensors["blk.1.ffn_down.weight"]
    tensors["blk.1.ffn_down.weight"] = replace(whole, data=infinite + whole.data[len(infinite) :])

    assert "blk.1.ffn_down.weight" in error_of(write_gguf(tmp_path / "model.gguf", metadata, tensors))


def test_what_mlx_reads_wrong_is_read_right(tiny_base: Path, tmp_path: Path) -> None:
    metadata, tensors = tiny(tiny_base)
    plain = convert(write_gguf(tmp_path / "plain.gguf", metadata, tensors))[0]
    odd = {"some.double": np.float64(0.5), "some.long": np.int64(-3), "general.alignment": 64, "empty": []} | metadata
    other = convert(write_gguf(tmp_path / "odd.gguf", odd, tensors, alignment=64, version=2))[0]

    assert (other / "model.safetensors").read_bytes() == (plain / "model.safetensors").read_bytes()


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.1, 0.5, 0.9, 0.999])
def test_a_file_cut_short_is_incomplete(share: float, tiny_base: Path, tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "model.gguf", *tiny(tiny_base, "Q8_0"))
    whole = file.read_bytes()
    file.write_bytes(whole[: max(4, int(len(whole) * share))])

    assert "is incomplete" in error_of(file)


def test_what_is_no_gguf_file(tmp_path: Path) -> None:
    (tmp_path / "empty.gguf").touch()
    (tmp_path / "other.gguf").write_bytes(b"PK\x03\x04" + bytes(64))
    (tmp_path / "folder.gguf").mkdir()

    assert "is not a GGUF file" in error_of(tmp_path / "empty.gguf")
    assert "is not a GGUF file" in error_of(tmp_path / "other.gguf")
    assert "cannot be read" in error_of(tmp_path / "folder.gguf")
    assert "cannot be read" in error_of(tmp_path / "missing.gguf")


def test_other_versions_and_big_endian(tmp_path: Path) -> None:
    assert "version 1" in error_of(write_gguf(tmp_path / "old.gguf", {}, {}, version=1))
    assert "version 4" in error_of(write_gguf(tmp_path / "new.gguf", {}, {}, version=4))
    assert "big-endian" in error_of(write_gguf(tmp_path / "big.gguf", {}, {}, order=">"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"split.count": 3}, "one of several"),
        ({"general.architecture": "gemma3"}, "gemma3"),
        ({"llama.expert_count": 8}, "llama.expert_count"),
        ({"llama.attention.head_count": 3}, "3 heads that share 2 pairs"),
        ({"llama.block_count": 2**32 - 1}, "blk.2.attn_norm.weight is missing"),
        ({"llama.block_count": 1}, "blk.1"),
        ({"llama.embedding_length": 64}, "token_embd.weight"),
        ({"llama.embedding_length": "wide"}, "llama.embedding_length"),
        ({"llama.rope.dimension_count": 8}, "llama.rope.dimension_count"),
        ({"llama.rope.scaling.type": "longrope", "llama.rope.scaling.factor": 2.0}, "longrope"),
        ({"llama.rope.scaling.factor": 2.0}, "llama.rope.scaling.type None with factor"),
        ({"llama.rope.scale_linear": 2.0}, "llama.rope.scale_linear"),
        ({"llama.rope.scaling.type": "yarn", "llama.rope.scaling.factor": 2.0}, "original_context_length"),
        ({"llama.attention.layer_norm_rms_epsilon": float("nan")}, "llama.attention.layer_norm_rms_epsilon"),
        ({"general.alignment": 3}, "general.alignment"),
        ({"tokenizer.ggml.model": "llama"}, "--tokenizer FOLDER"),
        ({"tokenizer.ggml.pre": "tekken"}, "tekken.*--tokenizer FOLDER"),
        ({"tokenizer.ggml.eos_token_id": 384}, "tokenizer.ggml.eos_token_id"),
        ({"tokenizer.ggml.merges": ["Ġ nothing"]}, "merge"),
        ({"tokenizer.ggml.tokens": ["a", "a"]}, "token_type"),
        ({"tokenizer.ggml.add_bos_token": True}, "begin"),
    ],
)
def test_metadata_that_cannot_be_used(changes: dict[str, Any], message: str, tiny_base: Path, tmp_path: Path) -> None:
    metadata, tensors = tiny(tiny_base)
    error = error_of(write_gguf(tmp_path / "model.gguf", metadata | changes, tensors))

    assert re.search(message, error)


@pytest.mark.parametrize(
    "key",
    [
        "general.architecture",
        "llama.embedding_length",
        "llama.block_count",
        "llama.feed_forward_length",
        "llama.attention.head_count",
        "llama.attention.layer_norm_rms_epsilon",
        "llama.context_length",
        "llama.rope.freq_base",
        "tokenizer.ggml.model",
        "tokenizer.ggml.pre",
        "tokenizer.ggml.tokens",
        "tokenizer.ggml.token_type",
        "tokenizer.ggml.merges",
        "tokenizer.ggml.eos_token_id",
    ],
)
def test_a_missing_key_is_named(key: str, tiny_base: Path, tmp_path: Path) -> None:
    metadata, tensors = tiny(tiny_base)
    metadata["tokenizer.ggml.token_type"] = [1] * 384  # so that no token ends a text by its name
    del metadata[key]

    assert key in error_of(write_gguf(tmp_path / "model.gguf", metadata, tensors))


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        ("blk.1.ffn_up.weight", None, "blk.1.ffn_up.weight is missing"),
        ("token_embd.weight", None, "token_embd.weight is missing"),
        ("blk.1.ffn_up.weight", Tensor(99, (64, 32), bytes(4096)), "type 99"),
        ("blk.1.ffn_up.weight", Tensor(12, (16, 256), bytes(4096)), "type Q4_K"),
        ("blk.1.ffn_up.weight", Tensor(1, (32, 64), bytes(4096)), "(32, 64) and not (64, 32)"),
        ("blk.1.ffn_up.weight", Tensor(1, (64, 2**60), bytes(4096)), "damaged"),
        ("blk.1.ffn_up.weight", Tensor(1, (64, 0), b""), "damaged"),
        ("blk.1.ffn_up.weight", Tensor(8, (64, 33), bytes(4096)), "damaged"),
        ("blk.1.ffn_up.weight", Tensor(1, (2**30, 2**30), bytes(4096)), "is incomplete"),
        ("output_norm.weight", Tensor(8, (32,), bytes(34)), "type Q8_0"),
        ("rope_freqs.weight", Tensor(0, (8,), bytes(32)), "rope_freqs.weight"),
        ("blk.0.ffn_up_exps.weight", Tensor(0, (8,), bytes(32)), "blk.0.ffn_up_exps.weight"),
    ],
)
def test_tensors_that_cannot_be_used(
    name: str, tensor: Tensor | None, message: str, tiny_base: Path, tmp_path: Path
) -> None:
    metadata, tensors = tiny(tiny_base)
    if tensor is None:
        del tensors[name]
    else:
        tensors[name] = tensor

    assert message in error_of(write_gguf(tmp_path / "model.gguf", metadata, tensors))


def test_names_that_appear_twice(tiny_base: Path, tmp_path: Path) -> None:
    metadata, tensors = tiny(tiny_base)
    file = write_gguf(tmp_path / "model.gguf", metadata, tensors)
    whole = file.read_bytes()

    file.write_bytes(whole.replace(b"blk.0.attn_q.weight", b"blk.0.attn_k.weight"))
    assert "blk.0.attn_k.weight appears twice" in error_of(file)
    file.write_bytes(whole.replace(b"tokenizer.ggml.merges", b"tokenizer.ggml.tokens"))
    assert "tokenizer.ggml.tokens appears twice" in error_of(file)


def test_absurd_counts_end_at_once(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    most = 2**64 - 1
    array = struct.pack("<Q", 1) + b"k" + struct.pack("<IIQ", 9, 0, most)
    for content in (
        struct.pack("<IQQ", 3, most, 0),
        struct.pack("<IQQ", 3, 0, most),
        struct.pack("<IQQ", 3, 0, 1) + array,
        struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", most),
    ):
        file.write_bytes(b"GGUF" + content + bytes(64))
        assert error_of(file)


def test_a_tokenizer_of_another_model_is_refused(tiny_base: Path, wide_base: Path, tmp_path: Path) -> None:
    metadata, tensors = tiny(tiny_base)
    file = write_gguf(tmp_path / "model.gguf", metadata, tensors)

    assert "is not that of" in error_of(file, tokenizer=embedded_base())
    assert "has no tokenizer.json" in error_of(file, tokenizer=tmp_path)
    other = Path(shutil.copytree(wide_base, tmp_path / "other"))
    for content in ("[]", "{", '{"model": {"vocab": 3}}', '{"model": {"vocab": {"a": "b"}}, "added_tokens": []}'):
        (other / "tokenizer.json").write_text(content)
        assert "tokenizer.json" in error_of(file, tokenizer=other)
    without = {key: value for key, value in metadata.items() if not key.startswith("tokenizer.")}
    file = write_gguf(tmp_path / "bare.gguf", without, tensors)
    assert "384 embeddings" in error_of(file, tokenizer=embedded_base())
    convert_gguf(file, tmp_path / "bare", tokenizer=tiny_base)
    assert mx.array_equal(logits(tmp_path / "bare"), logits(tiny_base))


def test_rope_scaling_is_passed_on(tiny_base: Path, tmp_path: Path) -> None:
    metadata, tensors = tiny(tiny_base)
    scaling = {"type": "linear", "factor": 4.0}
    linear = metadata | {f"llama.rope.scaling.{key}": value for key, value in scaling.items()}
    folder, _ = convert(write_gguf(tmp_path / "linear.gguf", linear, tensors))
    assert config_of(folder)["rope_scaling"] == {"rope_type": "linear", "factor": 4.0}
    scaling = {"type": "yarn", "factor": 4.0, "original_context_length": 32}
    yarn = metadata | {f"llama.rope.scaling.{key}": value for key, value in scaling.items()}
    folder, _ = convert(write_gguf(tmp_path / "yarn.gguf", yarn, tensors))

    assert config_of(folder)["rope_scaling"]["original_max_position_embeddings"] == 32
    assert load(str(folder))[0].layers[0].self_attn.rope._freqs.size == 8
    none = write_gguf(tmp_path / "none.gguf", metadata | {"llama.rope.scaling.type": "none"}, tensors)
    assert "rope_scaling" not in config_of(convert(none)[0])


def test_a_folder_that_is_not_there(tiny_base: Path, tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "model.gguf", *tiny(tiny_base))

    with pytest.raises(StorageError, match="nowhere"):
        convert_gguf(file, tmp_path / "nowhere")
    with pytest.raises(StorageError, match="nowhere"):
        convert_gguf(file, tmp_path / "nowhere", tokenizer=tiny_base)


@pytest.fixture(scope="module")
def small_file(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path) -> Path:
    return write_gguf(tmp_path_factory.mktemp("fuzz") / "model.gguf", *tiny(tiny_base, "Q4_0"))


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_bytes_convert_or_say_why_not(data: st.DataObject, small_file: Path) -> None:
    whole = bytearray(small_file.read_bytes())
    header_size = min(info.byte_offset for info in read_header(small_file).tensors.values())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(4, header_size - 1))
        whole[place] = data.draw(st.integers(0, 255))
    end = data.draw(st.one_of(st.just(len(whole)), st.integers(0, len(whole))))
    file = small_file.with_name("fuzzed.gguf")
    file.write_bytes(whole[:end])
    folder = small_file.with_name("fuzzed")
    folder.mkdir(exist_ok=True)

    try:
        convert_gguf(file, folder)
    except BaseModelError as error:
        assert error.what and error.next_step
