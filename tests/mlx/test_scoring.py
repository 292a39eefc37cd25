"""How likely names are after a text, against the same computed the long way round."""

import asyncio
import math
from collections.abc import Callable
from pathlib import Path

import mlx.core as mx
import pytest
from mlx_lm import load

from tenny_lsp.errors import ModelUnavailable
from tenny_lsp.model import wire
from tenny_lsp.model.client import WorkerModel, WorkerOptions
from tenny_lsp.worker.scoring import Scorer
from tenny_lsp.worker.voice import Voice

TEXT = "import mlx.core as mx\n\nx = mx."
NAMES = ["a", "ab", "abs", "zeros", "ones", "array"]


def nothing() -> None: ...


@pytest.fixture(scope="module")
def scorer(tiny_base: Path) -> Scorer:
    return Scorer(*load(str(tiny_base)))


def long_way(base: Path, text: str, name: str) -> float:
    """Returns what a name's tokens say, read one text at a time, and whatever may follow a name."""
    model, tokenizer = load(str(base))
    before, whole = tokenizer.encode(text), tokenizer.encode(text + name)
    assert whole[: len(before)] == before
    logits = model(mx.array([whole]))[0].astype(mx.float32)
    log = logits - mx.logsumexp(logits, axis=-1, keepdims=True)
    said = sum(log[place - 1, whole[place]].item() for place in range(len(before), len(whole)))
    goes_on = [tokenizer.decode([token])[:1] for token in range(log.shape[-1])]
    ends = [math.exp(log[-1, token].item()) for token, c in enumerate(goes_on) if not (c.isascii() and c.isalnum())]
    underscore = sum(math.exp(log[-1, token].item()) for token, c in enumerate(goes_on) if c == "_")
    return said + math.log(sum(ends) - underscore)


@pytest.mark.parametrize("name", ["zeros", "a"])
def test_a_name_is_as_likely_as_its_pieces_and_an_end(scorer: Scorer, tiny_base: Path, name: str) -> None:
    values = dict(zip(NAMES, scorer.log_probabilities(TEXT, NAMES, nothing), strict=True))

    assert values[name] == pytest.approx(long_way(tiny_base, TEXT, name), abs=0.02)


def test_whole_sentences_are_told_apart(scorer: Scorer, tiny_base: Path) -> None:
    sentences = [" ".join([word] * count) for word, count in (("zeros", 40), ("ones", 60))]

    values = scorer.log_probabilities(TEXT, sentences, nothing)

    assert values == pytest.approx([long_way(tiny_base, TEXT, sentence) for sentence in sentences], abs=0.5)
    assert max(values) < -100


def test_a_name_has_no_part_in_the_names_it_begins(scorer: Scorer) -> None:
    values = scorer.log_probabilities(TEXT, NAMES, nothing)

    assert sum(map(math.exp, values)) < 1


def test_what_was_read_before_changes_nothing(tiny_base: Path) -> None:
    model, tokenizer = load(str(tiny_base))
    warm = Scorer(model, tokenizer)
    texts = [TEXT, TEXT + "exp(y)\nz = mx.", TEXT, "", "x = mx.zeros(3)\n" * 60 + "y = mx.", "q"]

    for text in texts:
        cold = Scorer(model, tokenizer).log_probabilities(text, NAMES, nothing)
        assert warm.log_probabilities(text, NAMES, nothing) == pytest.approx(cold, abs=0.01)


def test_a_reading_that_is_cut_short_is_gone_on_with(scorer: Scorer, tiny_base: Path) -> None:
    text = "y = mx.exp(x)\n" * 80 + "z = mx."
    calls: list[int] = []

    def check() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        scorer.log_probabilities(text, NAMES, check)
    after = scorer.log_probabilities(text, NAMES, nothing)

    assert Scorer(*load(str(tiny_base))).log_probabilities(text, NAMES, nothing) == pytest.approx(after, abs=0.01)


def test_no_names_are_no_work(scorer: Scorer) -> None:
    assert scorer.log_probabilities(TEXT, [], nothing) == []


def test_a_voice_scores_between_answers_and_can_be_stopped(tiny_base: Path) -> None:
    voice = Voice(tiny_base, "float32")
    request = wire.Score(1, TEXT, tuple(NAMES))
    never: Callable[[], bool] = lambda: False  # noqa: E731
    first = voice.score(request, never)
    voice.answer(wire.Generate(2, "Q: What is mx.abs?\nA:", 4), never, lambda event: None)

    second = voice.score(request, never)

    assert isinstance(first, wire.ScoreResult) and isinstance(second, wire.ScoreResult)
    assert second.values == pytest.approx(first.values, abs=0.01)
    stopped = voice.score(wire.Score(3, "y" + TEXT, tuple(NAMES)), lambda: True)
    assert isinstance(stopped, wire.Done) and stopped.finish_reason == "cancelled"


async def test_a_model_scores_through_its_worker(tiny_base: Path) -> None:
    model = WorkerModel(WorkerOptions(tiny_base))
    try:
        values = await model.score(TEXT, NAMES)
        late = asyncio.create_task(model.score(TEXT + "\udc80", NAMES))
        await asyncio.sleep(0)
        late.cancel()
        with pytest.raises(asyncio.CancelledError):
            await late
        again, answer = await asyncio.gather(model.score(TEXT, NAMES), model.complete("Q: ?\nA:", max_tokens=3))
    finally:
        await model.close()

    assert len(values) == len(NAMES) and max(values) < 0
    assert again == pytest.approx(values, abs=0.01)
    assert isinstance(answer, str)
    with pytest.raises(ModelUnavailable):
        await model.score(TEXT, NAMES)
