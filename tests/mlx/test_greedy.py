"""Greedy answers with drafts from the text itself are the same as without, in fewer steps."""

from itertools import islice
from pathlib import Path
from typing import Any

import mlx.core as mx
import pytest
from mlx_lm import load
from mlx_lm.generate import generate_step

from tenny_lsp.worker.greedy import drafted, greedy_tokens


class Counting:
    """A model that counts its steps."""

    def __init__(self, model: Any) -> None:
        self._model, self.steps = model, 0

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        self.steps += 1
        return self._model(*arguments, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


def nothing() -> None: ...


@pytest.mark.parametrize("length", [1, 5, 127, 128, 129, 300])
def test_the_tokens_are_those_of_mlx_lm(length: int, tiny_base: Path) -> None:
    model, _ = load(str(tiny_base))
    model.set_dtype(mx.float32)
    prompt = [7 + place * place % 90 for place in range(length)]
    expected = [token for token, _ in generate_step(mx.array(prompt), model, max_tokens=60)]

    assert list(islice(greedy_tokens(model, prompt, nothing), 60)) == expected


def test_what_repeats_takes_fewer_steps(tiny_base: Path) -> None:
    model, _ = load(str(tiny_base))
    model.set_dtype(mx.float32)
    counting = Counting(model)  # random weights soon go round in circles

    tokens = list(islice(greedy_tokens(counting, [5, 6, 7], nothing), 120))

    assert len(tokens) == 120 and counting.steps < 80


def test_a_draft_is_what_followed_the_same_tokens_last() -> None:
    assert drafted([1, 2, 3, 4, 5, 9, 1, 2, 3, 4, 8, 7, 1, 2, 3, 4]) == [8, 7, 1, 2, 3, 4]
    assert drafted([1, 2, 3, 4]) == drafted([1, 2]) == drafted([]) == []


def test_it_can_be_stopped_between_steps(tiny_base: Path) -> None:
    model, _ = load(str(tiny_base))
    calls = iter(range(3))

    def check() -> None:
        if next(calls, None) is None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(greedy_tokens(model, [1, 2, 3, 4], check))
