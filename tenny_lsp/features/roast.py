"""Roast a comment: tell its sentiment and make the best of several remarks on it."""

import contextlib
import math
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from tenny_lsp.features.decency import fault_of, finished, plain
from tenny_lsp.features.feeling import chances
from tenny_lsp.features.floor import act_of, floor_line
from tenny_lsp.features.measures import measures
from tenny_lsp.features.ml_topics import topic_line
from tenny_lsp.features.presumptions import is_so, presumptions
from tenny_lsp.features.repertoire import NEAR, NEAR_COPY, load_repertoire, place_of, repertoire
from tenny_lsp.features.sensitive import kind_sentence, sensitive
from tenny_lsp.features.subject import content_words
from tenny_lsp.model.prompts import (
    SENTIMENTS,
    comment_prompt,
    completion,
    roast_prompt,
    roast_request,
    sentiment_prompt,
)
from tenny_lsp.model.protocol import Sampled, Sampling, TextModel

#: How remarks are drawn. A remark is one line; a model that goes on with the next context has finished it.
SAMPLING = Sampling(count=8, max_tokens=48, temperature=0.8, top_p=0.95, stop=("\n", "#context", "#response"))
#: A model that is told to make one needs fewer attempts, and each is a request of its own.
_TOLD_COUNT = 3
#: So much of a comment is read: a remark is about its first thought.
_MOST_CHARACTERS = 400
#: What a tokenizer would take for the end of a text or the turn of a speaker.
_CONTROL = re.compile(r"<(?=[|/!A-Za-z])|(?<=\|)>")
_LEAST_CONTENT_WORDS = 2
#: A small model that loses its thread makes words up; a large one has other candidates.
_MOST_UNHEARD_OF = 1
#: Remarks whose tokens are less likely on average are babble: what was written by hand is better than that.
LEAST_LIKELIHOOD = -2.5
#: What it costs a remark to be a hand-written one with a few words changed.
_COPIED = 0.5
#: What a large model says of a sentiment counts so much beside the words.
_MODEL_SHARE = 0.5
#: What a remark is as likely to be made on as on anything.
_ANYTHING = "# note"
#: How much a nat of that weighs beside the words that both share: tried on 200 other comments than the benchmark's.
_GAIN_WEIGHT = 1.5
#: What it costs a remark, in nats, to have been made on another comment lately.
_TIRED = 2.0
#: What a comment does that matters more than what it is about.
_ACTS_FIRST = {"thanks", "do not touch", "giving up"}
#: What a probability of nothing counts as.
_TINY = 1e-300

#: Told how many of how many remarks there are so far.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Roast:
    """What Tenny says to a comment.

    Args:
        comment (str): The comment, as it was given.
        sentiment (str): Positive, Negative or Neutral.
        remark (str): One or two sentences.
        is_generated (bool): Whether a model wrote the remark; otherwise it was written by hand, for another comment.
        is_joke (bool): Whether the remark is one; otherwise the comment is nothing to joke about.
    """

    comment: str
    sentiment: str
    remark: str
    is_generated: bool
    is_joke: bool = True


@dataclass(frozen=True, slots=True)
class Occasion:
    """What is known when a remark is made, besides the comment.

    Args:
        seed (int): Another seed draws another remark.
        avoid (Collection[str]): Remarks that have been made on the same comment.
        tired (Collection[str]): Remarks that were made on others lately: avoided where another is as good.
        age_years (int): How many whole years the comment has stood where it does; 0 where that is not known.
    """

    seed: int = 0
    avoid: Collection[str] = ()
    tired: Collection[str] = ()
    age_years: int = 0


