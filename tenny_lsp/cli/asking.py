"""The commands that answer: ask."""

import asyncio
import json
import logging
from collections.abc import Awaitable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from tenny_lsp.cli.app import AdapterPath, AsJson, Interpreter, Model, app, err, out
from tenny_lsp.errors import AdapterError
from tenny_lsp.wiring import text_model

if TYPE_CHECKING:
    from tenny_lsp.features.ask import Complete
    from tenny_lsp.model.protocol import TextModel

_Answer = TypeVar("_Answer")
LOGGER = logging.getLogger(__name__)


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="For example: how do I save weights?")],
    model: Model = "",
    adapter_path: AdapterPath = None,
    max_tokens: Annotated[int, typer.Option(help="The longest answer, in tokens.")] = 128,
    python: Interpreter = None,
    as_json: AsJson = False,
) -> None:
    """Answer a question about MLX from its documentation, and say where that stands."""
    if not question.strip():
        raise typer.BadParameter("the question is empty")
    from tenny_lsp.features.ask import ask
    from tenny_lsp.mlx_api.index import load_mlx_index
    from tenny_lsp.mlx_api.search import Search
    from tenny_lsp.terminal import answer_text, answer_values

    speaker = _speaker(model, adapter_path)
    index = load_mlx_index(python)
    with err.status("Reading"):
        complete = _asking(speaker, max_tokens)
        asked = ask(question, index, Search(index), complete, may_paraphrase=bool(model))
        answer = asyncio.run(_closing(speaker, asked))
    if as_json:
        out.print_json(json.dumps({"question": question, **answer_values(answer)}))
    else:
        out.print(answer_text(answer, index), soft_wrap=True)


def _speaker(model: str, adapter_path: Path | None) -> "TextModel | None":
    """Returns the model that answers; None, and a line on stderr, when nothing has been trained yet."""
    try:
        speaker = text_model(model, adapter_path, deadline_s=600)  # who asks here has Ctrl-C
        LOGGER.debug("%s answers", speaker.identity)  # and an incomplete base or adapter is refused right here
    except AdapterError as error:
        if model or adapter_path:
            raise
        err.print(f"The documentation answers alone. {error}", highlight=False, soft_wrap=True)
        return None
    return speaker


def _asking(speaker: "TextModel | None", max_tokens: int) -> "Complete | None":
    return partial(speaker.complete, max_tokens=max_tokens) if speaker else None


async def _closing(speaker: "TextModel | None", answer: Awaitable[_Answer]) -> _Answer:
    try:
        return await answer
    finally:
        if speaker:
            await speaker.close()
