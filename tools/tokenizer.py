"""Train the base model's tokenizer: sentencepiece pieces in a Hugging Face folder."""

import json
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece
from transformers import AutoTokenizer

from tools.parts import MIX, VOCABULARY_SIZE, rows_of

_CHARACTERS = 24_000_000


def train(corpus: Path, folder: Path) -> None:
    """Train the pieces on a sample of the mix; writes ``tokenizer.model`` and the Hugging Face files."""
    folder.mkdir(parents=True, exist_ok=True)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=_sample(corpus),
        model_prefix=str(folder / "tokenizer"),
        model_type="bpe",
        vocab_size=VOCABULARY_SIZE,
        byte_fallback=True,
        normalization_rule_name="identity",
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        allow_whitespace_only_pieces=True,
        split_digits=True,
        character_coverage=0.9995,
        max_sentence_length=8192,
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=3,
        pad_piece="<pad>",
        num_threads=2,
        minloglevel=1,
    )
    convert(folder)


def convert(folder: Path) -> None:
    """Write ``tokenizer.json`` beside ``tokenizer.model``; encoding adds no special token."""
    settings: dict[str, Any] = {
        "tokenizer_class": "TokenizersBackend",
        "model_max_length": 2048,
        "unk_token": "<unk>",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "pad_token": "<pad>",
        "add_bos_token": False,
        "add_eos_token": False,
        "clean_up_tokenization_spaces": False,
    }
    (folder / "config.json").write_text(json.dumps({"model_type": "llama", "vocab_size": VOCABULARY_SIZE}))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2))
    AutoTokenizer.from_pretrained(folder).save_pretrained(folder)
    (folder / "tokenizer.vocab").unlink(missing_ok=True)
    if not (folder / "tokenizer.model").exists():
        raise FileNotFoundError(f"{folder / 'tokenizer.model'} is gone")


def encode(corpus: Path, folder: Path) -> None:
    """Write each part as ``parts/NAME.npy`` (uint16 ids, ``</s>`` after each document) and its row starts.

    ``NAME.starts.npy`` holds the position of each document's first id.
    """
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    for path in sorted((corpus / "parts").glob("*.jsonl")):
        texts = list(rows_of(corpus, path.stem))
        encoded = pieces.encode(texts, num_threads=os.cpu_count())
        rows = [np.array([*ids, pieces.eos_id()], np.uint16) for ids in encoded]
        lengths = np.array([len(row) for row in rows])
        ids = np.concatenate(rows)
        np.save(path.with_suffix(".npy"), ids)
        np.save(path.with_suffix(".starts.npy"), np.concatenate([[0], np.cumsum(lengths)[:-1]]))
        characters = sum(map(len, texts))
        print(f"{path.stem}: {len(ids)} tokens, {characters / len(ids):.2f} characters a token")


def copy(folder: Path, target: Path) -> None:
    """Copy the tokenizer's files into a model's folder."""
    for name in ("tokenizer.model", "tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(folder / name, target / name)


def _sample(corpus: Path) -> Iterator[str]:
    """Yield pieces of at most 2000 characters from each part, by the weights of the mix."""
    for part, weight in MIX.items():
        budget = _CHARACTERS * weight / sum(MIX.values())
        texts = list(rows_of(corpus, part))
        random.Random(0).shuffle(texts)
        for text in texts:
            for start in range(0, len(text), 2000):
                budget -= len(text[start : start + 2000])
                yield text[start : start + 2000]
            if budget < 0:
                break
