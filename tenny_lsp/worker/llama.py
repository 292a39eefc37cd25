"""Read tokens with a Llama on a CPU without MLX: its arrays are numpy's, its products OpenBLAS's.

MLX takes twice as long for a single token: for each product it calls ``sgemm`` (`tenny_lsp.worker.blas`). Nor do the
threads of MLX and Python wait for each other here, which is long where another process keeps a core busy. The weights
stay MLX's, and what else is done with the model remains MLX's work.

``L`` is the number of tokens, ``H`` of heads, ``G`` of heads of keys and values, ``D`` the size of a head.
"""

from collections.abc import Callable
from typing import Any

import mlx.core as mx
import numpy as np
from mlx_lm.tuner.lora import LoRALinear

from tenny_lsp.worker.blas import Matrix, multiply

#: Room for so many tokens is made at once.
_ROOM = 256


class LlamaReader:
    """The tokens that a Llama has read: the keys and values of each.

    Args:
        model (llama.Model): One that is plain (`tenny_lsp.worker.plain_llama`). Its weights must not change.
    """

    def __init__(self, model: Any) -> None:
        body = model.model
        self._embeddings = _numpy(body.embed_tokens.weight)  # (V, hidden)
        self._layers = [_Layer(block) for block in body.layers]
        self._norm = _norm(body.norm)
        self._head = (
            (lambda x: multiply(x, self._embeddings.T)) if model.args.tie_word_embeddings else _linear(model.lm_head)
        )
        self._length = 0

    @property
    def can_forget(self) -> bool:
        """Whether the last tokens can be forgotten."""
        return True

    def read(self, tokens: list[int]) -> None:
        """Read tokens behind those that have been read."""
        self._hidden(tokens)

    def likeliest(self, tokens: list[int]) -> list[int]:
        """Read tokens behind those that have been read, and return the likeliest successor of each."""
        found: list[int] = self.logits(tokens).argmax(axis=-1).tolist()
        return found

    def logits(self, tokens: list[int]) -> Matrix:
        """Read tokens behind those that have been read, and return the logits after each, ``(L, V) float32``."""
        return self._head(self._norm(self._hidden(tokens)))

    def forget(self, count: int) -> None:
        """Forget the last tokens."""
        self._length -= count

    def _hidden(self, tokens: list[int]) -> Matrix:
        """Return what the last layer makes of tokens, ``(L, hidden) float32``."""
        x: Matrix = self._embeddings[tokens]
        with np.errstate(over="ignore"):  # exp(-x) of a large negative gate: its sigmoid is 0
            for layer in self._layers:
                x = layer(x, self._length)
        self._length += len(tokens)
        return x


class _Layer:
    """One block of a Llama, with the keys and values of the tokens read."""

    def __init__(self, block: Any) -> None:
        attention, mlp = block.self_attn, block.mlp
        self._q, self._k, self._v = map(_linear, (attention.q_proj, attention.k_proj, attention.v_proj))
        self._o, self._gate, self._up = map(_linear, (attention.o_proj, mlp.gate_proj, mlp.up_proj))
        self._down = _linear(mlp.down_proj)
        self._before_attention, self._before_mlp = _norm(block.input_layernorm), _norm(block.post_attention_layernorm)
        self._heads, self._groups, self._size = attention.n_heads, attention.n_kv_heads, attention.head_dim
        self._scale = np.float32(attention.scale)
        rope, half = attention.rope, self._size // 2
        steps = np.arange(half, dtype=np.float32) * np.float32(-np.log(rope.base) / half)
        self._frequencies = np.exp(steps) * np.float32(rope.scale)  # (D / 2,)
        self._keys = self._values = np.empty((self._groups, 0, self._size), np.float32)  # (G, room, D)

    def __call__(self, x: Matrix, offset: int) -> Matrix:
        """Return the block's ``(L, hidden)`` of the tokens' ``(L, hidden)``, the first of which is at ``offset``."""
        x = x + self._o(self._attend(self._before_attention(x), offset))
        y = self._before_mlp(x)
        gate = self._gate(y)
        return x + self._down(gate / (1 + np.exp(-gate)) * self._up(y))

    def _attend(self, x: Matrix, offset: int) -> Matrix:
        """Return ``(L, H * D)``: each token attends to all before it and to itself."""
        length, end = len(x), offset + len(x)
        angles = np.arange(offset, end, dtype=np.float32)[:, None, None] * self._frequencies  # (L, 1, D / 2)
        cosine, sine = np.cos(angles), np.sin(angles)
        queries = _rotated(self._q(x).reshape(length, self._heads, -1), cosine, sine) * self._scale
        keys = _rotated(self._k(x).reshape(length, self._groups, -1), cosine, sine)
        if (missing := end - self._keys.shape[1]) > 0:
            room = np.empty((self._groups, missing + _ROOM, self._size), np.float32)
            self._keys, self._values = (np.concatenate([old, room], 1) for old in (self._keys, self._values))
        self._keys[:, offset:end] = keys.swapaxes(0, 1)
        self._values[:, offset:end] = self._v(x).reshape(length, self._groups, -1).swapaxes(0, 1)
        is_later = np.arange(end) > np.arange(offset, end)[:, None]  # (L, end)
        shared = self._heads // self._groups
        attended = np.empty_like(queries)  # (L, H, D)
        for group in range(self._groups):
            heads = slice(group * shared, (group + 1) * shared)
            rows = queries[:, heads].reshape(length * shared, -1)  # (L * H / G, D)
            scores = multiply(rows, self._keys[group, :end].T).reshape(length, shared, end)
            if length > 1:
                scores = np.where(is_later[:, None], np.float32(-np.inf), scores)
            weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
            weights /= weights.sum(axis=-1, keepdims=True)
            found = multiply(weights.reshape(length * shared, end), self._values[group, :end])
            attended[:, heads] = found.reshape(length, shared, -1)
        joined: Matrix = attended.reshape(length, -1)
        return joined


def _linear(module: Any) -> Callable[[Matrix], Matrix]:
    """Return a function for a linear layer: ``(L, output_dims)`` of ``(L, input_dims)``."""
    if isinstance(module, LoRALinear):
        base, down, up = _linear(module.linear), _numpy(module.lora_a), _numpy(module.lora_b)
        scale = np.float32(module.scale)
        return lambda x: base(x) + scale * multiply(multiply(x, down), up)
    weight = _numpy(module.weight).T  # (input_dims, output_dims)
    if "bias" not in module:
        return lambda x: multiply(x, weight)
    bias = _numpy(module.bias)
    return lambda x: multiply(x, weight) + bias


def _norm(module: Any) -> Callable[[Matrix], Matrix]:
    weight, eps = _numpy(module.weight), np.float32(module.eps)
    return lambda x: x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + eps) * weight


def _rotated(x: Matrix, cosine: Matrix, sine: Matrix) -> Matrix:
    """Return ``(L, heads, D)`` with RoPE; the angles' cosines and sines are ``(L, 1, D / 2)``."""
    left, right = np.split(x, 2, axis=-1)
    return np.concatenate([left * cosine - right * sine, left * sine + right * cosine], axis=-1)


def _numpy(array: mx.array) -> Matrix:
    """Return an array of MLX's without copying it."""
    return np.asarray(array)
