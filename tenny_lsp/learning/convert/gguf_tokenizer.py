"""Write the tokenizer of a GGUF file as transformers stores one, or copy that of a folder. Imports no MLX."""

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from tenny_lsp.errors import BaseModelError
from tenny_lsp.learning.convert.gguf_header import GgufHeader

_NORMAL, _CONTROL, _USER_DEFINED = 1, 3, 4
_END_TOKENS = ("<|endoftext|>", "<|im_end|>", "<|eot_id|>", "</s>")
_END_KEYS = ("tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id")
_ROLES = {"bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "pad_token": "padding"}

_NEEDED_FILES = ("tokenizer.json", "tokenizer_config.json")
_OTHER_FILES = ("tokenizer.model", "special_tokens_map.json", "chat_template.*")

_WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+"
_REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


@dataclass(frozen=True, slots=True)
class SpecialIds:
    """The ids that a model's configuration names; ``ends`` are all that end an answer."""

    ends: list[int]
    bos: int | None = None
    pad: int | None = None

    def fields(self) -> dict[str, Any]:
        """Return the fields of ``config.json``, which are also those of ``generation_config.json``."""
        values = {"bos_token_id": self.bos, "eos_token_id": self.ends, "pad_token_id": self.pad}
        return {name: value for name, value in values.items() if value is not None}


def write_tokenizer(header: GgufHeader, folder: Path, vocab_size: int) -> SpecialIds:
    """Write ``tokenizer.json`` and ``tokenizer_config.json`` into a folder.

    Args:
        header (GgufHeader): The file's header.
        folder (Path): An existing folder.
        vocab_size (int): Rows of the embeddings.

    Raises:
        BaseModelError: The file describes no tokenizer, or none that can be rebuilt.
        OSError: Nothing can be written.
    """
    tokens = header.texts("tokenizer.ggml.tokens")
    ids = {token: number for number, token in enumerate(tokens)}
    types = _types(header, tokens)
    if len(ids) < len(tokens) or len(tokens) > vocab_size:
        raise _unusable(header, f"{len(tokens)} tokens, {len(ids)} of them different, for {vocab_size} embeddings")
    tokenizer = _bpe(header, ids)
    added = [_added(token, kind) for token, kind in zip(tokens, types, strict=True) if token and kind in (3, 4)]
    tokenizer.add_tokens(added)
    roles = {role: _id(header, f"tokenizer.ggml.{name}_token_id", len(tokens)) for role, name in _ROLES.items()}
    bos = roles["bos_token"]
    if header.metadata.get("tokenizer.ggml.add_bos_token") is True:
        # A template's grammar gives these two signs a meaning.
        if bos is None or {"$", ":"} & set(tokens[bos]):
            raise _unusable(header, "no token to begin a text with")
        tokenizer.post_processor = processors.TemplateProcessing(
            single=[tokens[bos], "$A"], pair=[tokens[bos], "$A", "$B"], special_tokens=[(tokens[bos], bos)]
        )
    (folder / "tokenizer.json").write_bytes(tokenizer.to_str(pretty=True).encode())
    config: dict[str, Any] = {"tokenizer_class": "TokenizersBackend"}
    config |= {role: tokens[number] for role, number in roles.items() if number is not None}
    config |= {"clean_up_tokenization_spaces": False}
    if "tokenizer.chat_template" in header.metadata:
        config["chat_template"] = header.text("tokenizer.chat_template")
    write_json(folder / "tokenizer_config.json", config)
    control = {token: number for token, number in ids.items() if types[number] == _CONTROL}
    return SpecialIds(_ends(header, control, len(tokens)), bos, roles["pad_token"])


def copy_tokenizer(source: Path, header: GgufHeader, folder: Path, vocab_size: int) -> SpecialIds:
    """Copy a tokenizer in Hugging Face's format, after a check that it is the one that the model learned with.

    Args:
        source (Path): The folder with ``tokenizer.json`` and ``tokenizer_config.json``.
        header (GgufHeader): The file's header, whose tokens must be the tokenizer's if it has any.
        folder (Path): Where to copy it.
        vocab_size (int): Rows of the embeddings.

    Raises:
        BaseModelError: A file is missing or damaged, or it is the tokenizer of another model.
        OSError: Nothing can be written.
    """
    for name in _NEEDED_FILES:
        if not (source / name).is_file():
            raise BaseModelError(f"The tokenizer in {source} has no {name}", "Give the folder of the original model.")
    config = _read_object(source / "tokenizer_config.json")
    ids, special = _vocabulary(source / "tokenizer.json")
    _check_same_tokens(source, ids, header, vocab_size)
    for pattern in (*_NEEDED_FILES, *_OTHER_FILES):
        for file in sorted(source.glob(pattern)):
            shutil.copyfile(file, folder / file.name)
    roles = {role: ids.get(_content(config.get(role))) for role in _ROLES}
    ends = _ends(header, special, vocab_size, first=roles["eos_token"])
    return SpecialIds(ends, roles["bos_token"], roles["pad_token"])


def write_json(file: Path, content: dict[str, Any]) -> None:
    """Write a JSON object, readable and with one line end at its end."""
    file.write_bytes(json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n")


def _bpe(header: GgufHeader, ids: dict[str, int]) -> Tokenizer:
    """Return a byte-level BPE tokenizer that splits text as the file's ``tokenizer.ggml.pre`` says."""
    model = header.text("tokenizer.ggml.model")
    if model != "gpt2":
        raise _unusable(header, f"a tokenizer of the kind {model}")
    pre = header.text("tokenizer.ggml.pre")
    merges = []
    for merge in header.texts("tokenizer.ggml.merges"):
        left, _, right = merge.partition(" ")
        if not ids.keys() >= {left, right, left + right}:
            raise _unusable(header, f"the merge {merge!r} of tokens it does not have")
        merges.append((left, right))
    tokenizer = Tokenizer(models.BPE(ids, merges, ignore_merges=pre == "llama-bpe"))
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.pre_tokenizer = _pre_tokenizer(header, pre)
    if pre == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    return tokenizer


def _pre_tokenizer(header: GgufHeader, pre: str) -> pre_tokenizers.PreTokenizer:
    """Return what splits a text into words.

    Source: ``llm_tokenizer_bpe`` of llama.cpp's ``src/llama-vocab.cpp``.
    """
    words = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    pieces = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    if pre in ("gpt-2", "default"):
        return words
    if pre == "smollm":
        return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), words])
    digits = {"qwen2": r"\p{N}", "llama-bpe": r"\p{N}{1,3}"}.get(pre)
    if digits is None:
        raise _unusable(header, f"the pre-tokenizer {pre}")
    split = pre_tokenizers.Split(Regex(f"{_WORDS}|{digits}|{_REST}"), behavior="isolated")
    return pre_tokenizers.Sequence([split, pieces])


