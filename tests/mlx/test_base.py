"""The embedded base model: small, whole, and the same to mlx-lm and to transformers."""

from pathlib import Path

import mlx.core as mx
import pytest
from mlx_lm import load
from transformers import AutoConfig, AutoTokenizer

from tenny_lsp.model.prompts import hover_question, prompt_of

BASE = Path(__file__).parents[2] / "tenny_lsp" / "base"
CODE = """class MLP(nn.Module):
    def __call__(self, x: mx.array) -> mx.array:
\treturn nn.gelu(x[..., 1:-1]) * 0.5  # ½ "é" 你好 🦊

"""
DOCSTRING = r"""Applies  an affine transformation.

  .. math::

    y = x W^\top + b

Args:
    input_dims (int): ``D_i``
"""
TEXTS = [
    CODE,
    DOCSTRING,
    prompt_of(hover_question("nn.ReLU")),
    "x\r\ny\x00 ",
    "mx.fast.scaled_dot_product_attention(q, k, v)",
]


@pytest.fixture(scope="module")
def loaded():
    return load(str(BASE))


def test_stays_under_thirty_megabytes():
    assert sum(file.stat().st_size for file in BASE.rglob("*") if file.is_file()) <= 30_000_000


def test_weights_are_float16():
    weights = mx.load(str(BASE / "model.safetensors"))
    assert {array.dtype for array in weights.values()} == {mx.float16}


def test_mlx_lm_loads_it_and_its_logits_are_numbers(loaded):
    model, tokenizer = loaded
    logits = model(mx.array([tokenizer.encode(prompt_of(hover_question("nn.ReLU")))]))
    assert logits.shape[-1] == AutoConfig.from_pretrained(BASE).vocab_size
    assert mx.all(mx.isfinite(logits)).item()


def test_continues_an_import_as_mlx_code_does(loaded):
    model, tokenizer = loaded
    logits = model(mx.array([tokenizer.encode("import mlx.core as mx\nimport mlx.nn as")]))
    assert tokenizer.decode([mx.argmax(logits[0, -1]).item()]) == " nn"


@pytest.mark.parametrize("text", TEXTS)
def test_tokenizer_gives_every_text_back(loaded, text):
    _, tokenizer = loaded
    assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("text", TEXTS)
def test_mlx_lm_and_transformers_tokenise_alike(loaded, text):
    _, tokenizer = loaded
    assert tokenizer.encode(text) == AutoTokenizer.from_pretrained(BASE).encode(text)


def test_streamed_pieces_join_to_the_text(loaded):
    _, tokenizer = loaded
    detokenizer = tokenizer.detokenizer
    detokenizer.reset()
    for token in tokenizer.encode(CODE):
        detokenizer.add_token(token)
    detokenizer.finalize()
    assert detokenizer.text == CODE


def test_everyone_agrees_what_ends_a_text(loaded):
    _, tokenizer = loaded
    config = AutoConfig.from_pretrained(BASE)
    assert tokenizer.eos_token_ids == {config.eos_token_id}
    assert AutoTokenizer.from_pretrained(BASE).eos_token_id == config.eos_token_id


def test_transformers_predicts_what_mlx_lm_predicts(loaded):
    torch = pytest.importorskip("torch")
    from transformers import AutoModelForCausalLM

    model, tokenizer = loaded
    ids = tokenizer.encode(CODE)
    theirs = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32)(torch.tensor([ids])).logits[0].argmax(-1)
    ours = mx.argmax(model(mx.array([ids]))[0], axis=-1).tolist()
    same = sum(a == b for a, b in zip(ours, theirs.tolist(), strict=True))
    assert same >= 0.95 * len(ids)  # float16 rounds; near ties may fall either way
