"""Scores of an evaluation, as plain values."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from statistics import mean
from typing import Any

from tenny_lsp.evaluation.answering import Judged, by_module
from tenny_lsp.evaluation.examples import JudgedExample


@dataclass(frozen=True, slots=True)
class Speed:
    """A model's speed in tokens per second: of reading a prompt, and of generating."""

    prefill_tokens_per_s: float
    decode_tokens_per_s: float


@dataclass(frozen=True, slots=True)
class Perplexities:
    """Perplexities per token, without and with the adapter; None where there is no adapter.

    Args:
        base (float): Of the bare base.
        adapted (float | None): Of the base with its adapter.
    """

    base: float
    adapted: float | None = None

    def __str__(self) -> str:
        return f"{self.base:.2f}" + (f" → {self.adapted:.2f}" if self.adapted is not None else "")


@dataclass(frozen=True, slots=True)
class AnswerScores:
    """Scores of the answers about a set of entries.

    Args:
        count (int): Answers.
        rouge_l (float): The mean of their ROUGE-L against the entries' summaries.
        unfounded_share (float): Share that names something wrong or something that does not exist.
        shown_share (float): Share that passes the check.
        shown_unfounded (int): Answers that pass the check and name something wrong nevertheless.
    """

    count: int
    rouge_l: float
    unfounded_share: float
    shown_share: float
    shown_unfounded: int

    @classmethod
    def of(cls, judged: list[Judged]) -> "AnswerScores":
        """Return the scores of at least one answer."""
        return cls(
            count=len(judged),
            rouge_l=mean(one.rouge_l for one in judged),
            unfounded_share=mean(bool(one.unfounded) for one in judged),
            shown_share=mean(one.is_shown for one in judged),
            shown_unfounded=sum(one.is_shown and bool(one.unfounded) for one in judged),
        )


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All scores of an evaluation.

    Args:
        base (str): The base's folder.
        adapter (str | None): The adapter's folder.
        mlx (str): The version of MLX whose entries were asked about.
        answers (AnswerScores | None): Of all answers; None when none were asked for.
        modules (dict[str, AnswerScores]): The same by module.
        held_out_answers (AnswerScores | None): Of the entries that the adapter's dataset kept for testing.
        rows_perplexity (Perplexities | None): On the dataset's test rows; None without a dataset.
        code (dict[str, Perplexities]): On held-out source, by package.
        names (float | None): The mean reciprocal rank of the names in that source, by the bare base.
        speed (Speed): Tokens a second.
        first_answer_s (float): From starting the worker's process to the end of its first answer.
        judged (tuple[Judged, ...]): Every answer.
        examples (tuple[JudgedExample, ...]): Code for the names kept for testing, one attempt each.
    """

    base: str
    adapter: str | None
    mlx: str
    answers: AnswerScores | None
    modules: dict[str, AnswerScores]
    held_out_answers: AnswerScores | None
    rows_perplexity: Perplexities | None
    code: dict[str, Perplexities]
    names: float | None
    speed: Speed
    first_answer_s: float
    judged: tuple[Judged, ...] = field(default=(), repr=False)
    examples: tuple[JudgedExample, ...] = field(default=(), repr=False)

    @property
    def pass_at_1(self) -> float | None:
        """The share of the examples that ran and used their name; None where none were asked for."""
        return mean(not one.fault for one in self.examples) if self.examples else None

    def rows(self) -> Iterator[tuple[str, str]]:
        """Yield (measure, value) for a table; what was not measured is left out."""
        yield "base", self.base
        yield "adapter", self.adapter or "none"
        if self.answers:
            yield from _answer_rows(f"answers about MLX {self.mlx}, in unseen words", self.answers)
        if self.held_out_answers:
            yield from _answer_rows("answers about names kept for testing", self.held_out_answers)
        if self.pass_at_1 is not None:
            said = f"{self.pass_at_1:.1%} of {len(self.examples)}"
            yield "examples of names kept for testing that run (pass@1)", said
        if self.rows_perplexity:
            yield "perplexity of test rows, base → with adapter", str(self.rows_perplexity)
        for package, perplexities in self.code.items():
            yield f"perplexity of {package}, base → with adapter", str(perplexities)
        if self.names is not None:
            yield "mean reciprocal rank of the next name, base", f"{self.names:.3f}"
        yield "prefill", f"{self.speed.prefill_tokens_per_s:,.0f} tokens/s"
        yield "decode", f"{self.speed.decode_tokens_per_s:,.0f} tokens/s"
        yield "start and first answer", f"{self.first_answer_s:.2f} s"

    def to_json(self) -> dict[str, Any]:
        """Return the scores as JSON values, without the answers themselves."""
        values = asdict(self)
        del values["judged"], values["examples"]
        return {**values, "pass_at_1": self.pass_at_1}


def scores_by_module(judged: list[Judged]) -> dict[str, AnswerScores]:
    """Return the scores of each module's answers."""
    return {module: AnswerScores.of(answers) for module, answers in by_module(judged).items()}


def _answer_rows(what: str, scores: AnswerScores) -> Iterator[tuple[str, str]]:
    yield what, f"{scores.count}"
    yield "  ROUGE-L against the summary", f"{scores.rouge_l:.3f}"
    yield "  name something wrong", f"{scores.unfounded_share:.1%}"
    yield "  shown", f"{scores.shown_share:.1%}"
    yield "  shown and name something wrong", f"{scores.shown_unfounded}"
