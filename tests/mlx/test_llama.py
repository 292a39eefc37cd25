"""A Llama read with numpy and OpenBLAS says what it says in MLX."""

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
from mlx_lm import load
from mlx_lm.models.llama import Model, ModelArgs
from mlx_lm.tuner.lora import LoRAEmbedding
from mlx_lm.tuner.utils import linear_to_lora_layers

from tenny_lsp import locations
from tenny_lsp.learning.options import TrainOptions
from tenny_lsp.learning.train import train
from tenny_lsp.worker import voice as voice_module
from tenny_lsp.worker.blas import multiply
from tenny_lsp.worker.greedy import MlxReader, greedy_tokens
from tenny_lsp.worker.llama import LlamaReader
from tenny_lsp.worker.openblas import products
from tenny_lsp.worker.plain_llama import is_plain_llama, transpose_weights
from tenny_lsp.worker.voice import Voice

pytestmark = pytest.mark.skipif(products() is None, reason="OpenBLAS is loaded on a Linux CPU only")

TOKENS = [5, 6, 7, 8, 90, 3, 3, 41, 17]
PROMPTS = (
    "Q: What is ReLU in mlx?\nA:",
    "Q: What does mx.take do?\nA:",
    "Q: Which arguments does nn.Linear take?\nA:",
    "import mlx.core as mx\n\nx = mx.",
    "mlx.nn.LayerNorm Applies layer normalization.\n\nQ: What is LayerNorm?\nA:",
    "mx.softmax(a, axis) Perform the softmax along the given axis.\n\nQ: What does mx.softmax return?\nA:",
    "class MLP(nn.Module):\n    def __init__(self",
    "Q: How do I compile a function?\nA:",
    "The gradient",
    "loss.backward()",
)


def llama(dtype: mx.Dtype = mx.float32, **changed: Any) -> Model:
    """A Llama of random weights with four heads, two of keys and values."""
    sizes = {"hidden_size": 32, "num_hidden_layers": 3, "intermediate_size": 48, "vocab_size": 96}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-5, "rope_theta": 500.0}
    mx.random.seed(4)
    model = Model(ModelArgs(**{"model_type": "llama", **sizes, **heads, **changed}))
    model.set_dtype(dtype)
    mx.eval(model.parameters())
    return model


def with_lora(model: Model, use_dora: bool = False) -> Model:
    linear_to_lora_layers(model, 2, {"rank": 4, "scale": 3.0, "dropout": 0.5}, use_dora=use_dora)
    for module in model.modules():
        if "lora_b" in module:
            module.lora_b = mx.random.normal(module.lora_b.shape) * 0.1
    model.eval()
    return model


def with_adapted_embeddings(model: Model) -> Model:
    model.model.embed_tokens = LoRAEmbedding.from_base(model.model.embed_tokens)
    return model


