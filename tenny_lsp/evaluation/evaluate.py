"""Score a base model and its adapter: ``tenny-lsp evaluate``. Imports no MLX before the runtime is prepared."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tenny_lsp.errors import DatasetError
from tenny_lsp.evaluation.answering import Judged, judge
from tenny_lsp.evaluation.examples import JudgedExample, judge_examples
from tenny_lsp.evaluation.ranking import places_in, reciprocal_rank
from tenny_lsp.evaluation.scores import AnswerScores, Evaluation, Perplexities, Speed, scores_by_module
from tenny_lsp.features.hover import hover_prompt
from tenny_lsp.learning.formats import read_sources
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.examples import example_of
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.model.prompt_format import prompt_format
from tenny_lsp.model.protocol import ALL_ABILITIES, TextModel
from tenny_lsp.model.runtime import prepare

#: Called after every answer with the number of answers so far and in all.
OnAnswer = Callable[[int, int], None]
_MAX_TOKENS = 96
_SPEED_ENTRY = "mlx.core.fast.scaled_dot_product_attention"


@dataclass(frozen=True, slots=True)
class EvaluateOptions:
    """What to evaluate, and on what.

    Args:
        model (str | None): The base's folder; None for the embedded one.
        adapter (Path | None): The adapter's folder; None for the bare base.
        data (Path | None): A dataset's folder: its test rows, and the names they are about, count as held out; code is
            asked for, and executed, for each of those names that has an example.
        code (Path | None): A folder with held-out Python source, a folder for each package.
        places (int): Uses of MLX in that source whose name is predicted.
        max_entries (int | None): Entries asked about, spread over all of them; None for all, 0 for none.
        with_documentation (bool): Whether prompts carry the documentation.
    """

    model: str | None = None
    adapter: Path | None = None
    data: Path | None = None
    code: Path | None = None
    places: int = 250
    max_entries: int | None = None
    with_documentation: bool = True


def evaluate(options: EvaluateOptions, index: ApiIndex, speaker: TextModel, on_answer: OnAnswer) -> Evaluation:
    """Return the scores of a base and its adapter.

    Args:
        options (EvaluateOptions): What is evaluated.
        index (ApiIndex): The entries that are asked about.
        speaker (TextModel): The same base and adapter, as hovers ask them; it is closed at the end.
        on_answer (OnAnswer): Called after every answer.

    Raises:
        DatasetError: The dataset or the folder of source holds nothing to read.
        BaseModelError: The base is incomplete or cannot be loaded.
        AdapterError: The adapter cannot be loaded.
    """
    code = _sources(options.code) if options.code else {}
    held_out = read_sources(options.data / "test.jsonl") if options.data else frozenset()
    first_answer_s, judged, names, examples = asyncio.run(_ask(options, index, speaker, code, held_out, on_answer))
    unseen = [one for one in judged if one.name in held_out]
    rows, perplexities, speed = _measure(options, index, code)
    return Evaluation(
        base=options.model or "embedded",
        adapter=str(options.adapter) if options.adapter else None,
        mlx=index.version,
        answers=AnswerScores.of(judged) if judged else None,
        modules=scores_by_module(judged),
        held_out_answers=AnswerScores.of(unseen) if unseen else None,
        rows_perplexity=rows,
        code=perplexities,
        names=names,
        speed=speed,
        first_answer_s=first_answer_s,
        judged=tuple(judged),
        examples=tuple(examples),
    )


async def _ask(
    options: EvaluateOptions,
    index: ApiIndex,
    speaker: TextModel,
    code: dict[str, list[str]],
    held_out: frozenset[str],
    on_answer: OnAnswer,
) -> tuple[float, list[Judged], float | None, list[JudgedExample]]:
    async def complete(prompt: str) -> str:
        return await speaker.complete(prompt, max_tokens=_MAX_TOKENS)

    documented = [entry for entry in index if entry.summary]
    chosen = documented[:: max(1, len(documented) // options.max_entries)] if options.max_entries else documented
    judged = []
    try:
        start_s = time.monotonic()
        await complete(hover_prompt(documented[0]))
        first_answer_s = time.monotonic() - start_s
        for entry in chosen if options.max_entries != 0 else []:
            verdict = await judge(
                entry,
                index,
                complete,
                with_documentation=options.with_documentation,
                may_paraphrase=speaker.can.write,
            )
            judged.append(verdict)
            on_answer(len(judged), len(chosen))
        places = places_in([text for texts in code.values() for text in texts], index, options.places)
        names = await reciprocal_rank(places, index, speaker.score) if places else None
        unseen = [entry for entry in index if entry.name in held_out and example_of(entry) is not None]
        examples = await judge_examples(unseen, complete)
    finally:
        await speaker.close()
    return first_answer_s, judged, names, examples


def _measure(
    options: EvaluateOptions, index: ApiIndex, code: dict[str, list[str]]
) -> tuple[Perplexities | None, dict[str, Perplexities], Speed]:
    """Return the perplexities of rows and code, and the speed, the bare base's before the adapter's."""
    prepare()
    from tenny_lsp.evaluation.measures import Measures  # imports MLX, which must not happen before prepare()

    measures = Measures(options.model, prompt_format(options.adapter, ALL_ABILITIES))
    file = options.data / "test.jsonl" if options.data else None
    rows, packages = [], {package: [measures.perplexity_of_code(texts)] for package, texts in code.items()}
    if file:
        rows.append(measures.perplexity_of_rows(file))
    if options.adapter:
        measures.load_adapter(options.adapter)
        for package, texts in code.items():
            packages[package].append(measures.perplexity_of_code(texts))
        if file:
            rows.append(measures.perplexity_of_rows(file))
    speed = measures.speed(hover_prompt(_long_entry(index)))
    return (
        Perplexities(*rows) if rows else None,
        {package: Perplexities(*values) for package, values in packages.items()},
        speed,
    )


def _long_entry(index: ApiIndex) -> ApiEntry:
    return index.resolve(_SPEED_ENTRY) or next(iter(index))


def _sources(folder: Path) -> dict[str, list[str]]:
    """Return the Python source under a folder, by the folder's first level.

    Raises:
        DatasetError: There is none.
    """
    found: dict[str, list[str]] = {}
    for file in sorted(folder.rglob("*.py")):
        package = file.relative_to(folder).parts[0]
        found.setdefault(package, []).append(file.read_text(encoding="utf-8", errors="replace"))
    if not found:
        raise DatasetError(f"{folder} holds no Python source", "Name a folder with a folder for each package.")
    return found
