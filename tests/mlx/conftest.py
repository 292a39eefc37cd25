"""A tiny Llama with random weights and a tokenizer made on the fly; MLX's runtime is prepared first."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tenny_lsp.learning.options import TrainOptions
from tenny_lsp.model.runtime import prepare

prepare()

import mlx.core as mx  # noqa: E402
from mlx.utils import tree_flatten  # noqa: E402
from mlx_lm.models.llama import Model, ModelArgs  # noqa: E402
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers  # noqa: E402
from transformers import PreTrainedTokenizerFast  # noqa: E402

from tests.mlx.torch_writer import write_torch  # noqa: E402

__all__ = ["write_torch"]

WORDS = {
    "mx.abs": "Element-wise absolute value.",
    "mx.exp": "Element-wise exponential.",
    "mx.zeros": "Construct an array of zeros.",
    "mx.ones": "Construct an array of ones.",
    "nn.ReLU": "Applies the rectified linear unit.",
    "nn.Linear": "Applies an affine transformation to the input.",
    "optim.Adam": "The Adam optimizer.",
    "optim.SGD": "The stochastic gradient descent optimizer.",
}


def write_base(folder: Path, *, seed: int = 0, hidden_size: int = 32, tied: bool = True) -> Path:
    """Writes a base of about 40 thousand weights, in the float16 of the embedded one."""
    folder.mkdir(parents=True)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=384,
        special_tokens=["<pad>", "</s>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator([f"Q: What is {name}?\nA: {text}" for name, text in WORDS.items()], trainer)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="</s>", pad_token="<pad>").save_pretrained(folder)
    config = {
        "model_type": "llama",
        "hidden_size": hidden_size,
        "num_hidden_layers": 2,
        "intermediate_size": 64,
        "num_attention_heads": 2,
        "rms_norm_eps": 1e-5,
        "vocab_size": tokenizer.get_vocab_size(),
        "eos_token_id": tokenizer.token_to_id("</s>"),
        "tie_word_embeddings": tied,
    }
    (folder / "config.json").write_text(json.dumps(config))
    mx.random.seed(seed)
    model = Model(ModelArgs.from_dict(config))
    model.set_dtype(mx.float16)
    mx.save_safetensors(str(folder / "model.safetensors"), dict(tree_flatten(model.parameters())))
    return folder


def write_rows(file: Path, names: list[str], question: str = "What is {} in mlx?") -> Path:
    """Writes a row for each name, as ``tenny-lsp build-dataset`` does."""
    rows = [
        {"prompt": f"Q: {question.format(name)}\nA:", "completion": f" {WORDS[name]}", "kind": "what"} for name in names
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.fixture
def make_base() -> Callable[[Path], Path]:
    """What writes a base of one's own, to be changed."""
    return write_base


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_base(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def other_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base of the same sizes and other weights."""
    return write_base(tmp_path_factory.mktemp("models") / "other", seed=1)


@pytest.fixture(scope="session")
def wide_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base of other sizes, whose output layer is not its embedding."""
    return write_base(tmp_path_factory.mktemp("models") / "wide", hidden_size=64, tied=False)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A dataset of eight rows; validation and test ask for the same names in other words."""
    folder = tmp_path / "rows"
    folder.mkdir()
    write_rows(folder / "train.jsonl", list(WORDS))
    write_rows(folder / "valid.jsonl", list(WORDS)[:5], "What does {} do?")
    write_rows(folder / "test.jsonl", list(WORDS)[5:], "What does {} do?")
    return folder


@pytest.fixture
def options(tiny_base: Path, rows: Path, tmp_path: Path) -> TrainOptions:
    """A training of a second."""
    return TrainOptions(
        data=rows,
        adapter_path=tmp_path / "adapters" / "mine",
        model=str(tiny_base),
        iters=12,
        batch_size=3,
        rank=4,
        learning_rate=1e-2,
        steps_per_report=4,
        steps_per_eval=4,
    )
