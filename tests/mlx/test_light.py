"""The worker's light start: the same tokens and the same words as with transformers, and only where that is certain."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from tenny_lsp.locations import embedded_base
from tenny_lsp.worker.light import PlainTokenizer
from tests.mlx.test_base import TEXTS

ANSWER = """
import sys
from pathlib import Path
from tenny_lsp.worker.light import lighten
from tenny_lsp.model.runtime import prepare
prepare()
if sys.argv[2] == "light":
    assert lighten(Path(sys.argv[1]))
from mlx_lm import load, stream_generate
model, tokenizer = load(sys.argv[1])
prompt = "Q: What is mx.abs in mlx?\\nA:"
print("".join(piece.text for piece in stream_generate(model, tokenizer, prompt, max_tokens=24)))
print("huggingface_hub.file_download" in sys.modules, "transformers.utils" in sys.modules)
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


def test_the_same_words_without_transformers() -> None:
    *light, imported = run(ANSWER, str(embedded_base()), "light")
    *whole, _ = run(ANSWER, str(embedded_base()), "whole")

    assert light == whole and light != [""]
    assert imported == "False False"


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
