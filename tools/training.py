"""The pretraining loop: sequences drawn by part, a warm-up-stable-decay rate, checkpoints that can be resumed."""

import json
import math
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM

from tools.parts import ANNEAL_MIX, HELD_OUT, MIX, VOCABULARY_SIZE
from tools.sequences import Part

_CHECKPOINT_EVERY_S = 300


@dataclass(frozen=True)
class TrainingConfig:
    """Configuration of a run.

    The rate rises, stays, and falls only in a stretch that is asked for (warm-up, stable, decay): a run without that
    stretch can be taken up again on another day, and how long it lasts need not be known when it begins.

    Args:
        decay_steps (int): Steps of the last stretch, in which the rate falls to nothing and questions weigh more;
            0 goes on at the full rate.
        decay_from (int): The step at which it begins, if that is known beforehand; else at once.
        batch_size (int): Sequences a step.
        micro_batch (int): Sequences a thread takes at a time.
        sequence_length (int): Tokens a sequence.
        learning_rate (float): The rate after the warm-up.
        warmup_steps (int): Steps in which the rate rises.
        seed (int): Of the weights and of the order of the data.
        hidden_size (int): Width of the model, a multiple of 64.
        workers (int): Threads; they wait for one another once a step only, which is what keeps the speed up on a
            machine with other work.
    """

    decay_steps: int = 0
    decay_from: int = 0
    batch_size: int = 16
    micro_batch: int = 4
    sequence_length: int = 256
    learning_rate: float = 3e-3
    warmup_steps: int = 60
    weight_decay: float = 0.05
    seed: int = 0
    workers: int = 2
    hidden_size: int = 320


def architecture(hidden_size: int) -> LlamaConfig:
    """Return the base's architecture: a Llama, of 10 million parameters where it is 320 wide."""
    return LlamaConfig(
        vocab_size=VOCABULARY_SIZE,
        hidden_size=hidden_size,
        intermediate_size=hidden_size * 14 // 5 // 64 * 64,
        num_hidden_layers=6,
        num_attention_heads=hidden_size // 64,
        num_key_value_heads=hidden_size // 64,
        max_position_embeddings=2048,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=3,
        use_cache=False,
        attn_implementation="eager",
    )


@dataclass
class Progress:
    """State of a run beside its weights and optimizers, for resuming it."""

    step: int = 0
    tokens: int = 0
    elapsed_s: float = 0.0
    decay_began: int | None = None
    drawn: dict[str, int] = field(default_factory=dict)


