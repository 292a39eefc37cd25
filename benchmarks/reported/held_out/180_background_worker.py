"""Generation with banned words, run by a background worker."""

import queue
import threading

import mlx.core as mx
from mlx_lm.generate import generate_step


def ban_tokens(banned: list[int]):
    """Logits processor that never lets the banned tokens through."""
    ids = mx.array(banned)

    def process(logits, tokens):
        logits[:, ids] = float("-inf")
        return logits

    return process


def generate_tokens(model, prompt: list[int], banned: list[int], max_tokens: int) -> list[int]:
    """Greedy continuation of a prompt that avoids some tokens."""
    steps = generate_step(
        mx.array(prompt), model, max_tokens=max_tokens, logits_processors=[ban_tokens(banned)]
    )
    return [token for token, _ in steps]


def best_continuation(model, prompt: list[int], max_tokens: int) -> list[int]:
    """Unrestricted greedy continuation of a prompt."""
    tokens = list(prompt)
    for _ in range(max_tokens):
        logits = model(mx.array(tokens)[None])
        tokens.append(mx.argmax(logits[0, -1]).item())
    return tokens[len(prompt) :]


class EmbeddingWorker(threading.Thread):
    """Embeds token lists that are put in its queue."""

    def __init__(self, table: mx.array):
        super().__init__(daemon=True)
        self.table = table / mx.linalg.norm(table, axis=-1, keepdims=True)
        self.jobs: queue.Queue = queue.Queue()
        self.results: queue.Queue = queue.Queue()

    def run(self):
        while (tokens := self.jobs.get()) is not None:
            try:
                vector = self.table[mx.array(tokens)].mean(axis=0)
                self.results.put(vector.tolist())
            except RuntimeError as error:
                self.results.put(error)

    def embed(self, tokens: list[int]) -> list[float]:
        self.jobs.put(tokens)
        result = self.results.get()
        if isinstance(result, Exception):
            raise result
        return result