CHANGES: dict[str, Callable[[], Model]] = {
    "tied": llama,
    "untied": lambda: llama(tie_word_embeddings=False),
    "biases": lambda: llama(attention_bias=True, mlp_bias=True),
    "one group for each head": lambda: llama(num_key_value_heads=4),
    "a head of another size": lambda: llama(head_dim=16),
    "linear scaling of positions": lambda: llama(rope_scaling={"type": "linear", "factor": 2.0}),
    "LoRA": lambda: with_lora(llama()),
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_logits_are_those_of_mlx(name: str) -> None:
    model = CHANGES[name]()
    expected = np.asarray(model(mx.array([TOKENS]))[0])
    for _ in range(2):
        assert is_plain_llama(model)
        reader = LlamaReader(model)
        found = [reader.logits(tokens) for tokens in (TOKENS[:4], TOKENS[4:5], TOKENS[5:])]
        np.testing.assert_allclose(np.concatenate(found), expected, atol=2e-5, rtol=1e-4)
        transpose_weights(model)
    np.testing.assert_allclose(np.asarray(model(mx.array([TOKENS]))[0]), expected, atol=2e-5, rtol=1e-4)


def test_what_is_forgotten_was_never_read() -> None:
    model = llama()
    reader, expected = LlamaReader(model), LlamaReader(model)
    reader.read(TOKENS)
    reader.forget(4)
    expected.read(TOKENS[:5])

    np.testing.assert_allclose(reader.logits([11, 12]), expected.logits([11, 12]), atol=1e-5, rtol=1e-4)


def test_more_tokens_are_read_than_there_was_room_for() -> None:
    model, tokens = llama(), [place % 90 for place in range(700)]
    reader = LlamaReader(model)
    for start in range(0, 690, 30):
        reader.read(tokens[start : start + 30])

    expected = np.asarray(model(mx.array([tokens]))[0, 690:])
    np.testing.assert_allclose(reader.logits(tokens[690:]), expected, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize(
    "other",
    [
        lambda: llama(mx.float16),
        lambda: llama(layer_types=["full_attention", "sliding_attention", "full_attention"], sliding_window=4),
        lambda: llama(rope_traditional=True),
        lambda: llama(rope_scaling={"type": "llama3", "factor": 8.0, "original_max_position_embeddings": 64}),
        lambda: with_lora(llama(), use_dora=True),
        lambda: with_adapted_embeddings(llama()),
    ],
    ids=["float16", "sliding windows", "traditional RoPE", "Llama 3's RoPE", "DoRA", "LoRA of the embeddings"],
)
def test_mlx_reads_what_is_no_plain_llama(other: Callable[[], Model]) -> None:
    model = other()
    assert not is_plain_llama(model)
    text = list(TOKENS)
    for _ in range(8):
        text += MlxReader(model).likeliest(text)[-1:]
    assert [*TOKENS, *islice(greedy_tokens(model, TOKENS, lambda: None), 8)] == text


def test_the_embedded_base_writes_the_same_as_in_mlx() -> None:
    voice = Voice(locations.base_folder("embedded"), "float32")
    for prompt in PROMPTS:
        tokens = voice._prompt(prompt, False)
        reader, text = MlxReader(voice._model), list(tokens)
        reader.read(tokens[:-1])
        for _ in range(24):
            text += reader.likeliest(text[-1:])
        assert list(islice(greedy_tokens(voice._model, tokens, lambda: None), 24)) == text[len(tokens) :]


@pytest.mark.parametrize("train_type", ["lora", "full"])
def test_an_adapter_comes_and_goes(
    train_type: str, tiny_base: Path, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voice_module, "_SMALL_WEIGHTS", 0)  # as if it were large: its weights are laid out anew
    adapter = tmp_path / "adapter"
    options = TrainOptions(rows, adapter, str(tiny_base), iters=3, learning_rate=0.05, train_type=train_type)  # type: ignore[arg-type]
    train(options, lambda progress: None)
    voice = Voice(tiny_base, "float32")
    assert not memoryview(voice._model.layers[0].mlp.up_proj.weight).c_contiguous
    before = LlamaReader(voice._model).logits(TOKENS)
    voice.swap_adapter(str(adapter))
    assert is_plain_llama(voice._model)
    adapted = LlamaReader(voice._model).logits(TOKENS)
    expected, _ = load(str(tiny_base), adapter_path=str(adapter))
    expected.set_dtype(mx.float32)

    np.testing.assert_allclose(adapted, np.asarray(expected(mx.array([TOKENS]))[0]), atol=1e-4, rtol=1e-3)
    assert not np.allclose(adapted, before, atol=1e-2)
    voice.swap_adapter(None)
    assert np.array_equal(LlamaReader(voice._model).logits(TOKENS), before)


@pytest.mark.parametrize("rows", [1, 2, 9])
def test_products_are_those_of_numpy(rows: int) -> None:
    random = np.random.default_rng(0)
    left, right = (random.standard_normal(shape).astype(np.float32) for shape in ((rows, 48), (48, 80)))
    padded = random.standard_normal((3, 64, 48)).astype(np.float32)
    by_columns, part = np.asfortranarray(right), padded[1, :50].T
    beside = random.standard_normal((2, 96)).astype(np.float32).repeat(rows, 0)[:rows, ::2]  # every second column

    for one, other in ((left, right), (left, by_columns), (left, part), (beside, right), (left, right[:, :1])):
        np.testing.assert_allclose(multiply(one, other), one @ other, atol=1e-5, rtol=1e-4)
