"""The worker's light start: the same tokens and the same words as with transformers, and only where that is certain."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from tenny_lsp.locations import MLX_DOCS, embedded_base, find_adapter
from tenny_lsp.worker.light import PlainTokenizer
from tests.mlx.test_base import TEXTS

#: Answers with an adapter, and prints the answer, a hash of the prompt's logits and what has been imported for that.
ANSWER = """
import sys
from hashlib import sha256
from pathlib import Path
from tenny_lsp.worker.light import leave_out_unused, lighten
from tenny_lsp.model.runtime import prepare
prepare()
if sys.argv[3] == "light":
    assert lighten(Path(sys.argv[1]))
    leave_out_unused()
import mlx.core as mx
from mlx_lm import load, stream_generate
from mlx_lm.utils import load_adapters
model, tokenizer = load(sys.argv[1])
load_adapters(model, sys.argv[2])
prompt = "Q: What is mx.abs in mlx?\\nA:"
print("".join(piece.text for piece in stream_generate(model, tokenizer, prompt, max_tokens=24)))
logits = model(mx.array([tokenizer.encode(prompt)])).astype(mx.float32)
print(sha256(memoryview(logits).tobytes()).hexdigest())
heavy = ("huggingface_hub.file_download", "transformers.utils", "numpy.linalg", "rich.console", "jinja2", "PIL.Image")
print([name for name in heavy if name in sys.modules])
"""
USE = """
import sys
from tenny_lsp.worker.light import leave_out_unused
leave_out_unused()
import numpy as np, numpy.linalg
from mlx_lm.tuner import train
print(np.linalg.norm([3.0, 4.0]), sys.modules["numpy"].zeros is np.zeros)
try:
    train()
except RuntimeError as error:
    print(error)
"""
LOADED = """
import sys
from pathlib import Path
from tenny_lsp.worker.light import leave_out_unused, lighten
from tenny_lsp.model.runtime import prepare
prepare()
lighten(Path(sys.argv[1]))
leave_out_unused()
from tenny_lsp.worker.greedy import greedy_tokens
from tenny_lsp.worker.voice import Voice
voice = Voice(Path(sys.argv[1]), "float32")
print("numpy.linalg" in sys.modules)
print(next(greedy_tokens(voice._model, [1, 2, 3], lambda: None)) >= 0)
"""
LIGHTENED = (
    "import sys; from pathlib import Path; "
    "from tenny_lsp.worker.light import lighten; print(lighten(Path(sys.argv[1])))"
)


def run(code: str, *arguments: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize("text", TEXTS)
def test_the_same_ids_as_transformers(text: str) -> None:
    plain, whole = PlainTokenizer(embedded_base()), AutoTokenizer.from_pretrained(embedded_base())

    assert plain.encode(text) == whole.encode(text)
    assert plain.encode(text, add_special_tokens=False) == whole.encode(text, add_special_tokens=False)
    assert plain.decode(plain.encode(text)) == whole.decode(whole.encode(text))


def test_the_same_words_and_logits_without_transformers_trainer_and_numpy() -> None:
    adapter = find_adapter("", MLX_DOCS)
    *light, imported = run(ANSWER, str(embedded_base()), str(adapter), "light")
    *whole, _ = run(ANSWER, str(embedded_base()), str(adapter), "whole")

    assert light == whole and len(light[-1]) == 64 and light[0]
    assert imported == "[]"


def test_a_base_is_loaded_without_numpy_and_writes_with_it() -> None:
    assert run(LOADED, str(embedded_base())) == ["False", "True"]


def test_numpy_is_there_once_it_is_used_and_training_is_refused() -> None:
    assert run(USE) == ["5.0 True", "the worker neither trains nor reads images"]


@pytest.mark.parametrize("what", ["template", "class", "file", "config"])
def test_any_other_tokenizer_is_left_to_transformers(what: str, tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(embedded_base() / name, base / name)
    assert run(LIGHTENED, str(base)) == ["True"]

    if what == "template":
        (base / "chat_template.jinja").write_text("{{ messages }}")
    elif what == "file":
        (base / "tokenizer.json").unlink()
    elif what == "config":
        (base / "tokenizer_config.json").unlink()
    else:
        config = json.loads((base / "tokenizer_config.json").read_text())
        (base / "tokenizer_config.json").write_text(json.dumps(config | {"tokenizer_class": "LlamaTokenizer"}))

    assert run(LIGHTENED, str(base)) == ["False"]
