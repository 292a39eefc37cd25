"""Export a checkpoint as a Hugging Face folder (float16 weights, tokenizer, model card) and check it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, LlamaForCausalLM

from tools import tokenizer
from tools.card import write_card
from tools.training import architecture

SIZE_LIMIT_BYTES = 30_000_000
#: What the model card shows greedy answers to. ``rfft`` and ``where`` are held out: their documentation is not read.
PROMPTS = (
    "Q: What is ReLU in mlx?\nA:",
    "Q: What does mx.reshape do?\nA:",
    "Q: What are the arguments of nn.Linear?\nA:",
    "Q: What does mlx.core.fft.rfft return?\nA:",
    "Q: What is mx.where in mlx?\nA:",
    "import mlx.core as mx\nimport mlx.nn as nn\n\n\nclass MLP(nn.Module):\n    def __init__(self, dims: int):\n",
)
_MLX_TOP_1 = """
import json, sys
import mlx.core as mx
from mlx_lm import load
model, tokenizer = load(sys.argv[1])
rows = [tokenizer.encode(text) for text in json.load(sys.stdin)]
tops = [mx.argmax(model(mx.array([ids]))[0].astype(mx.float32), axis=-1).tolist() for ids in rows]
print(json.dumps({"ids": rows, "tops": tops}))
"""


def export(work: Path, target: Path, mlx_python: str | None) -> None:
    """Write ``target`` from the checkpoint in ``work`` and check it.

    Args:
        work (Path): The folder of the corpus, the tokenizer and the training.
        target (Path): The model's folder.
        mlx_python (str | None): An interpreter that has mlx-lm, to compare mlx-lm's next tokens with PyTorch's;
            None leaves that check out.
    """
    state = torch.load(work / "pretrain" / "checkpoint.pt", map_location="cpu")
    config = architecture(state["config"]["hidden_size"])
    config.use_cache = True
    model = LlamaForCausalLM(config)
    model.load_state_dict(state["model"])
    target.mkdir(parents=True, exist_ok=True)
    model.generation_config = GenerationConfig(do_sample=False, bos_token_id=1, eos_token_id=2, pad_token_id=3)
    model.half().save_pretrained(target)
    tokenizer.copy(work / "tokenizer", target)
    samples = _samples(target)
    agreement = _top_1_agreement(target, mlx_python, [*PROMPTS, *samples.values()]) if mlx_python else None
    log = [json.loads(line) for line in (work / "pretrain" / "log.jsonl").read_text().splitlines()]
    sources = json.loads((work / "corpus" / "sources.json").read_text())
    (target / "model.safetensors").chmod(0o644)
    write_card(target, state, log, sources, samples, agreement)
    size = sum(file.stat().st_size for file in target.iterdir())
    print(f"{target}: {size} bytes, {model.num_parameters()} parameters, top-1 agreement {agreement}")
    if size > SIZE_LIMIT_BYTES:
        raise SystemExit(f"{target} is larger than {SIZE_LIMIT_BYTES} bytes")


def _samples(folder: Path) -> dict[str, str]:
    """Return the greedy continuation of each prompt, by the exported float16 weights."""
    encoder = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    samples = {}
    for prompt in PROMPTS:
        ids = encoder(prompt, return_tensors="pt").input_ids
        made = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=60)
        samples[prompt] = encoder.decode(made[0, ids.shape[1] :], skip_special_tokens=True)
    return samples


def _top_1_agreement(folder: Path, mlx_python: str, texts: list[str]) -> float:
    """Return the share of positions where mlx-lm and transformers hold the same next token most likely."""
    command = [mlx_python, "-c", _MLX_TOP_1, str(folder)]
    answer = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, check=False)
    if answer.returncode:
        sys.exit(f"mlx-lm does not load {folder}: {answer.stderr[-2000:]}")
    mlx: dict[str, Any] = json.loads(answer.stdout)
    encoder = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    same = total = 0
    for text, ids, tops in zip(texts, mlx["ids"], mlx["tops"], strict=True):
        if encoder(text).input_ids != ids:
            sys.exit(f"mlx-lm and transformers tokenise {text!r} differently")
        with torch.no_grad():
            mine = model(input_ids=torch.tensor([ids])).logits[0].argmax(-1).tolist()
        same += sum(a == b for a, b in zip(mine, tops, strict=True))
        total += len(ids)
    return round(same / total, 4)
