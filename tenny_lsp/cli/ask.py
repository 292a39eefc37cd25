"""The commands ask and roast."""

import asyncio
import json
import logging
import re
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from tenny_lsp import locations
from tenny_lsp.cli.app import (
    AdapterPath,
    AsJson,
    Interpreter,
    SpeakingModel,
    app,
    err,
    out,
    path_option,
    standard_input,
)
from tenny_lsp.cli.interpreter import index_of
from tenny_lsp.errors import AdapterError, ModelUnavailable, StorageError
from tenny_lsp.model.identity import base_name_of
from tenny_lsp.wiring import speaking_model

if TYPE_CHECKING:
    from tenny_lsp.features.ask import Answer
    from tenny_lsp.mlx_api.index import ApiIndex
    from tenny_lsp.model.protocol import TextModel

_Answer = TypeVar("_Answer")
LOGGER = logging.getLogger(__name__)


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="For example: how do I save weights?")],
    model: SpeakingModel = "",
    adapter_path: AdapterPath = None,
    max_tokens: Annotated[int, typer.Option(help="The longest answer, in tokens.")] = 128,
    python: Interpreter = None,
    as_json: AsJson = False,
) -> None:
    """Answer a question about MLX from its documentation, and say where that stands."""
    if not question.strip():
        raise typer.BadParameter("the question is empty")
    index = index_of(python)
    speaker = _speaker(model, adapter_path)
    with err.status("Reading"):
        answer = asyncio.run(_closing(speaker, _answered(question, index, speaker, max_tokens)))
    from tenny_lsp.cli.tables import answer_text
    from tenny_lsp.features.ask import answer_values

    if as_json:
        out.print_json(json.dumps({"question": question, **answer_values(answer)}))
    else:
        out.print(answer_text(answer, index), soft_wrap=True)


# What looks like an option is a comment of SQL, Lua or Haskell where it has a space.
@app.command(context_settings={"ignore_unknown_options": True})
def roast(
    comment: Annotated[str, typer.Argument(help="A comment, a docstring, a line of code; - for standard input.")] = "",
    file: Annotated[
        Path | None,
        path_option(help="A Python file: a remark on each telling line."),
    ] = None,
    review: Annotated[bool, typer.Option("--review", help="What --file means anyway.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Another remark than the last time.")] = False,
    model: SpeakingModel = "",
    adapter_path: Annotated[Path | None, path_option(help="Folder of the adapter. Default: cynic.")] = None,
    python: Interpreter = None,
    as_json: AsJson = False,
) -> None:
    """Say what Tenny thinks of a comment, or of a file."""
    if comment.startswith("-") and comment != "-" and not re.search(r"\s", comment):
        raise typer.BadParameter(f"there is no option {comment}")
    if (file is not None and comment) or (file is None and (review or not comment)):
        raise typer.BadParameter("give a comment, or --file")
    text = standard_input() if comment == "-" else comment
    if file is None and not re.search(r"[^\s#\"']", text):
        raise typer.BadParameter("the comment is empty")
    source = _source(file) if file is not None else ""
    speaker = _cynic(model, adapter_path)
    seed = 1 + secrets.randbelow(1 << 31) if again else 0
    with err.status("Thinking"):
        if file is not None:
            values: Any = asyncio.run(_closing(speaker, _reviewed(source, speaker, seed, python, file)))
        else:
            values = asyncio.run(_closing(speaker, _roasted(text.strip(), speaker, seed)))
    if as_json:
        out.print_json(json.dumps({"file": str(file), "remarks": values} if file is not None else values))
    elif file is not None:
        if not values:
            why = "no line is telling" if source.strip() else "the file is empty"
            err.print(f"{file}: {why}", highlight=False, soft_wrap=True)
        for remark in values:
            out.print(f"{file}:{remark['line']}: {remark['message']}", highlight=False, soft_wrap=True)
    else:
        out.print(values["roast"], highlight=False, soft_wrap=True)


async def _answered(question: str, index: "ApiIndex", speaker: "TextModel | None", max_tokens: int) -> "Answer":
    await _begin_to_load(speaker)
    # Not before: NumPy, which the search needs, takes its time.
    from tenny_lsp.features.ask import ask, search_in

    search = await asyncio.to_thread(search_in, index)
    return await _or_without(
        speaker, "The documentation answers alone.", lambda model: ask(question, search, model, max_tokens=max_tokens)
    )


async def _or_without(
    speaker: "TextModel | None", said: str, answer: "Callable[[TextModel | None], Awaitable[_Answer]]"
) -> _Answer:
    """Return an answer with a model; where that fails, say so, and return the answer without one."""
    try:
        return await answer(speaker)
    except ModelUnavailable as error:
        err.print(f"{said} {error}", highlight=False, soft_wrap=True)
        return await answer(None)