class Trainer:
    """A run of pretraining.

    Args:
        corpus (Path): The folder with ``parts/*.npy``.
        folder (Path): Where ``log.jsonl`` and ``checkpoint.pt`` are kept; a checkpoint there is resumed.
        config (TrainingConfig): What decides the run.
    """

    def __init__(self, corpus: Path, folder: Path, config: TrainingConfig) -> None:
        torch.manual_seed(config.seed)
        self.config, self.folder = config, folder
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.model = LlamaForCausalLM(architecture(config.hidden_size)).to(self.device)
        torch.set_num_threads(1)
        self.pool = ThreadPoolExecutor(config.workers)
        matrices = [p for name, p in self.model.named_parameters() if p.ndim == 2 and "embed" not in name]
        chosen = {id(p) for p in matrices}
        others = [p for p in self.model.parameters() if id(p) not in chosen]
        decay = config.weight_decay
        self.optimizers: list[torch.optim.Optimizer] = [
            torch.optim.Muon(half, lr=0.0, weight_decay=decay, adjust_lr_fn="match_rms_adamw")
            for half in (matrices[::2], matrices[1::2])
        ]
        self.optimizers.append(torch.optim.AdamW(others, lr=0.0, weight_decay=decay, betas=(0.9, 0.95)))
        length = config.sequence_length + 1
        self.parts = {name: Part(corpus / "parts" / f"{name}.npy", length) for name in MIX}
        self.held_out = {name: Part(corpus / "parts" / f"valid_{name}.npy", length) for name in HELD_OUT}
        self.progress = Progress()
        self.stopped = False
        if (folder / "checkpoint.pt").exists():
            self._resume()
        if config.decay_steps and self.progress.decay_began is None:
            self.progress.decay_began = max(self.progress.step, config.decay_from)

    def run(self, report: Callable[[dict[str, Any]], None]) -> None:
        """Train until the rate has decayed or a signal comes; leave a checkpoint either way."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        saved_s = self.progress.elapsed_s
        losses: list[torch.Tensor] = []
        while self._decayed() < 1 and not self.stopped:
            begun = time.perf_counter()
            losses.append(self._step())
            self.progress.elapsed_s += time.perf_counter() - begun
            if self.progress.step % 20 == 0:
                report(self._row(losses))
                losses = []
            if self.progress.elapsed_s - saved_s > _CHECKPOINT_EVERY_S:
                saved_s = self.progress.elapsed_s
                self.save()
                report({"step": self.progress.step, **self.validate(sequences=8)})
        self.save()
        sequences = 8 if self.stopped else 1000
        report({"step": self.progress.step, "stopped": self.stopped, **self.validate(sequences)})

    def validate(self, sequences: int) -> dict[str, float]:
        """Return the loss in nats a token on each held-out package, on its first ``sequences``."""
        scores = {}
        for name, part in self.held_out.items():
            rows = np.stack([part.sequence(number) for number in range(min(sequences, len(part.places)))])
            losses = list(self.pool.map(self._validation_loss, torch.from_numpy(rows).to(self.device).split(1)))
            scores[name] = round(sum(losses) / len(losses), 4)
        return scores

    def _validation_loss(self, batch: torch.Tensor) -> float:
        torch.set_num_threads(1)
        with torch.no_grad():
            return self._loss(batch).item()

    def save(self) -> None:
        """Write ``checkpoint.pt``, whole or not at all."""
        state = {
            "config": vars(self.config),
            "progress": vars(self.progress),
            "machine": torch.cuda.get_device_name() if self.device == "cuda" else f"{os.cpu_count()} CPU cores",
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }
        unfinished = self.folder / "checkpoint.pt.unfinished"
        torch.save(state, unfinished)
        unfinished.replace(self.folder / "checkpoint.pt")

    def _resume(self) -> None:
        state = torch.load(self.folder / "checkpoint.pt", map_location=self.device)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.progress = Progress(**state["progress"])

    def _stop(self, *_: object) -> None:
        self.stopped = True

    def _decayed(self) -> float:
        """Return how much of the last stretch is done, in [0, 1]; 0 before it begins."""
        began = self.progress.decay_began
        return max(0.0, (self.progress.step - began) / self.config.decay_steps) if began is not None else 0.0

    def _step(self) -> torch.Tensor:
        rate = self._rate()
        loss = self._backward(self._batch().to(self.device))
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.param_groups[0]["lr"] = rate
        list(self.pool.map(_update, self.optimizers))
        self.progress.step += 1
        self.progress.tokens += self.config.batch_size * self.config.sequence_length
        return loss

    def _backward(self, batch: torch.Tensor) -> torch.Tensor:
        """Return the loss of ``(B, T + 1)`` ids, whose gradients it leaves in ``.grad``: a micro-batch a thread."""
        results = list(self.pool.map(self._gradients, batch.split(self.config.micro_batch)))
        for number, parameter in enumerate(self.model.parameters()):
            parameter.grad = torch.stack([gradients[number] for _, gradients in results]).mean(0)
        return torch.stack([loss for loss, _ in results]).mean()

    def _gradients(self, batch: torch.Tensor) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """Return the loss of ``(B, T + 1)`` ids and its gradients, without touching ``.grad``."""
        torch.set_num_threads(1)
        loss = self._loss(batch)
        return loss.detach(), torch.autograd.grad(loss, list(self.model.parameters()))

    def _loss(self, batch: torch.Tensor) -> torch.Tensor:
        """Return the mean loss of ``(B, T + 1)`` ids, each predicted from those before it."""
        with torch.autocast(self.device, torch.bfloat16):
            hidden = self.model.model(input_ids=batch[:, :-1]).last_hidden_state
            logits = self.model.lm_head(hidden)
        return functional.cross_entropy(logits.float().flatten(0, 1), batch[:, 1:].flatten())

    def _batch(self) -> torch.Tensor:
        """Return ``(B, T + 1)`` ids, the parts drawn by the weights of the stretch of the run."""
        began = self.progress.decay_began
        mix = MIX if began is None or self.progress.step < began else ANNEAL_MIX
        weights = np.array(list(mix.values()))
        choice = np.random.default_rng((self.config.seed, self.progress.step))
        rows = []
        for name in choice.choice(list(mix), size=self.config.batch_size, p=weights / weights.sum()):
            number = self.progress.drawn.get(str(name), 0)
            self.progress.drawn[str(name)] = number + 1
            rows.append(self.parts[name].sequence(number))
        return torch.from_numpy(np.stack(rows))

    def _rate(self) -> float:
        """Return the learning rate: it rises, stays, and falls in the last stretch as ``1 - sqrt(share)``.

        Source: Hägele et al., "Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations", section 4.
        """
        risen = min(1.0, (self.progress.step + 1) / self.config.warmup_steps)
        return self.config.learning_rate * risen * (1 - math.sqrt(self._decayed()))

    def _row(self, losses: list[torch.Tensor]) -> dict[str, Any]:
        progress = self.progress
        return {
            "step": progress.step,
            "tokens": progress.tokens,
            "loss": round(torch.stack(losses).mean().item(), 4),
            "learning_rate": round(self._rate(), 6),
            "elapsed_s": round(progress.elapsed_s),
            "tokens_per_s": round(progress.tokens / progress.elapsed_s),
        }


def _update(optimizer: torch.optim.Optimizer) -> None:
    torch.set_num_threads(1)
    optimizer.step()
    optimizer.zero_grad()


def append_to(path: Path) -> Callable[[dict[str, Any]], None]:
    """Return a report that appends JSON lines to ``path``."""

    def report(row: dict[str, Any]) -> None:
        with path.open("a", encoding="utf-8") as log:
            log.write(json.dumps(row) + "\n")

    return report