async def roast(
    comment: str,
    model: TextModel | None,
    *,
    seed: int = 0,
    avoid: Collection[str] = (),
    tired: Collection[str] = (),
    age_years: int = 0,
    sampling: Sampling = SAMPLING,
    on_progress: Progress | None = None,
) -> Roast:
    """Return the best remark on a comment; where that is nothing to joke about, a plain sentence.

    Args:
        comment (str): What somebody wrote: a comment, a docstring, a line of code.
        model (TextModel | None): Who speaks. ``None``: the nearest remark of those that were written by hand is made.
        seed (int): Another seed draws other remarks.
        avoid (Collection[str]): Remarks that have been made on it already.
        tired (Collection[str]): Remarks that were made on others lately: avoided where another is as good.
        age_years (int): How many whole years the comment has stood where it does; 0 where that is not known.
        sampling (Sampling): How many remarks are drawn, and how; its seed is ``seed``.
        on_progress (Progress | None): Called as the remarks come.

    Raises:
        BaseModelError: The base model cannot be loaded.
        AdapterError: The adapter cannot be loaded, or was made for another base.
        ModelUnavailable: The model is not running and could not be started, or was late.
    """
    await load_repertoire()
    text = subject_of(comment)
    if (kind := sensitive(comment)) is not None:
        return Roast(comment, kind.sentiment, kind_sentence(kind, comment, len(avoid)), False, is_joke=False)
    is_asked = model is not None and model.can.write and model.can.score
    feeling = await sentiment(text, model if is_asked else None)
    occasion = Occasion(seed, avoid, tired, age_years)
    remark, is_generated = await remark_on(text, model, occasion, sampling=sampling, on_progress=on_progress)
    return Roast(comment, feeling, remark, is_generated)


async def remark_on(
    text: str,
    model: TextModel | None,
    occasion: Occasion,
    *,
    sampling: Sampling = SAMPLING,
    on_progress: Progress | None = None,
) -> tuple[str, bool]:
    """Return a remark on a text that may be joked about, and whether the model wrote it. For the rest, see ``roast``.

    A model that cannot write chooses among the remarks that were written by hand; one that can judge as well, among
    those and its own. Where none fits, it is what is so of every comment of that kind.
    """
    measured = measures(text, date.today(), occasion.age_years)
    if (line := floor_line(text, measured, **_place(occasion), first=True)) is not None:
        return line, False
    written: list[str] = []
    if model is not None and model.can.write:
        drawn = await _drawn(text, model, replace(sampling, seed=occasion.seed), on_progress)
        if not model.can.judge and (best := best_of(drawn, text, occasion.avoid)):
            return best, True
        written = shown(drawn, text, occasion.avoid) if model.can.judge else []
    chooser = model if model is not None and (model.can.judge or not model.can.write) else None
    remark, line = await _fitting(text, chooser, occasion, written), None
    if remark is None or remark in occasion.tired:
        line = topic_line(text, **_place(occasion)) if act_of(text) not in _ACTS_FIRST else None
    if remark is not None and (line is None or line in occasion.tired):
        return remark, remark in written
    line = line or floor_line(text, measured, **_place(occasion))
    assert line is not None
    return line, False


def _place(occasion: Occasion) -> dict[str, Any]:
    return {"seed": occasion.seed, "avoid": occasion.avoid, "tired": occasion.tired}


async def _drawn(text: str, model: TextModel, sampling: Sampling, on_progress: Progress | None) -> list[Sampled]:
    """Return the remarks that a model writes on a text, whatever they are."""
    drawn: list[Sampled] = []
    prompt = roast_prompt(text)
    if model.can.follow:
        prompt, sampling = roast_request(text), replace(sampling, count=min(sampling.count, _TOLD_COUNT))
    candidates: Any = model.candidates(prompt, sampling)
    async with contextlib.aclosing(candidates):
        async for candidate in candidates:
            drawn.append(candidate)
            if on_progress is not None:
                on_progress(len(drawn), sampling.count)
    return drawn


async def _fitting(text: str, model: TextModel | None, occasion: Occasion, written: Sequence[str]) -> str | None:
    """Return the remark that fits a text best: of the hand-written ones that can be made on it, and of a model's.

    None where there is none. Without a model, words decide.
    """
    near, act = repertoire().fitting(text, occasion.avoid, NEAR), act_of(text)
    if act:  # a boast about a mask is a boast first: what was written for a mask misses it
        near = [(roast, weight) for roast, weight in near if act_of(roast.context) == act]
    remarks = [*written, *(roast.response for roast, _ in near)]
    if not remarks:
        return None
    ranks = [0.0] * len(written) + [weight for _, weight in near]
    if model is not None and len(remarks) > 1:
        ranks = await fitness(text, remarks, ranks, model)
    fresh = [rank - _TIRED * (remark in occasion.tired) for remark, rank in zip(remarks, ranks, strict=True)]
    order = sorted(range(len(remarks)), key=lambda place: -fresh[place])
    return remarks[order[place_of(occasion.seed, len(remarks))]]