async def _begin_to_load(speaker: "TextModel | None") -> None:
    """Start a model before this process has something else to do."""
    if speaker is not None:
        speaker.begin_to_load()
        await asyncio.sleep(0)


async def _roasted(comment: str, speaker: "TextModel | None", seed: int) -> dict[str, Any]:
    if speaker is not None and speaker.can.write:  # one that only chooses is seldom asked
        await _begin_to_load(speaker)
    from tenny_lsp.features.history import History
    from tenny_lsp.features.roast import roast

    history = History(locations.history_file())
    avoid = history.said(comment) if seed else []
    # What is remembered is not said again; a model that chooses need not draw a worse one for that.
    is_drawn = not avoid or (speaker is not None and speaker.can.write)
    said = await _or_without(
        speaker,
        "This was written by hand.",
        lambda model: roast(comment, model, seed=seed if is_drawn else 0, avoid=avoid, tired=history.tired(comment)),
    )
    history.note(comment, said.remark)
    return {"comment": comment, "sentiment": said.sentiment, "roast": said.remark, "generated": said.is_generated}


async def _reviewed(
    source: str, speaker: "TextModel | None", seed: int, python: Path | None, file: Path | None
) -> list[dict[str, Any]]:
    from tenny_lsp.features.blame import ages
    from tenny_lsp.features.history import History
    from tenny_lsp.features.repertoire import load_repertoire
    from tenny_lsp.features.review import Topic, remark_on_topic, topics
    from tenny_lsp.inference.engine import Engine
    from tenny_lsp.pitfalls.check import Rules, pitfalls
    from tenny_lsp.source.buffer import Buffer

    buffer = Buffer(source)
    found = pitfalls(Engine(buffer, index_of(python)), Rules()) if "mlx" in source else []
    wrong = [Topic("pitfall", one.message, source[one.start : one.end], one.start, one.end) for one in found]
    await load_repertoire()
    history, made = History(locations.history_file()), set[str]()
    chosen = {topic: source.count("\n", 0, topic.start) for topic in topics(buffer, 0, len(source) + 1, wrong)}
    years = await ages(file, source, [line for topic, line in chosen.items() if topic.kind == "todo"]) if file else {}
    remarks = []
    for topic, line in chosen.items():
        before, said = set(made), history.said(topic.context) if seed else []
        message = await remark_on_topic(
            topic,
            speaker,
            seed=0 if said else seed,
            made=made,
            said=said,
            tired=history.tired(topic.context),
            age_years=years.get(line, 0),
        )
        for remark in made - before:
            history.note(topic.context, remark)
        remarks.append({"line": line + 1, "kind": topic.kind, "message": message})
    return remarks


def _source(file: Path) -> str:
    from tenny_lsp.cli.check_files import read_source
    from tenny_lsp.cli.check_listing import UncheckedFile

    source = read_source(file, is_named=True)
    if isinstance(source, UncheckedFile):
        raise StorageError(f"{file} {source.reason}", "Name a Python file.")
    return source.text


def _base(model: str, adapter_path: Path | None) -> str:
    """Return the name of the base to ask: the one that is named, else the one an adapter was made for."""
    if model or adapter_path is None:
        return model or locations.speaking_base()
    return locations.SMOLLM2 if base_name_of(adapter_path) == locations.SMOLLM2 else locations.EMBEDDED


def _cynic(model: str, adapter_path: Path | None) -> "TextModel | None":
    """Return the model that makes remarks; None, and a line on stderr, when it has not learned to yet."""
    try:
        speaker = speaking_model(_base(model, adapter_path), adapter_path, name=locations.CYNIC, deadline_s=600)
        LOGGER.debug("%s speaks", speaker.identity)  # and an incomplete base or adapter is refused right here
    except AdapterError as error:
        if adapter_path:
            raise
        err.print(f"This was written by hand. {error}", highlight=False, soft_wrap=True)
        return None
    return speaker


def _speaker(model: str, adapter_path: Path | None) -> "TextModel | None":
    """Return the model that answers; None, and a line on stderr, when nothing has been trained yet."""
    try:
        # Who asks here has Ctrl-C.
        speaker = speaking_model(_base(model, adapter_path), adapter_path, name=locations.MLX_DOCS, deadline_s=600)
        LOGGER.debug("%s answers", speaker.identity)  # and an incomplete base or adapter is refused right here
    except AdapterError as error:
        if model or adapter_path:
            raise
        err.print(f"The documentation answers alone. {error}", highlight=False, soft_wrap=True)
        return None
    return speaker


async def _closing(speaker: "TextModel | None", answer: Awaitable[_Answer]) -> _Answer:
    try:
        return await answer
    finally:
        if speaker:
            await speaker.close()
