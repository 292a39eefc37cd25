"""Start without what mlx-lm imports and a worker does not use: transformers, the trainer, images, NumPy.

Importing transformers and huggingface_hub takes four fifths of the worker's start, for a class that wraps
``tokenizer.json``. Where a base's tokenizer is nothing but that file, modules with the few names that mlx-lm imports
replace both libraries. The trainer, which mlx-lm imports to load an adapter, what reads images, and NumPy for both are
half of what is left. The replacements are installed before mlx-lm is imported and only in the worker's process.
"""

import importlib
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from tokenizers import Tokenizer

#: What a chat template calls that only transformers has.
_CALLS = re.compile(r"strftime_now|raise_exception|tojson|generation\s*%}")
#: Tokenizer classes that add nothing to ``tokenizer.json``.
_PLAIN = ("TokenizersBackend", "PreTrainedTokenizerFast")
#: Modules of mlx-lm that train, print on a terminal and read images.
_UNUSED = ("mlx_lm.tuner.trainer", "mlx_lm.cli_ui", "mlx_lm.processors")


class PlainTokenizer:
    """The methods of a transformers tokenizer that mlx-lm calls, over ``tokenizer.json``.

    Args:
        folder (str | Path): The model's folder, with ``tokenizer.json`` and ``tokenizer_config.json``.
    """

    def __init__(self, folder: str | Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
        self.init_kwargs: dict[str, Any] = json.loads((Path(folder) / "tokenizer_config.json").read_text("utf-8"))
        self.clean_up_tokenization_spaces = bool(self.init_kwargs.get("clean_up_tokenization_spaces"))
        self.bos_token: str | None = self.init_kwargs.get("bos_token")
        end: str | None = self.init_kwargs.get("eos_token")
        self.eos_token_id = self._tokenizer.token_to_id(end) if end else None
        self.vocab: dict[str, int] = self._tokenizer.get_vocab()
        template = self.init_kwargs.get("chat_template")
        self.chat_template = template if isinstance(template, str) else None

    @classmethod
    def from_pretrained(cls, folder: str | Path, **_: object) -> "PlainTokenizer":
        """Return the tokenizer in a folder."""
        return cls(folder)

    @classmethod
    def register(cls, *_: object, **__: object) -> None:
        """Do nothing: a plain tokenizer needs no class of its own."""

    def get_vocab(self) -> dict[str, int]:
        """Return the ids by piece."""
        return self.vocab

    def encode(self, text: str, add_special_tokens: bool = True, **_: object) -> list[int]:
        """Return the ids of a text."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=add_special_tokens).ids
        return ids

    def decode(self, ids: list[int], **_: object) -> str:
        """Return the text of ids, special tokens included."""
        text: str = self._tokenizer.decode(ids, skip_special_tokens=False)
        return text

    def __len__(self) -> int:
        return len(self.vocab)

    def convert_tokens_to_ids(self, token: str) -> int | None:
        """Return the id of a piece."""
        return self.vocab.get(token)

    def convert_ids_to_tokens(self, ids: list[int]) -> list[str | None]:
        """Return the pieces of ids."""
        return [self._tokenizer.id_to_token(number) for number in ids]

    def apply_chat_template(
        self,
        conversation: list[dict[str, str]],
        tokenize: bool = False,
        add_generation_prompt: bool = False,
        return_dict: bool = False,  # noqa: ARG002 - of tokens, which are not asked for
        **options: object,
    ) -> str:
        """Return the text of messages in the chat template, which runs in a sandbox as in transformers.

        Raises:
            ValueError: The tokenizer has no template, or tokens are asked for.
        """
        if self.chat_template is None or tokenize:
            raise ValueError("this tokenizer has no chat template, or is asked for more than text")
        # Not every base has a template.
        from jinja2.ext import loopcontrols
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
        special = {name: value for name, value in self.init_kwargs.items() if name.endswith("_token")}
        template = environment.from_string(self.chat_template)
        given = {"tools": None, "documents": None, **special, **options}
        return template.render(messages=conversation, add_generation_prompt=add_generation_prompt, **given)


def lighten(base: Path) -> bool:
    """Install the replacements if the base's tokenizer is a plain one; return whether they are installed.

    Do nothing once the real library is imported.
    """
    if "transformers" in sys.modules or not _is_plain(base):
        return False
    names = ("AutoTokenizer", "PreTrainedTokenizer", "PreTrainedTokenizerFast", "PreTrainedTokenizerBase")
    _replace("transformers", dict.fromkeys(names, PlainTokenizer))
    _replace("transformers.tokenization_utils_base", dict.fromkeys(names, PlainTokenizer))
    _replace("huggingface_hub", {"snapshot_download": _refuse})
    return True


def leave_out_unused() -> None:
    """Replace the parts of mlx-lm that a worker never calls, and put NumPy off until something of it is used."""
    for name in _UNUSED:
        _replace(name, {"__getattr__": lambda _member: _never_called})
    if "numpy" not in sys.modules:
        _replace("numpy", {"__getattr__": _member_of_numpy})


def _member_of_numpy(member: str) -> Any:
    """Import NumPy in the place of its replacement, and return one of its members."""
    if vars(sys.modules["numpy"]).get("__getattr__") is _member_of_numpy:
        del sys.modules["numpy"]
    return getattr(importlib.import_module("numpy"), member)


def _never_called(*_: object, **__: object) -> None:
    raise RuntimeError("the worker neither trains nor reads images")


def _replace(name: str, members: dict[str, Any]) -> None:
    sys.modules[name] = ModuleType(name, "Stands in for the library of this name.")
    vars(sys.modules[name]).update(members)


def _is_plain(base: Path) -> bool:
    try:
        config = json.loads((base / "tokenizer_config.json").read_text("utf-8"))
        template = config.get("chat_template")
        # Templates that call functions of transformers' own, or of which there are several, are left to it.
        is_simple = template is None or (isinstance(template, str) and not _CALLS.search(template))
        return config["tokenizer_class"] in _PLAIN and is_simple and _has_files(base)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _has_files(base: Path) -> bool:
    return (base / "tokenizer.json").is_file() and not list(base.glob("chat_template.*"))


def _refuse(*_: object, **__: object) -> None:
    raise OSError("the worker never downloads")