def _added(token: str, kind: int) -> AddedToken:
    return AddedToken(token, special=kind == _CONTROL, normalized=False)


def _types(header: GgufHeader, tokens: list[str]) -> list[int]:
    types = header.metadata.get("tokenizer.ggml.token_type")
    if not isinstance(types, list) or len(types) != len(tokens):
        raise _unusable(header, "no tokenizer.ggml.token_type for each token")
    return types


def _id(header: GgufHeader, key: str, count: int) -> int | None:
    if key not in header.metadata:
        return None
    if (number := header.integer(key, minimum=0)) >= count:
        raise _unusable(header, f"{key} {number} beyond its {count} tokens")
    return number


def _ends(header: GgufHeader, control: dict[str, int], count: int, first: int | None = None) -> list[int]:
    """Return the ids that end an answer, the tokenizer's own first.

    Raises:
        BaseModelError: There is none: an answer would never end.
    """
    named: Iterable[int | None] = (control.get(token) for token in _END_TOKENS)
    found = [first, *(_id(header, key, count) for key in _END_KEYS), *named]
    ends = list(dict.fromkeys(number for number in found if number is not None))
    if not ends:
        raise _unusable(header, "no tokenizer.ggml.eos_token_id")
    return ends


def _check_same_tokens(source: Path, ids: dict[str, int], header: GgufHeader, vocab_size: int) -> None:
    tokens = header.metadata.get("tokenizer.ggml.tokens", [])
    types = header.metadata.get("tokenizer.ggml.token_type", [])
    normal = {token: number for number, (token, kind) in enumerate(zip(tokens, types, strict=False)) if kind == _NORMAL}
    other = next((token for token, number in normal.items() if ids.get(token) != number), None)
    if max(ids.values(), default=0) >= vocab_size or other is not None:
        reason = f"it gives {other!r} another id" if other is not None else f"the model has {vocab_size} embeddings"
        raise BaseModelError(
            f"The tokenizer in {source} is not that of {header.file}: {reason}",
            "Give the folder of the model that the GGUF file was made from.",
        )


def _vocabulary(file: Path) -> tuple[dict[str, int], dict[str, int]]:
    """Return the ids by token in a ``tokenizer.json``, and those of the special tokens among them."""
    content = _read_object(file)
    try:
        pieces = content["model"]["vocab"]
        # A Unigram model lists its pieces with their scores.
        ids = {piece: number for number, (piece, _) in enumerate(pieces)} if isinstance(pieces, list) else dict(pieces)
        ids |= {token["content"]: token["id"] for token in content["added_tokens"]}
        special = {token["content"]: token["id"] for token in content["added_tokens"] if token["special"]}
    except (KeyError, TypeError, ValueError) as error:
        raise BaseModelError(f"{file} holds no vocabulary", "Download the tokenizer again.") from error
    if not all(isinstance(number, int) for number in ids.values()):
        raise BaseModelError(f"{file} holds no vocabulary", "Download the tokenizer again.")
    return ids, special


def _read_object(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BaseModelError(f"{file} cannot be read: {error}", "Download the tokenizer again.") from error
    if not isinstance(content, dict):
        raise BaseModelError(f"{file} is not a JSON object", "Download the tokenizer again.")
    return content


def _content(token: Any) -> str:
    """Return the text of a token in ``tokenizer_config.json``, which may be an object."""
    return str(token.get("content", "") if isinstance(token, dict) else token or "")


def _unusable(header: GgufHeader, what: str) -> BaseModelError:
    return BaseModelError(
        f"{header.file} has {what}: its tokenizer cannot be rebuilt",
        "Give the original model's tokenizer with --tokenizer FOLDER.",
    )
