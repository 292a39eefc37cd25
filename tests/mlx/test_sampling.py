"""Several completions in one batch, and how probable answers are, with the real worker and a tiny model."""

import asyncio
import math
from collections.abc import Iterator
from pathlib import Path

import mlx.core as mx
import pytest
from mlx_lm import generate, load

from tenny_lsp.model import wire
from tenny_lsp.model.client import WorkerModel, WorkerOptions
from tenny_lsp.model.protocol import Sampled, Sampling
from tenny_lsp.worker import sampling
from tenny_lsp.worker.sampling import completions
from tenny_lsp.worker.voice import Voice
from tests.mlx.test_worker import write_adapter

PROMPT = "#context\n\n# mx.abs of the rectified unit\n\n#response\n\n"
DRAWN = wire.Sample(1, PROMPT, count=5, max_tokens=12, seed=3)


def nothing() -> None: ...


@pytest.fixture(scope="module")
def adapter(tiny_base: Path) -> Path:
    return write_adapter(tiny_base.parent / "adapter", tiny_base)


def drawn(base: Path, request: wire.Sample) -> list[wire.SampleResult]:
    model, tokenizer = load(str(base))
    return list(completions(model, tokenizer, tokenizer.encode(request.prompt), request, nothing))


def test_without_chance_all_are_what_the_model_would_say_anyway(tiny_base: Path) -> None:
    model, tokenizer = load(str(tiny_base))
    greedy = generate(model, tokenizer, PROMPT, max_tokens=12).rstrip("\ufffd").strip()

    texts = [candidate.text for candidate in drawn(tiny_base, wire.Sample(1, PROMPT, 3, 12, temperature=0.0))]

    assert texts == [greedy] * 3


def test_the_same_seed_says_the_same_and_another_something_else(tiny_base: Path) -> None:
    first, again = drawn(tiny_base, DRAWN), drawn(tiny_base, DRAWN)
    other = drawn(tiny_base, wire.Sample(1, PROMPT, count=5, max_tokens=12, seed=4))

    assert first == again
    assert len({candidate.text for candidate in first}) == 5
    assert not {candidate.text for candidate in first} & {candidate.text for candidate in other}


def test_the_likelihood_is_the_mean_of_the_tokens(tiny_base: Path) -> None:
    model, tokenizer = load(str(tiny_base))
    request = wire.Sample(1, PROMPT, 1, 4, temperature=0.0)
    (candidate,) = completions(model, tokenizer, tokenizer.encode(PROMPT), request, nothing)
    tokens = tokenizer.encode(PROMPT)
    total = 0.0
    for _ in range(4):
        logits = model(mx.array([tokens]))[0, -1].astype(mx.float32)
        token = int(mx.argmax(logits).item())
        total += (logits[token] - mx.logsumexp(logits)).item()
        tokens.append(token)

    assert not candidate.is_finished
    assert candidate.likelihood == pytest.approx(total / 4, abs=0.02)


def test_only_likely_tokens_are_drawn() -> None:
    log = mx.log(mx.array([[0.05, 0.5, 0.15, 0.3], [0.97, 0.01, 0.01, 0.01]]))
    mx.random.seed(0)

    drawn = [sampling._sample(log, 1.0, 0.7).tolist() for _ in range(60)]

    assert {first for first, _ in drawn} == {1, 3}
    assert {second for _, second in drawn} == {0}
    assert sampling._sample(log, 0.0, 1.0).tolist() == [1, 0]


def test_rows_that_end_early_leave_the_others_as_they_are(tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop string ends some rows soon; a cache that cannot be cut to the others goes on with all of them."""
    longest = drawn(tiny_base, DRAWN)
    stop = longest[0].text[2]
    request = wire.Sample(1, PROMPT, count=5, max_tokens=12, seed=3, stop=(stop,))

    first = drawn(tiny_base, wire.Sample(1, PROMPT, count=5, max_tokens=12, temperature=0.0, stop=(stop,)))
    stopped = drawn(tiny_base, request)
    monkeypatch.setattr(sampling, "can_be_batched", lambda cache: False)
    uncut = drawn(tiny_base, wire.Sample(1, PROMPT, count=5, max_tokens=12, temperature=0.0, stop=(stop,)))

    assert any(candidate.is_finished for candidate in stopped)
    assert all(stop not in candidate.text for candidate in stopped)
    assert [candidate.text for candidate in uncut] == [candidate.text for candidate in first]


def test_what_the_limit_cuts_is_not_finished(tiny_base: Path) -> None:
    assert not any(candidate.is_finished for candidate in drawn(tiny_base, wire.Sample(1, PROMPT, 2, 2)))


def test_a_voice_can_be_stopped_between_tokens(tiny_base: Path) -> None:
    voice = Voice(tiny_base, "float32")
    asked = iter([False, False, True])

    sent: list[wire.Event] = []
    done = voice.sample(DRAWN, lambda: next(asked), sent.append)

    assert done.finish_reason == "cancelled" and sent == []


def test_an_adapter_that_is_put_on_again_speaks_as_the_first_time(tiny_base: Path, adapter: Path) -> None:
    voice = Voice(tiny_base, "float32")
    request = wire.Sample(1, PROMPT, count=3, max_tokens=8, adapter=str(adapter))

    def said(request: wire.Sample) -> list[wire.Event]:
        sent: list[wire.Event] = []
        voice.sample(request, lambda: False, sent.append)
        return sent

    first, bare = said(request), said(wire.Sample(1, PROMPT, count=3, max_tokens=8))
    assert said(request) == first != bare
    assert said(wire.Sample(1, PROMPT, count=3, max_tokens=8)) == bare


@pytest.fixture
def model(tiny_base: Path, adapter: Path) -> Iterator[WorkerModel]:
    yield WorkerModel(WorkerOptions(tiny_base)).with_adapter(adapter)


async def test_a_worker_draws_and_chooses_with_its_adapter(model: WorkerModel, adapter: Path) -> None:
    bare = model.with_adapter(None)
    try:
        candidates = [c async for c in model.candidates(PROMPT + "\udc80", Sampling(count=3, max_tokens=8))]
        chances = await model.choose("Q: Which?\nA:", ["Positive", "Negative", "Neutral"])
        others = await bare.choose("Q: Which?\nA:", ["Positive", "Negative", "Neutral"])
        again = await model.choose("Q: Which?\nA:", ["Positive", "Negative", "Neutral"])
    finally:
        await model.close()

    assert len(candidates) == 3 and all(isinstance(candidate, Sampled) for candidate in candidates)
    assert math.isclose(sum(chances), 1) and chances == pytest.approx(again, abs=1e-3)
    assert chances != pytest.approx(others, abs=1e-3)


async def test_a_drawing_that_nobody_waits_for_ends(model: WorkerModel) -> None:
    drawing = asyncio.create_task(anext(model.candidates(PROMPT, Sampling(count=8, max_tokens=100_000))))
    try:
        await model.complete("Q: ?\nA:", max_tokens=1)  # the worker runs
        drawing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await drawing
        assert isinstance(await model.complete("Q: ?\nA:", max_tokens=1), str)
    finally:
        await model.close()