async def fitness(text: str, remarks: Sequence[str], words: Sequence[float], model: TextModel) -> list[float]:
    """Return how well each remark fits a text, in nats.

    A judge is asked both ways: how much likelier the remark is on this text, and how likely the text is before this
    remark. Of another model the first counts beside the words that both share.

    Args:
        text (str): What the remarks would be made on.
        remarks (Sequence[str]): The remarks.
        words (Sequence[float]): How near each is to the text by words, in nats.
        model (TextModel): The model, with an adapter that was trained on remarks.
    """
    gained = await gains(text, remarks, model)
    if not model.can.judge:
        return [share + _GAIN_WEIGHT * gain for share, gain in zip(words, gained, strict=True)]
    recalled = await model.compare([comment_prompt(remark) for remark in remarks], text)
    return [gain + back for gain, back in zip(gained, recalled, strict=True)]


async def gains(text: str, remarks: Sequence[str], model: TextModel) -> list[float]:
    """Return how much likelier each remark is on a text than on anything, in nats, up to what all have in common."""
    here, anywhere = [await model.choose(roast_prompt(about), remarks) for about in (text, _ANYTHING)]
    return [math.log((one + _TINY) / (other + _TINY)) for one, other in zip(here, anywhere, strict=True)]


async def sentiment(text: str, model: TextModel | None) -> str:
    """Return which of ``SENTIMENTS`` is the most probable for a text, by its words and to a model."""
    likely = chances(text)
    if model is not None:
        said = await model.choose(sentiment_prompt(subject_of(text)), [completion(name) for name in SENTIMENTS])
        likely = [own * other**_MODEL_SHARE for own, other in zip(likely, said, strict=True)]
    return max(zip(likely, SENTIMENTS, strict=True))[1]


def subject_of(comment: str) -> str:
    """Return a comment as a model reads it: no character that cannot be seen, no mark that a tokenizer obeys."""
    lines = [plain(line) for line in comment[: 4 * _MOST_CHARACTERS].splitlines()]
    text = _CONTROL.sub(lambda mark: mark[0] + " " if mark[0] == "<" else " " + mark[0], "\n".join(filter(None, lines)))
    if len(text) <= _MOST_CHARACTERS:
        return text
    return text[:_MOST_CHARACTERS].rpartition(" ")[0] or text[:_MOST_CHARACTERS]


def best_of(candidates: Collection[Sampled], comment: str, avoid: Collection[str] = ()) -> str | None:
    """Return the best of several remarks on a comment; None when none may be shown.

    Dropped are those that are no finished remark, unsafe, generic, unlikely, a hand-written remark word for word, or to
    be avoided. Best is what is about the comment, then what is likeliest; a near copy of a hand-written remark is less.
    """
    likelihoods = {finished(candidate.text): candidate.likelihood for candidate in candidates}
    texts = shown(candidates, comment, avoid)
    return max(texts, key=lambda text: _rank(text, likelihoods[text], comment)) if texts else None


def shown(candidates: Collection[Sampled], comment: str, avoid: Collection[str] = ()) -> list[str]:
    """Return those of a model's remarks on a comment that may be shown, each once."""
    likely = (finished(candidate.text) for candidate in candidates if candidate.likelihood >= LEAST_LIKELIHOOD)
    return [text for text in dict.fromkeys(likely) if text not in avoid and why_not(text, comment) is None]


def why_not(remark: str, comment: str) -> str | None:
    """Return why a generated remark on a comment is not shown, in a few words; None when it is."""
    if fault := fault_of(remark):
        return fault
    if repertoire().has(remark):
        return "learned by heart"
    about = content_words(remark)
    if len(about) < _LEAST_CONTENT_WORDS:
        return "generic"
    if about <= content_words(comment) and len(about) > 2:
        return "an echo"
    if len(repertoire().unheard_of(remark, comment)) > _MOST_UNHEARD_OF:
        return "made-up words"
    return None if all(is_so(one, comment) for one in presumptions(remark, "")) else "not so"


def _rank(remark: str, likelihood: float, comment: str) -> tuple[bool, float]:
    shared = content_words(remark) & content_words(comment)
    is_copy = repertoire().likeness(remark) >= NEAR_COPY
    return bool(shared), likelihood + sum(map(repertoire().rarity, shared)) - _COPIED * is_copy
