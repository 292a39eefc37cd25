"""The trainers that train_speed compares, each in a process of its own: same rows, base, adapter, optimizer and loss.

The loss is the mean over the tokens of completions, each ended by the end token; Adam with corrected moments, as
PyTorch's, at a constant rate, no warm-up and no clipping; LoRA on all linear projections. Counted are the tokens of the
rows that were trained on, prompts included and padding not; wall and processor time from the first report, which holds
loading and compilation, to the last.
"""

import json
import os
import resource
import shutil
import sys
import time
import types
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

RATE, SCALE = 1e-4, 2.0
#: Prompt and completion one after the other, with nothing of a chat.
TEMPLATE = (
    "{% for m in messages %}{{ m['content'] }}{% if m['role'] == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}"
)


@dataclass(frozen=True)
class Job:
    """What to train: base, folder of rows, iterations, rows of a batch, rank; and where to write."""

    model: str
    data: str
    iters: int
    batch_size: int
    rank: int
    folder: str

    @property
    def window(self) -> int:
        """The iterations of a report; the first of four is left out."""
        return max(1, self.iters // 4)


class Clock:
    """Notes tokens, wall and processor time at each report."""

    def __init__(self) -> None:
        self._notes: list[tuple[float, float, float]] = []

    def note(self, tokens: float) -> None:
        """Note how many tokens have been trained on until now."""
        times = os.times()
        self._notes.append((tokens, time.monotonic(), times.user + times.system))

    def result(self, test_loss: float, **more: float) -> dict[str, Any]:
        """Return the speed between the first note and the last, the loss of the test rows and the most memory held."""
        tokens, seconds, cpu_seconds = (
            last - first for first, last in zip(self._notes[0], self._notes[-1], strict=True)
        )
        unit = 1 << 20 if sys.platform == "darwin" else 1 << 10  # Linux counts in KiB
        return {
            "tokens": tokens,
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "tokens_per_s": tokens / seconds,
            "tokens_per_cpu_s": tokens / cpu_seconds,
            "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit,
            "test_loss": test_loss,
            **more,
        }


def stock(job: Job) -> dict[str, Any]:
    """Train with ``mlx_lm.lora``'s own functions, as its command does."""
    import mlx.core as mx
    from mlx_lm import load, lora
    from mlx_lm.tuner.datasets import CacheDataset, CompletionsDataset
    from mlx_lm.tuner.trainer import evaluate

    base = Path(job.folder) / "base"
    shutil.copytree(job.model, base)
    config = json.loads((base / "tokenizer_config.json").read_text("utf-8"))
    (base / "tokenizer_config.json").write_text(json.dumps(config | {"chat_template": TEMPLATE}))
    (base / "chat_template.jinja").unlink(missing_ok=True)
    settings = lora.CONFIG_DEFAULTS | {
        "model": str(base),
        "data": job.data,
        "train": True,
        "num_layers": -1,
        "batch_size": job.batch_size,
        "iters": job.iters,
        "learning_rate": RATE,
        "optimizer_config": {"adam": {"bias_correction": True}},
        "mask_prompt": True,
        "steps_per_report": job.window,
        "steps_per_eval": 10**9,
        "save_every": 10**9,
        "adapter_path": str(Path(job.folder) / "adapter"),
        "lora_parameters": {"rank": job.rank, "dropout": 0.0, "scale": SCALE},
    }
    arguments = types.SimpleNamespace(**settings)
    model, tokenizer = load(str(base))
    train_set, _, test_set = lora.load_dataset(arguments, tokenizer)
    counted, process = [0], CompletionsDataset.process

    def count(dataset: Any, row: Any) -> Any:
        found = process(dataset, row)
        counted[0] += len(found[0])
        return found

    clock, callback = Clock(), lora.TrainingCallback()
    callback.on_train_loss_report = lambda _: clock.note(counted[0])
    CompletionsDataset.process = count
    lora.train_model(arguments, model, train_set, [], callback)
    peak = mx.get_peak_memory() / (1 << 20)
    test_loss = evaluate(model, CacheDataset(test_set), job.batch_size, -1, loss=_loss_of_completions)
    return clock.result(test_loss, mlx_peak_mib=peak)


def _loss_of_completions(model: Any, batch: Any, lengths: Any) -> tuple[Any, Any]:
    """Return what mlx-lm's loss does, without the padding token behind each row that it counts, too."""
    import mlx.core as mx
    import mlx.nn as nn

    targets = batch[:, 1:]
    places = mx.arange(1, targets.shape[1] + 1)
    is_learned = (places >= lengths[:, 0:1]) & (places < lengths[:, 1:])
    losses = nn.losses.cross_entropy(model(batch[:, :-1]), targets) * is_learned
    return losses.astype(mx.float32).sum() / is_learned.sum(), is_learned.sum()


def stock_with_blas(job: Job) -> dict[str, Any]:
    """The same with the BLAS that Tenny puts under MLX, which multiplies float32 only: on such a copy of the base."""
    from tenny_lsp.model.runtime import prepare

    prepare()
    from tenny_lsp.learning.convert.model import convert_model
    from tenny_lsp.learning.convert.options import ConvertOptions

    copy = Path(job.folder) / "float32"
    convert_model(Path(job.model), copy, ConvertOptions(dtype="float32"))
    return stock(replace(job, model=str(copy)))


def tenny(job: Job) -> dict[str, Any]:
    """Train with ``tenny-lsp train``'s own function."""
    from tenny_lsp.learning.options import TrainOptions
    from tenny_lsp.learning.train import train

    clock = Clock()

    options = TrainOptions(
        data=Path(job.data),
        adapter_path=Path(job.folder) / "adapter",
        model=job.model,
        iters=job.iters,
        batch_size=job.batch_size,
        rank=job.rank,
        scale=SCALE,
        learning_rate=RATE,
        lr_schedule="constant",
        warmup=0,
        bias_correction=True,
        max_grad_norm=1e9,
        steps_per_report=job.window,
        steps_per_eval=10**9,
        test=True,
    )
    result = train(options, lambda report: clock.note(report.trained_tokens))
    assert result.test_loss is not None
    import mlx.core as mx

    return clock.result(result.test_loss, mlx_peak_mib=mx.get_peak_memory() / (1 << 20))


def peft(job: Job) -> dict[str, Any]:
    """Train with PyTorch, transformers and PEFT, in the leanest loop: no Trainer, batches of similar length."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(job.model)
    model = AutoModelForCausalLM.from_pretrained(job.model, dtype=torch.float32)
    chosen = LoraConfig(r=job.rank, lora_alpha=SCALE * job.rank, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(model, chosen)
    optimizer = torch.optim.Adam([value for value in model.parameters() if value.requires_grad], lr=RATE)

    def batches(split: str) -> list[dict[str, Any]]:
        rows = []
        for row in map(json.loads, (Path(job.data) / f"{split}.jsonl").read_text("utf-8").splitlines()):
            prompt = tokenizer.encode(row["prompt"])
            completion = tokenizer.encode(row["completion"], add_special_tokens=False)
            rows.append((prompt, [*completion, tokenizer.eos_token_id]))
        rows.sort(key=lambda row: len(row[0]) + len(row[1]))
        return [_padded(rows[start : start + job.batch_size]) for start in range(0, len(rows), job.batch_size)]

    model.train()
    read = batches("train")
    order = torch.randperm(len(read), generator=torch.Generator().manual_seed(0))
    clock, tokens = Clock(), 0
    for iteration in range(1, job.iters + 1):
        batch = read[int(order[(iteration - 1) % len(read)])]
        model(**batch).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        tokens += int(batch["attention_mask"].sum())
        if iteration % job.window == 0:
            clock.note(tokens)
    model.eval()
    total, count = 0.0, 0
    with torch.no_grad():
        for batch in batches("test"):
            learned = int((batch["labels"] != -100).sum())
            total, count = total + model(**batch).loss.item() * learned, count + learned
    return clock.result(total / count)


def _padded(rows: list[tuple[list[int], list[int]]]) -> dict[str, Any]:
    """Return a batch of transformers': prompts and padding, -100 among the labels, are not learned."""
    import torch

    size = len(rows), max(len(prompt) + len(completion) for prompt, completion in rows)
    inputs, labels = torch.zeros(size, dtype=torch.long), torch.full(size, -100)
    mask = torch.zeros(size, dtype=torch.long)
    for index, (prompt, completion) in enumerate(rows):
        length = len(prompt) + len(completion)
        inputs[index, :length] = torch.tensor(prompt + completion)
        labels[index, len(prompt) : length] = torch.tensor(completion)
        mask[index, :length] = 1
    return {"input_ids": inputs, "attention_mask": mask, "labels": labels}


SIDES: dict[str, Callable[[Job], dict[str, Any]]] = {
    "stock": stock,
    "stock_with_blas": stock_with_blas,
    "peft": peft,
    "tenny": tenny,
}

if __name__ == "__main__":
    side, described = sys.argv[1:]
    print(json.dumps(SIDES[side](Job(**json.loads(described)))))
